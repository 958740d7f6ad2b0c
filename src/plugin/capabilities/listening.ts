/** How the listeners of a server block are opened, and what they accept. */
import { defineCapability } from '../capability.ts'

/** IP addresses to listen on (`bind`); without it the block listens on every address. */
export const listenAddresses = defineCapability<readonly string[]>('listen addresses')

/** UDP threads of each listener, each with its own socket (`multisocket`). */
export const udpShards = defineCapability<number>('UDP shards')

/**
 * Queries of other classes than IN are accepted (`forward`). One block opens its whole listener to them, as in CoreDNS.
 */
export const everyClass = defineCapability<true>('every class')

/**
 * The block accepts dynamic updates of its zones (RFC 2136, `dynupdate`). Updates of other blocks' zones get NOTIMP on
 * every listener.
 */
export const takesUpdates = defineCapability<true>('takes updates')

/**
 * Limits of TCP connections where they differ from the defaults: milliseconds, and queries per connection (0: no
 * limit).
 */
export interface ConnectionTimeouts {
  /** For the first message of a connection, whole. */
  readonly read?: number | undefined
  /** For a client to take what was written to it. */
  readonly write?: number | undefined
  /** For each later message, whole. */
  readonly idle?: number | undefined
  readonly queries?: number | undefined
}

/** Timeouts of TCP connections to the block's listeners (`timeouts`). */
export const connectionTimeouts = defineCapability<ConnectionTimeouts>('connection timeouts')

/** For each value the last one given wins. */
export function mergedTimeouts(all: readonly ConnectionTimeouts[]): ConnectionTimeouts {
  const last = (key: keyof ConnectionTimeouts) => all.findLast((timeouts) => timeouts[key] !== undefined)?.[key]
  return { read: last('read'), write: last('write'), idle: last('idle'), queries: last('queries') }
}
