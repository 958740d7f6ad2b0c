/** What resolver-clients.ts counts. */

/**
 * What a resolver does when a try fails: `new socket` hears a refusal, and asks again at once from another one, as Go and c-ares;
 * `same socket` hears none, and asks again after five seconds, as musl; `next server` asks a second server, as all of them do where
 * resolv.conf names two.
 */
export const clientKinds = ['new socket', 'same socket', 'next server'] as const
export type ClientKind = (typeof clientKinds)[number]

export interface ClientCounts {
  readonly sent: number
  /** By the first try, or by the second. */
  readonly answered: number
  /** SERVFAIL and whatever else is no answer, by rcode. */
  readonly failed: Readonly<Record<string, number>>
  /**
   * Replies that came to no socket of these clients: from another address than the one that was asked, where connection tracking has
   * forgotten the query, or after their time.
   */
  readonly unclaimed: number
  /** Queries whose first try had no reply, the first ten thousand. */
  readonly lost: readonly Lost[]
  /** Milliseconds below which this part of the answers came. */
  readonly latency: { readonly p50: number; readonly p99: number }
}

export interface Lost {
  /** When it was sent, milliseconds as Date.now has them. */
  readonly at: number
  readonly by: ClientKind
  /** The second try had no reply either. */
  twice: boolean
}

/** Milliseconds of a try: resolv.conf's default. */
export const patience = 5000
