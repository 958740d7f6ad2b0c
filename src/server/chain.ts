import { rcode } from '../dns/codes.ts'
import type { Handler, Next, Outcome, Query } from '../plugin/query.ts'

/** A handler with the name of its plugin. */
export interface ChainLink {
  readonly plugin: string
  readonly handler: Handler
}

/**
 * Links handlers into one function, first link first. The end of the chain is SERVFAIL
 * (docs/coredns-behaviour.md §2.5): if the last plugin passes a query on, the configuration does not cover the query.
 */
export function linkChain(links: readonly ChainLink[]): Next {
  const last = links.at(-1)?.plugin ?? ''
  let next: Next = () => ({
    kind: 'rcode',
    rcode: rcode.SERVFAIL,
    plugin: '',
    error: new Error(`plugin/${last}: no next plugin found`),
  })
  for (const { plugin, handler } of links.toReversed()) next = link(plugin, handler, next)
  return next
}

/** One link. Rejects a second call of `next` for one query, which would answer it twice. */
function link(plugin: string, handler: Handler, following: Next): Next {
  return (query: Query): Outcome | Promise<Outcome> => {
    let used: Query | undefined
    return handler(query, (passed) => {
      if (used === passed) throw new Error(`plugin/${plugin} passed one query on twice`)
      used = passed
      return following(passed)
    })
  }
}
