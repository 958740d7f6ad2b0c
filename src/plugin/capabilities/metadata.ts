/** Facts about queries that plugins know (`kubernetes/client-namespace`), for `view`, `template`, `rewrite`, `log`. */
import { defineCapability } from '../capability.ts'
import type { Query } from '../query.ts'

/** Provided by plugins that have metadata. A label is `plugin/label`; undefined: no such label, or no value. */
export interface MetadataSource {
  valueOf(query: Query, label: string): string | undefined
}

export const metadataSource = defineCapability<MetadataSource>('metadata source')

/** Provided by `metadata`: the names whose queries have metadata. Without it no query has any. */
export interface MetadataScope {
  covers(name: string): boolean
}

export const metadataScope = defineCapability<MetadataScope>('metadata scope')
