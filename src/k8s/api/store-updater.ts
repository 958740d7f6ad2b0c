/** Writes the objects that the API server sends of one resource into the model's store. */

import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import type { Logger } from '../../telemetry/log.ts'
import { MalformedObject, type MetaDraft } from '../decode/draft.ts'
import type { WireObject } from '../decode/wire.ts'
import { excerpt } from '../excerpt.ts'
import type { ResourceStore } from '../model/resource-store.ts'
import type { EndpointSlice, Reduced, Resource } from '../model/types.ts'
import { ApiFailure } from './failure.ts'
import { createObjectVersions, type ObjectVersions } from './object-versions.ts'
import { createVersionFilter } from './version-filter.ts'

export interface StoreUpdater {
  /** A list begins; what it does not name is removed when it ends, not before. */
  beginList(): void
  endList(): Promise<void>
  /** An object of a list. Malformed ones are logged and skipped. */
  listed(object: WireObject): void
  /** ADDED or MODIFIED. Returns its resourceVersion. Throws MalformedObject when the object cannot be identified. */
  changed(object: WireObject): string
  /** DELETED: the same. */
  deleted(object: WireObject): string
  /**
   * An object that was read once more, because not all of it was kept. Without effect where it is not the version that was sent
   * last: the watch has another, or will send it.
   */
  readAgain(object: WireObject): void
  /** What the API server has sent since the last list began, whether it is kept or not: of no service, without an address, malformed. */
  readonly versions: Pick<ObjectVersions, 'has' | 'lacks'>
}

/** Objects of one resource: a list without end must not fill the memory. Kubernetes supports 10,000 Services, 150,000 Pods. */
const maxObjects = 200_000

export function createStoreUpdater(
  resource: Resource,
  store: ResourceStore<Reduced>,
  scheduler: CooperativeScheduler,
  log: Logger,
): StoreUpdater {
  let filter = createVersionFilter()
  // As many may be sent and not kept.
  const versions = createObjectVersions(2 * maxObjects)
  const isSlice = resource === 'endpointslices' || resource === 'importedslices'
  /** The last error of each object, so that an object that stays malformed is logged once. */
  const loggedErrors = new Map<string, string>()

  const logMalformed = (name: string, reason: string): void => {
    const object = excerpt(name)
    if (loggedErrors.get(object) === reason) return
    if (loggedErrors.size >= 1000) loggedErrors.clear()
    loggedErrors.set(object, reason)
    log.error(`${resource} ${object || '(unknown object)'}: malformed, skipped: ${excerpt(reason)}`)
  }

  const put = (object: WireObject, meta: MetaDraft): void => {
    const before = store.get(meta.namespace, meta.name)
    if (before === undefined && store.size >= maxObjects) {
      throw new ApiFailure('oversized', `there are more than ${maxObjects} ${resource}: no more are kept`)
    }
    try {
      const reduced = object.reduce(resource, meta, isSlice ? (before as EndpointSlice | undefined) : undefined)
      if (reduced === undefined) store.remove(meta.namespace, meta.name)
      else store.put(reduced)
    } catch (error) {
      if (!(error instanceof MalformedObject)) throw error
      logMalformed(`${meta.namespace}/${meta.name}`, error.message)
      // The object exists: its last good form stays, and a list under way does not sweep it.
      if (before !== undefined) store.put(before)
    }
    // The name of the object that is kept: the one that has just been read would be another copy of it.
    versions.set(meta.namespace, before?.name ?? meta.name, meta.resourceVersion)
  }

  return {
    beginList() {
      filter = createVersionFilter()
      versions.clear()
      store.mark()
    },
    async endList() {
      while (!store.sweep(() => scheduler.due)) await scheduler.rest()
    },
    listed(object) {
      try {
        put(object, object.meta())
      } catch (error) {
        if (!(error instanceof MalformedObject)) throw error
        logMalformed('', error.message)
      }
    },
    changed(object) {
      const meta = object.meta()
      if (filter.isNewer(key(meta), meta.resourceVersion)) put(object, meta)
      return meta.resourceVersion
    },
    deleted(object) {
      const meta = object.meta()
      if (filter.isNewer(key(meta), meta.resourceVersion)) {
        versions.remove(meta.namespace, meta.name)
        store.remove(meta.namespace, meta.name)
      }
      return meta.resourceVersion
    },
    readAgain(object) {
      const meta = object.meta()
      if (versions.isLast(meta.namespace, meta.name, meta.resourceVersion)) put(object, meta)
    },
    versions,
  }
}

const key = ({ namespace, name }: MetaDraft): string => `${namespace}/${name}`
