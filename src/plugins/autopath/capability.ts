/** What `autopath @NAME` asks of the plugin NAME. */
import { defineCapability } from '../../plugin/capability.ts'
import type { Query } from '../../plugin/query.ts'

export interface SearchLists {
  /** The domains that the client's resolver appends to names, lower case and absolute; undefined when not known. */
  of(query: Query): readonly string[] | undefined
  /** Whether a client's search list may begin with this domain (lower case, absolute). */
  mayBegin(domain: string): boolean
  /** Zones that contain every domain for which `mayBegin` is true. */
  readonly zones: readonly string[]
}

/** The same list for every client. */
export const fixedLists = (list: readonly string[]): SearchLists => ({
  of: () => list,
  mayBegin: (domain) => domain === list[0],
  zones: list.slice(0, 1),
})

export const searchLists = defineCapability<SearchLists>('search lists')
