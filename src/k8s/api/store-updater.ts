/** Writes the objects of one resource that the API server sends into the model's store. */

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
  /** A list begins; objects that it does not contain are removed when it ends. */
  beginList(): void
  endList(): Promise<void>
  /** An object of a list. Malformed ones are logged and skipped. */
  listed(object: WireObject): void
  /** ADDED or MODIFIED. Returns the object's resourceVersion. Throws MalformedObject if it cannot be identified. */
  changed(object: WireObject): string
  /** DELETED; otherwise the same. */
  deleted(object: WireObject): string
  /**
   * An object that was read again because not all of it was kept. Ignored unless it is the version sent last: otherwise the
   * watch has another, or will send it.
   */
  readAgain(object: WireObject): void
  /** Versions sent since the last list began, also of objects that are not kept (no service, no address, malformed). */
  readonly versions: Pick<ObjectVersions, 'has' | 'lacks'>
}

/** Objects per resource: an endless list must not fill the memory. Kubernetes supports 10,000 Services, 150,000 Pods. */
const maxObjects = 200_000

export function createStoreUpdater(
  resource: Resource,
  store: ResourceStore<Reduced>,
  scheduler: CooperativeScheduler,
  log: Logger,
): StoreUpdater {
  let filter = createVersionFilter()
  // As many again may be sent without being kept.
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
      // The object exists: its last valid form stays, and a list in progress does not sweep it.
      if (before !== undefined) store.put(before)
    }
    // Uses the kept object's string: the one just decoded would be another copy of it.
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
