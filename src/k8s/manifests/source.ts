/**
 * The embedded source: a directory of manifests (`*.yaml`, `*.yml`, `*.json`; without its subdirectories) instead of an API
 * server, watched for changes. A file that does not parse keeps its last valid objects.
 */
import { type FSWatcher, type Stats, watch } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'
import { createReducer } from '../decode/reduce.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { ClusterConfig } from '../model/config.ts'
import type { ResourceStore } from '../model/resource-store.ts'
import type { Resource } from '../model/types.ts'
import type { Source } from '../source.ts'
import { type Admitted, createAdmission } from './admission.ts'
import { ManifestError, type ManifestObject, parseManifest } from './parse.ts'

/** Milliseconds without a change before a scan: editors and `kubectl` write in several steps. */
const settleTime = 50
const longestUnsettled = 500
/** Milliseconds between checks of file times, because network file systems send no notifications. */
const pollInterval = 2000
/** Octets of a manifest; a larger one is a mistake. */
const largestFile = 32 * 1024 * 1024

interface FileState {
  /** Changes when the file does. */
  readonly signature: string
  readonly objects: readonly PlacedObject[]
}

interface PlacedObject extends ManifestObject {
  readonly file: string
}

export function openManifests(
  directory: string,
  config: ClusterConfig,
  watched: readonly Resource[],
  model: ClusterModel,
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): Source {
  const admission = createAdmission(config, watched, createReducer(config))
  let files = new Map<string, FileState>()
  let watcher: { readonly notifications: FSWatcher; readonly inode: number } | undefined
  let pending: Timer | undefined
  let changedAt = 0
  let poll: Timer | undefined
  let scanning: Promise<void> | undefined
  let stopped = false
  let complaint = ''
  /** Annotations that were left out may fit now. */
  let hasRoom = false

  const complain = (text: string): void => {
    if (text !== complaint && text !== '') log.error(text)
    complaint = text
  }

  const readOne = async (name: string): Promise<FileState | undefined> => {
    const path = join(directory, name)
    const before = files.get(name)
    let signature = ''
    try {
      const facts = await stat(path)
      if (!facts.isFile()) return undefined
      signature = `${facts.ino} ${facts.mtimeMs} ${facts.size}`
      if (before?.signature === signature) return before
      if (facts.size > largestFile) throw new ManifestError(`larger than ${largestFile} octets`, 1)
      const warn = (message: string, line: number) => log.warning(`manifests: ${path}:${line}: ${message}`)
      const objects = parseManifest(await readFile(path, 'utf8'), warn).map((object) => ({ ...object, file: path }))
      return { signature, objects }
    } catch (error) {
      const place = error instanceof ManifestError ? `${path}:${error.line}` : path
      const kept = before === undefined ? 'the file is ignored' : 'its last valid objects stay'
      log.error(`manifests: ${place}: ${errorMessage(error)} (${kept})`)
      return { signature, objects: before?.objects ?? [] }
    }
  }

  const scan = async (): Promise<void> => {
    let names: string[]
    try {
      follow(await stat(directory))
      names = (await readdir(directory)).filter((name) => /^[^.].*\.(ya?ml|json)$/.test(name)).sort()
    } catch (error) {
      complain(`manifests: ${errorMessage(error)}: waiting for the directory`)
      return
    }
    complain('')
    const next = new Map<string, FileState>()
    for (const name of names) {
      const file = await readOne(name)
      if (file !== undefined) next.set(name, file)
    }
    if (stopped) return
    const unchanged = next.size === files.size && [...next].every(([name, file]) => files.get(name) === file)
    files = next
    if (unchanged && !hasRoom && model.view.synced) return
    hasRoom = false
    apply([...files.values()].flatMap((file) => file.objects))
  }

  const apply = (objects: readonly PlacedObject[]): void => {
    const admitted = admission.admit(objects, (refused, reason) => {
      const { file, line, kind, object } = refused as PlacedObject
      log.error(`manifests: ${file}:${line}: ${kind} ${nameOf(object)}: ${reason} (ignored)`)
    })
    for (const resource of watched) list(resource, admitted)
    for (const resource of watched) model.setAvailability(resource, 'synced')
  }

  const list = (resource: Resource, admitted: readonly Admitted[]): void => {
    const store = model.stores[resource] as ResourceStore<Admitted['object']>
    store.mark()
    for (const one of admitted) if (one.resource === resource) store.put(one.object)
    store.sweep(() => false)
  }

  /** One scan at a time; changes during a scan cause another. A directory that never settles is still read. */
  const scanSoon = (delay: number): void => {
    if (pending !== undefined && clock.now() - changedAt > longestUnsettled) return
    if (pending === undefined) changedAt = clock.now()
    pending?.cancel()
    pending = clock.after(delay, () => {
      pending = undefined
      scanning = (scanning ?? Promise.resolve()).then(scan).catch((error) => {
        log.error(`manifests: ${directory}: ${errorMessage(error)}`)
      })
    })
  }

  /** A directory that was replaced needs a new watch, because the old one follows the deleted directory. */
  const follow = (facts: Stats): void => {
    if (watcher?.inode === facts.ino) return
    watcher?.notifications.close()
    watcher = undefined
    try {
      const notifications = watch(directory, { persistent: false }, () => scanSoon(settleTime))
      notifications.on('error', () => {
        notifications.close()
        watcher = undefined
      })
      watcher = { notifications, inode: facts.ino }
    } catch (error) {
      log.debug(`manifests: no notifications for ${directory}, polling: ${errorMessage(error)}`)
    }
  }

  const room = model.annotations.onRoom(() => {
    hasRoom = true
    scanSoon(settleTime)
  })

  return {
    status: () => ({ endpoint: `manifests ${directory}`, connected: true }),
    start() {
      scanSoon(0)
      poll = clock.every(pollInterval, () => scanSoon(0))
    },
    async stop() {
      stopped = true
      room.remove()
      pending?.cancel()
      poll?.cancel()
      watcher?.notifications.close()
      await scanning
    },
  }
}

/** The object's own name, as far as it has one. */
function nameOf({ metadata }: ManifestObject['object']): string {
  const { namespace, name } = (metadata ?? {}) as { namespace?: unknown; name?: unknown }
  return [namespace, name].filter((part) => typeof part === 'string' && part !== '').join('/') || '(no name)'
}
