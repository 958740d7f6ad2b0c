/** Which queries a server block takes, besides those of its zones (`view`). */
import type { Prefix } from '../../dns/address.ts'
import { defineCapability } from '../capability.ts'
import type { Query } from '../query.ts'

export interface ViewFilter {
  /** The `view` label of the block's metrics. */
  readonly name: string
  /** Whether the block takes the query; else the next block of the zone is tried, then those of the zones above. */
  takes(query: Query): boolean
  /** Networks that contain every client whose queries it takes; undefined: any client. */
  readonly clients?: readonly Prefix[] | undefined
}

export const viewFilter = defineCapability<ViewFilter>('view filter')
