/** Reads a snapshot file into the model. */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { MalformedObject } from '../decode/draft.ts'
import type { Reducer } from '../decode/reduce.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { ResourceStore } from '../model/resource-store.ts'
import type { Reduced, Resource } from '../model/types.ts'
import type { BootTime } from './boot.ts'
import { openSnapshot } from './file.ts'
import { frameReader } from './frames.ts'
import { checksumEnd, headerLength, parseHeader, type Section, type SnapshotFacts } from './header.ts'
import { isOfAnother } from './identity.ts'
import { SnapshotRefused } from './refusal.ts'
import { checksumOf } from './write.ts'

/** Octets per read; the next chunk is read while one is processed. */
const chunkLength = 256 * 1024
/** Milliseconds that the clock may be behind the one that wrote the time. */
const clockTolerance = 60_000

export interface Expected {
  readonly cluster: string
  /** The UID that the API server reports; undefined if unknown. It may become known while the file is being read. */
  readonly uid?: () => string | undefined
  readonly options: string
  /** Milliseconds since 1970. */
  readonly now: number
  /** The current time by the clock that cannot be set. */
  readonly boot?: BootTime | undefined
  /** Milliseconds. */
  readonly maxAge: number
}

export interface ReadDeps {
  readonly model: ClusterModel
  readonly watched: readonly Resource[]
  readonly reducer: Reducer
  readonly scheduler: CooperativeScheduler
}

export interface ReadFacts {
  /** Milliseconds. */
  readonly age: number
  /** As SnapshotFacts'. */
  readonly uid: string | undefined
}

/**
 * Restores the file's objects of resources that have not been listed by then. `restored` is called when they are in the
 * stores, right before anybody is notified. Rejects with SnapshotRefused, leaving nothing of it in the model.
 */
export async function readSnapshot(
  file: string,
  expected: Expected,
  deps: ReadDeps,
  restored: (facts: ReadFacts) => void,
): Promise<void> {
  const { handle, size } = await openSnapshot(file)
  try {
    const facts = await readFacts(handle, size, file, expected, deps)
    await restore(handle, facts, deps, () => {
      refuseOthersUid(facts, file, expected)
      restored({ age: Math.max(0, ageOf(facts, expected)), uid: facts.uid })
    })
  } catch (error) {
    if (error instanceof SnapshotRefused) throw error
    if (error instanceof MalformedObject) throw damaged(file, error.message)
    throw new SnapshotRefused('unreadable', `cannot read ${file}: ${(error as Error).message}`)
  } finally {
    await handle.close()
  }
}

/** Checks everything before the first object is read. */
async function readFacts(
  handle: FileHandle,
  size: number,
  file: string,
  expected: Expected,
  { watched, scheduler }: ReadDeps,
): Promise<SnapshotFacts> {
  const header = Buffer.alloc(headerLength)
  const { bytesRead } = await handle.read(header, 0, headerLength, 0)
  if (bytesRead < headerLength) throw damaged(file, `it ends after ${bytesRead} octets`)
  const { facts, checksum } = parseHeader(header, file)
  const wanted = facts.sections.reduce((sum, { octets }) => sum + octets, headerLength)
  if (wanted !== size) throw damaged(file, `it has ${size} octets of ${wanted}`)
  const body = createHash('sha256')
  for await (const chunk of chunksOf(handle, headerLength, size)) {
    scheduler.begin()
    body.update(chunk)
    if (scheduler.due) await scheduler.rest()
  }
  if (checksumOf(header.subarray(checksumEnd), body.digest()) !== checksum) {
    throw damaged(file, 'its checksum does not match')
  }
  refuseOthers(facts, file, expected)
  const resources = facts.sections.map(({ resource }) => resource)
  if (new Set(resources).size < resources.length || !resources.every((resource) => watched.includes(resource))) {
    throw damaged(file, 'it has other resources than are watched')
  }
  return facts
}

/** Within one boot the time of day is ignored, because it may have been set meanwhile. */
function ageOf({ time, boot: then }: SnapshotFacts, { now, boot }: Expected): number {
  return then !== undefined && then.id === boot?.id && then.at <= boot.at ? boot.at - then.at : now - time
}

