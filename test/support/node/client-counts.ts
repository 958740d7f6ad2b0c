/** What resolver-clients.ts counts. */

export interface ClientCounts {
  readonly sent: number
  /** By the first try, or by the second. */
  readonly answered: number
  /** SERVFAIL and whatever else is no answer, by rcode. */
  readonly failed: Readonly<Record<string, number>>
  /** Queries whose first try had no reply, the first ten thousand. */
  readonly lost: readonly Lost[]
  /** Milliseconds below which this part of the answers came. */
  readonly latency: { readonly p50: number; readonly p99: number }
}

export interface Lost {
  /** When it was sent, milliseconds as Date.now has them. */
  readonly at: number
  /** The second try had no reply either. */
  twice: boolean
}

/** Milliseconds of a try: resolv.conf's default. */
export const patience = 5000
