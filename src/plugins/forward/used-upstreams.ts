/** The metadata `forward/upstream`: which upstream has been asked for a question, its last one. */
import type { MetadataSource } from '../../plugin/capabilities/metadata.ts'
import type { Query } from '../../plugin/query.ts'

export interface UsedUpstreams extends MetadataSource {
  note(query: Query, upstream: string): void
}

export function createUsedUpstreams(): UsedUpstreams {
  /** The budget is what all copies of a query have in common. */
  const used = new WeakMap<Query['budget'], string>()
  return {
    note: ({ budget }, upstream) => void used.set(budget, upstream),
    valueOf: ({ budget }, label) => (label === 'forward/upstream' ? used.get(budget) : undefined),
  }
}
