/** What later plugins declare to `cache` about their answers and failures. */
import { defineCapability } from '../../plugin/capability.ts'
import type { Handler } from '../../plugin/query.ts'

/**
 * Zones that a plugin answers from live data. Its replies are never cached: a cached one would be wrong as soon as the
 * data changes, and asking the plugin costs no more than a cache hit. Answers of later plugins for these zones
 * (`fallthrough`) are cached, and repeated only while the plugin still passes the question on.
 */
export interface DynamicZones {
  /** Lower case and absolute. */
  readonly zones: readonly string[]
  /** The plugin's own handler: called before a hit in its zones is repeated. */
  readonly handler: Handler
}

export const dynamicZones = defineCapability<DynamicZones>('dynamic zones')

/** How often an upstream that was down has recovered. Failures that were cached before no longer count. */
export const recoveries = defineCapability<() => number>('recoveries')
