/** How the listeners of a server block are opened, and what they accept. */
import { defineCapability } from '../capability.ts'

/** IP addresses to listen on (`bind`); without it the block listens on every address. */
export const listenAddresses = defineCapability<readonly string[]>('listen addresses')

/** UDP threads of each listener, each with a socket of its own (`multisocket`). */
export const udpShards = defineCapability<number>('UDP shards')

/**
 * Queries of other classes than IN are accepted (`forward`). One block opens its whole listener to them, as in CoreDNS.
 */
export const everyClass = defineCapability<true>('every class')

/** The block takes updates of its zones (RFC 2136): `dynupdate`. On its listeners those of other blocks are NOTIMP, as on all others. */
export const takesUpdates = defineCapability<true>('takes updates')

/** Milliseconds, and queries per connection (0: no limit), where TCP connections differ from the defaults. */
export interface ConnectionTimeouts {
  /** For the first message of a connection, whole. */
  readonly read?: number | undefined
  /** Within which a client must take what was written to it. */
  readonly write?: number | undefined
  /** For each later message, whole. */
  readonly idle?: number | undefined
  readonly queries?: number | undefined
}

/** Of the TCP connections of a block's listeners (`timeouts`). */
export const connectionTimeouts = defineCapability<ConnectionTimeouts>('connection timeouts')

/** Of each value the last one that is given counts. */
export function mergedTimeouts(all: readonly ConnectionTimeouts[]): ConnectionTimeouts {
  const last = (key: keyof ConnectionTimeouts) => all.findLast((timeouts) => timeouts[key] !== undefined)?.[key]
  return { read: last('read'), write: last('write'), idle: last('idle'), queries: last('queries') }
}
