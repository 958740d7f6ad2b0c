/** From objects of the wire into the model's store: one resource's, with its list under way where there is one. */

import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import type { Logger } from '../../telemetry/log.ts'
import { MalformedObject, type MetaDraft } from '../decode/draft.ts'
import type { WireObject } from '../decode/wire.ts'
import type { ResourceStore } from '../model/resource-store.ts'
import type { EndpointSlice, Reduced, Resource } from '../model/types.ts'
import { createVersionFilter } from './version-filter.ts'

export interface StoreUpdater {
  /** A list begins; what it does not name is removed when it ends, not before. */
  beginList(): void
  endList(): Promise<void>
  /** An object of a list. Malformed ones are logged and skipped. */
  listed(object: WireObject): void
  /** ADDED or MODIFIED. Returns its resourceVersion. Throws MalformedObject when it cannot be told which object it is. */
  changed(object: WireObject): string
  /** DELETED. The same. */
  deleted(object: WireObject): string
}

export function createStoreUpdater(
  resource: Resource,
  store: ResourceStore<Reduced>,
  pacer: CooperativeScheduler,
  log: Logger,
): StoreUpdater {
  let recent = createVersionFilter()
  const isSlice = resource === 'endpointslices' || resource === 'importedslices'
  /** The text of the last complaint about an object, so that an object that stays malformed is logged once. */
  const complaints = new Map<string, string>()

  const complain = (object: string, reason: string): void => {
    if (complaints.get(object) === reason) return
    if (complaints.size >= 1000) complaints.clear()
    complaints.set(object, reason)
    log.error(`${resource} ${object || '(unknown object)'}: malformed, skipped: ${reason}`)
  }

  const put = (object: WireObject, meta: MetaDraft): void => {
    const before = store.get(meta.namespace, meta.name)
    try {
      const reduced = object.reduce(resource, meta, isSlice ? (before as EndpointSlice | undefined) : undefined)
      if (reduced === undefined) store.remove(meta.namespace, meta.name)
      else store.put(reduced)
    } catch (error) {
      if (!(error instanceof MalformedObject)) throw error
      complain(`${meta.namespace}/${meta.name}`, error.message)
      // It exists, whatever it says: its last good form stays, and a list under way does not sweep it.
      if (before !== undefined) store.put(before)
    }
  }

  return {
    beginList() {
      recent = createVersionFilter()
      store.mark()
    },
    async endList() {
      while (!store.sweep(() => pacer.due)) await pacer.rest()
    },
    listed(object) {
      try {
        put(object, object.meta())
      } catch (error) {
        if (!(error instanceof MalformedObject)) throw error
        complain('', error.message)
      }
    },
    changed(object) {
      const meta = object.meta()
      if (recent.isNewer(`${meta.namespace}/${meta.name}`, meta.resourceVersion)) put(object, meta)
      return meta.resourceVersion
    },
    deleted(object) {
      const meta = object.meta()
      if (recent.isNewer(`${meta.namespace}/${meta.name}`, meta.resourceVersion))
        store.remove(meta.namespace, meta.name)
      return meta.resourceVersion
    },
  }
}
