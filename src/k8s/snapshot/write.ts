/** Writes what the model has to a snapshot file. */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { Reduced, Resource } from '../model/types.ts'
import { createObjectEncoder } from './encode.ts'
import { largestSnapshot, replaceFile } from './file.ts'
import { frameHeader } from './frames.ts'
import { headerLength, headerLine, headerRest, type Section, type SnapshotFacts } from './header.ts'

/** Octets that are collected before they are written. */
const chunkLength = 128 * 1024

/** There is more than a snapshot may hold. */
export class SnapshotTooLarge extends Error {
  override name = 'SnapshotTooLarge'
}

/** What a file has besides the state. */
export type Origin = Pick<SnapshotFacts, 'time' | 'boot' | 'cluster' | 'uid' | 'options'>

/**
 * Returns the octets of the file. The state is that of the moment of the call, however much changes meanwhile: objects are
 * never changed, only replaced. Rejects with SnapshotTooLarge, or with what the file system says; then the old file is still there.
 */
export async function writeSnapshot(
  file: string,
  origin: Origin,
  model: ClusterModel,
  watched: readonly Resource[],
  scheduler: CooperativeScheduler,
): Promise<number> {
  const cut = watched.flatMap((resource) => {
    const availability = model.view.availability(resource)
    const objects: Reduced[] = [...model.stores[resource].all()]
    return availability === 'synced' || availability === 'forbidden' ? [{ resource, availability, objects }] : []
  })
  const serials = { ...model.serials }
  let total = 0
  await replaceFile(file, async (handle) => {
    const sections: Section[] = []
    const out = createOutput(handle)
    for (const { resource, availability, objects } of cut) {
      const octets = await writeSection(resource, objects, out, scheduler)
      sections.push({ resource, availability, objects: objects.length, octets })
    }
    total = await out.finish(headerRest({ ...origin, serials, sections }))
  })
  return total
}

async function writeSection(
  resource: Resource,
  objects: readonly Reduced[],
  out: Output,
  scheduler: CooperativeScheduler,
): Promise<number> {
  const encoder = createObjectEncoder(resource)
  const start = out.length
  scheduler.begin()
  for (const object of objects) {
    const octets = encoder.encode(object)
    if (!out.fits(octets)) {
      await out.flush()
      scheduler.begin()
    }
    out.append(octets)
    if (scheduler.due) await scheduler.rest()
  }
  await out.flush()
  return out.length - start
}

/** Octets behind the header. */
interface Output {
  readonly length: number
  /** False: flush first. */
  fits(octets: Uint8Array): boolean
  append(octets: Uint8Array): void
  flush(): Promise<void>
  /** Writes the header before them. Returns the length of the file. */
  finish(headerRest: Buffer): Promise<number>
}

function createOutput(handle: FileHandle): Output {
  let chunk = Buffer.allocUnsafeSlow(chunkLength)
  let filled = 0
  let flushed = 0
  // The header is hashed first and known last: what follows it has a checksum of its own.
  const body = createHash('sha256')
  return {
    get length() {
      return flushed + filled
    },
    fits: (octets) => filled + frameHeader + octets.length <= chunk.length || filled === 0,
    append(octets) {
      if (flushed + filled + frameHeader + octets.length > largestSnapshot - headerLength) {
        throw new SnapshotTooLarge(`the state takes more than ${largestSnapshot} octets`)
      }
      if (frameHeader + octets.length > chunk.length) chunk = Buffer.allocUnsafeSlow(frameHeader + octets.length)
      filled = chunk.writeUInt32BE(octets.length, filled)
      chunk.set(octets, filled)
      filled += octets.length
    },
    async flush() {
      if (filled === 0) return
      const octets = chunk.subarray(0, filled)
      body.update(octets)
      await handle.write(octets, 0, octets.length, headerLength + flushed)
      flushed += filled
      filled = 0
    },
    async finish(rest) {
      const line = headerLine(checksumOf(rest, body.digest()))
      await handle.write(Buffer.concat([line, rest]), 0, headerLength, 0)
      return headerLength + flushed
    },
  }
}

/** Of the header behind its first line, and of what follows the header. */
export function checksumOf(headerRest: Uint8Array, bodyDigest: Buffer): string {
  return createHash('sha256').update(headerRest).update(bodyDigest).digest('hex')
}
