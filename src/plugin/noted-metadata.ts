/** Metadata that a plugin learns while it handles a query: which upstream was asked, which wildcard has answered. */
import type { MetadataSource } from './capabilities/metadata.ts'
import type { Query } from './query.ts'

export interface NotedMetadata extends MetadataSource {
  /** The last value wins. Does nothing for a query without metadata. */
  note(query: Query, value: string): void
}

/** `label`: the label of the values. */
export function createNotedMetadata(label: string): NotedMetadata {
  /** All copies of a query share its `metadata` function; internal lookups have their own, as in CoreDNS. */
  const values = new WeakMap<NonNullable<Query['metadata']>, string>()
  return {
    note({ metadata }, value) {
      if (metadata) values.set(metadata, value)
    },
    valueOf: ({ metadata }, asked) => (asked === label && metadata ? values.get(metadata) : undefined),
  }
}
