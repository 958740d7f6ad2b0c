/** Which queries a server block takes, besides those of its zones (`view`). */
import { defineCapability } from '../capability.ts'
import type { Query } from '../query.ts'

export interface ViewFilter {
  /** The `view` label of the block's metrics. */
  readonly name: string
  /** Whether the block takes the query; else the next block of the zone is tried, then those of the zones above. */
  takes(query: Query): boolean
}

export const viewFilter = defineCapability<ViewFilter>('view filter')
