/** What other plugins of the block declare to `forward`. */
import { defineCapability } from '../../plugin/capability.ts'
import type { Query, SocketAddress } from '../../plugin/query.ts'

/** Whether a plugin keeps failures to answer this name (lower case, absolute), or is set not to (`servfail 0`). */
export const failuresAreKept = defineCapability<(name: string) => boolean>('failures are kept')

/** A finished exchange of one question with one upstream, answered or not. */
export interface EndedExchange {
  /** The query that it was asked for; others may share its answer. */
  readonly query: Query
  readonly upstream: SocketAddress
  readonly transport: 'udp' | 'tcp'
  /** Our end, where it is known. */
  readonly local: SocketAddress | undefined
  /** Milliseconds of the monotonic clock. */
  readonly startedAt: number
  /** The octets of both messages; their IDs are those of the connection. */
  readonly request: Uint8Array
  readonly reply: Uint8Array | undefined
}

/**
 * Called for each exchange with an upstream (`dnstap`). Must not throw. UDP threads relay nothing for a block that has
 * one.
 */
export const exchangeObserver = defineCapability<(exchange: EndedExchange) => void>('exchange observer')