function refuseOthers(facts: SnapshotFacts, file: string, expected: Expected): void {
  const { cluster, options, maxAge } = expected
  refuseOthersUid(facts, file, expected)
  if (facts.cluster !== cluster) {
    throw new SnapshotRefused('cluster', `${file} belongs to another cluster: its API server or CA differs`)
  }
  if (facts.options !== options) {
    throw new SnapshotRefused('options', `${file} was written with other options of kubernetes, so its objects differ`)
  }
  const age = ageOf(facts, expected)
  if (age < -clockTolerance) {
    throw new SnapshotRefused('future', `${file} is ${ageText(-age)} in the future: is the clock right?`)
  }
  if (age > maxAge) throw new SnapshotRefused('old', `${file} is ${ageText(age)} old, older than ${ageText(maxAge)}`)
}

function refuseOthersUid({ uid }: SnapshotFacts, file: string, { uid: current }: Expected): void {
  if (isOfAnother(uid, current?.())) {
    throw new SnapshotRefused(
      'cluster',
      `${file} belongs to another cluster: the UID of the Namespace kube-system differs`,
    )
  }
}

/** In the largest unit of which there are at least two: `36 h`. */
export function ageText(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}

/** `complete` is called before the snapshot is used, and throws if it has turned out to be another cluster's. */
async function restore(handle: FileHandle, facts: SnapshotFacts, deps: ReadDeps, complete: () => void): Promise<void> {
  const { model } = deps
  const restored: { readonly resource: Resource; readonly object: Reduced }[] = []
  let start = headerLength
  try {
    for (const section of facts.sections) {
      await restoreSection(handle, start, section, deps, (object) => {
        restored.push({ resource: section.resource, object })
      })
      start += section.octets
    }
    const unlisted = facts.sections.filter(({ resource }) => isUnlisted(model, resource))
    if (unlisted.length === 0) return
    complete()
    model.restored(new Map(unlisted.map(({ resource, availability }) => [resource, availability])), facts.serials)
  } catch (error) {
    for (const { resource, object } of restored) takeBack(model, resource, object)
    throw error
  }
}

/** Removes the object, unless a list has replaced it since. */
function takeBack({ stores }: ClusterModel, resource: Resource, object: Reduced): void {
  const namespace = 'namespace' in object ? object.namespace : ''
  const store = stores[resource]
  if (store.get(namespace, object.name) === object) store.remove(namespace, object.name)
}

async function restoreSection(
  handle: FileHandle,
  start: number,
  { resource, octets, objects }: Section,
  { model, reducer, scheduler }: ReadDeps,
  restored: (object: Reduced) => void,
): Promise<void> {
  const reader = frameReader(resource, reducer)
  const store = model.stores[resource] as ResourceStore<Reduced>
  let count = 0
  for await (const chunk of chunksOf(handle, start, start + octets)) {
    scheduler.begin()
    reader.push(chunk)
    for (let object = reader.next(); object !== undefined; object = reader.next()) {
      // A complete list is authoritative.
      if (!isUnlisted(model, resource)) return
      const reduced = object.reduce(resource, object.meta(), undefined)
      if (reduced === undefined) throw new MalformedObject(`an object of ${resource} that is not kept`)
      if (store.restore(reduced)) restored(reduced)
      count++
      if (scheduler.due) await scheduler.rest()
    }
  }
  if (count !== objects || reader.left > 0) throw new MalformedObject(`${resource}: ${count} objects of ${objects}`)
}

const isUnlisted = ({ view }: ClusterModel, resource: Resource): boolean => view.availability(resource) !== 'synced'

const damaged = (file: string, what: string) => new SnapshotRefused('damaged', `${file} is damaged: ${what}`)

/** Reads the next chunk while the caller processes one, so that it does not wait for each. */
async function* chunksOf(handle: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  let reading: Promise<Buffer> | undefined
  try {
    for (let at = start; at < end; ) {
      reading ??= readAt(handle, at, end)
      const chunk = await reading
      at += chunk.length
      reading = at < end ? readAt(handle, at, end) : undefined
      yield chunk
    }
  } finally {
    // The file must not be closed during a read.
    await reading?.catch(() => {})
  }
}

function readAt(handle: FileHandle, at: number, end: number): Promise<Buffer> {
  const reading = readChunk(handle, at, end)
  // It may fail before anybody awaits it.
  reading.catch(() => {})
  return reading
}

async function readChunk(handle: FileHandle, at: number, end: number): Promise<Buffer> {
  // A new buffer each time, because the caller may refer to the previous one.
  const chunk = Buffer.allocUnsafeSlow(Math.min(chunkLength, end - at))
  const { bytesRead } = await handle.read(chunk, 0, chunk.length, at)
  if (bytesRead === 0) throw new MalformedObject('the file ends before its end')
  return chunk.subarray(0, bytesRead)
}
