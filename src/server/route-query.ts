/** The server block that takes a query: by its zones, and where several serve one zone, by their views. */
import type { Query } from '../plugin/query.ts'
import type { Block, ListenerPlan } from './block.ts'
import type { Routed } from './routing.ts'

/** `viewed`: a view was asked, so another client's query may go to another block. */
export function routeQuery(
  plan: ListenerPlan,
  query: Query,
): { readonly routed: Routed<Block> | undefined; readonly viewed: boolean } {
  let viewed = false
  const routed = plan.router.route(query.name, query.qtype, (found) => {
    const { view } = found.block
    if (view === undefined) return true
    viewed = true
    return view.takes(queryInBlock(query, found))
  })
  return { routed, viewed }
}

/** The query as the block's plugins see it. */
export function queryInBlock(query: Query, { block, zone }: Routed<Block>): Query {
  return { ...query, zone, view: block.view?.name ?? '', metadata: block.metadataOf(query) }
}
