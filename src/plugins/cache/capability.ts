/** What plugins behind `cache` declare about their answers, and about their failures. */
import { defineCapability } from '../../plugin/capability.ts'
import type { Handler } from '../../plugin/query.ts'

/**
 * Zones that a plugin answers from live data. Its replies are never cached: a cached one would be wrong as soon as the
 * data changes, and asking the plugin costs no more than a cache hit. What plugins behind it say of these zones
 * (`fallthrough`) is cached, and repeated only while the plugin still passes the question on.
 */
export interface DynamicZones {
  /** Lower case and absolute. */
  readonly zones: readonly string[]
  /** The plugin's own handler: called before a hit in its zones is repeated. */
  readonly handler: Handler
}

export const dynamicZones = defineCapability<DynamicZones>('dynamic zones')

/** How often a server that did not answer any more has come back: failures that were kept before say nothing any more. */
export const recoveries = defineCapability<() => number>('recoveries')
