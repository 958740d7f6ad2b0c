/** The server block that takes a query: by its zones, and where several serve one zone, by their views. */
import type { Query } from '../plugin/query.ts'
import type { Block, ListenerPlan } from './block.ts'
import type { Routed } from './routing.ts'

export function routeQuery(plan: ListenerPlan, query: Query): Routed<Block> | undefined {
  return plan.router.route(query.name, query.qtype, (found) => {
    const { view } = found.block
    return view === undefined || view.takes(queryInBlock(query, found))
  })
}

/** The query as the block's plugins see it. */
export function queryInBlock(query: Query, { block, zone }: Routed<Block>): Query {
  return { ...query, zone, view: block.view?.name ?? '', metadata: block.metadataOf(query) }
}
