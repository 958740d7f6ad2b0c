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
