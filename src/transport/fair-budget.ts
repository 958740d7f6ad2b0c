/**
 * A limit in octets over all clients. A client may hold as much as remains free: alone at most half, N of them 1/(N + 1)
 * each, so that the same share stays free for the next client.
 */
import { clientKey } from '../dns/address.ts'

export interface FairBudget {
  /** Whether a client may take so many octets: its total may not exceed what then remains free. Refusals are counted. */
  allows(address: string, octets: number): boolean
  take(address: string, octets: number): void
  give(address: string, octets: number): void
  /** Octets in use. */
  used(): number
}

export function createFairBudget(limit: number, onRefused: () => void): FairBudget {
  const ofClient = new Map<string, number>()
  let used = 0

  function change(address: string, octets: number): void {
    const client = clientKey(address)
    const own = (ofClient.get(client) ?? 0) + octets
    used += octets
    if (own > 0) ofClient.set(client, own)
    else ofClient.delete(client)
  }

  return {
    allows(address, octets) {
      const left = limit - used - octets
      // At most half is in use by all clients together: the common case, for which the client's share need not be looked up.
      if (used + octets <= left) return true
      const own = (ofClient.get(clientKey(address)) ?? 0) + octets
      if (own <= left) return true
      onRefused()
      return false
    },
    take: change,
    give: (address, octets) => change(address, -octets),
    used: () => used,
  }
}
