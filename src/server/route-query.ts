/** Chooses the server block for a query: by zone, and among several blocks of one zone by view. */
import type { Query } from '../plugin/query.ts'
import type { Block, ListenerPlan } from './block.ts'
import type { Routed } from './routing.ts'

interface RoutedQuery {
  readonly routed: Routed<Block> | undefined
  /** A view was asked: another client's query may go to another block. */
  readonly viewed: boolean
  /** The query as the block's plugins see it; unchanged if no block takes it. */
  readonly query: Query
}

export function routeQuery(plan: ListenerPlan, asked: Query): RoutedQuery {
  let viewed = false
  let { metadata } = asked
  const routed = plan.router.route(asked.name, asked.qtype, (found) => {
    const { view } = found.block
    if (view === undefined) return true
    viewed = true
    const query = queryInBlock(asked, found, metadata)
    metadata = query.metadata
    return view.takes(query)
  })
  return { routed, viewed, query: routed ? queryInBlock(asked, routed, metadata) : asked }
}

/** As in CoreDNS, a block without `metadata` gets that of the last block whose view rejected the query. */
function queryInBlock(query: Query, { block, zone }: Routed<Block>, before: Query['metadata']): Query {
  return { ...query, zone, view: block.view?.name ?? '', metadata: block.metadataOf(query) ?? before }
}
