/** Metadata that a plugin learns while it handles a query: which upstream was asked, which wildcard has answered. */
import type { MetadataSource } from './capabilities/metadata.ts'
import type { Query } from './query.ts'

export interface NotedMetadata extends MetadataSource {
  /** The last value counts. A query without metadata is not noted. */
  note(query: Query, value: string): void
}

/** `label`: the one that has the values. */
export function createNotedMetadata(label: string): NotedMetadata {
  /** All copies of a query have its reader in common, and internal lookups have their own, as in CoreDNS. */
  const values = new WeakMap<NonNullable<Query['metadata']>, string>()
  return {
    note({ metadata }, value) {
      if (metadata) values.set(metadata, value)
    },
    valueOf: ({ metadata }, asked) => (asked === label && metadata ? values.get(metadata) : undefined),
  }
}
