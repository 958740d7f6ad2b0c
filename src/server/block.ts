import type { Scheme } from '../corefile/keys.ts'
import type { HttpBounds } from '../plugin/capabilities/http-bounds.ts'
import type { ConnectionTimeouts } from '../plugin/capabilities/listening.ts'
import type { LoadShedding } from '../plugin/capabilities/load-shedding.ts'
import type { ProxyProtocol } from '../plugin/capabilities/proxy-protocol.ts'
import type { QueryObserver } from '../plugin/capabilities/query-observer.ts'
import type { ServerTls } from '../plugin/capabilities/server-tls.ts'
import type { ViewFilter } from '../plugin/capabilities/view.ts'
import type { BlockFacts, BlockPlugin, Provider } from '../plugin/contract.ts'
import type { ExtendedErrorPolicy } from '../plugin/extended-error.ts'
import type { Next, Query } from '../plugin/query.ts'
import type { Router } from './routing.ts'

/** A server block whose plugins are set up. */
export interface Block {
  readonly facts: BlockFacts
  readonly zones: readonly string[]
  /** In chain order, those without a handler included. */
  readonly plugins: readonly BlockPlugin[]
  /** Undefined for a block without a handler: its zones are REFUSED (docs/coredns-behaviour.md §2.5). */
  readonly chain: Next | undefined
  /** Which of the queries for its zones the block takes; undefined: all. */
  readonly view: ViewFilter | undefined
  readonly isView: boolean
  /** As in Routable. */
  readonly isLeftToRules: boolean
  /** Metadata about the query from the block's plugins; undefined without `metadata`. */
  metadataOf(query: Query): Query['metadata']
  /** Plugins that observe queries answered from the table, in chain order. */
  readonly observers: readonly BlockObserver[]
  /** `bufsize`: the largest UDP payload that a client may ask for. */
  readonly maxPayload: number | undefined
  /** `extended_errors` */
  readonly extendedErrors: ExtendedErrorPolicy
  /** Queries of other classes than IN are accepted. */
  readonly everyClass: boolean
  /** Updates (RFC 2136) are accepted. */
  readonly takesUpdates: boolean
}

export interface BlockObserver extends Provider<QueryObserver> {
  /** The plugins behind it, whose answers it observes. */
  readonly precedes: ReadonlySet<string>
}

/** A scheme, address and port with the blocks that share them. */
export interface ListenerPlan {
  readonly scheme: Scheme
  /** '' for every address. */
  readonly address: string
  readonly port: number
  /** As metrics name it: `dns://:53`, `tls://127.0.0.1:853`. */
  readonly server: string
  readonly shards: number
  readonly timeouts: ConnectionTimeouts
  readonly proxyProtocol: ProxyProtocol | undefined
  readonly shedding: LoadShedding | undefined
  readonly tls: ServerTls | undefined
  readonly http: HttpBounds | undefined
  readonly blocks: readonly Block[]
  readonly router: Router<Block>
  /** One block accepts other classes than IN, which opens the whole listener to them, as in CoreDNS. */
  readonly everyClass: boolean
  /** At least one block accepts updates. */
  readonly takesUpdates: boolean
  /** For queries that no block takes: off only if off in every block. */
  readonly extendedErrors: ExtendedErrorPolicy
}

export function serverLabel(scheme: Scheme, address: string, port: number): string {
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`
}
