/**
 * A bound in octets over all clients, of which no client gets more than it leaves: alone it may hold half, N of them 1/(N + 1) each,
 * and as much stays free for whoever comes next.
 */
import { clientKey } from '../dns/address.ts'

export interface FairBudget {
  /** Whether a client may take so many octets: what it holds then is no more than what is left of the bound. A refusal is counted. */
  allows(address: string, octets: number): boolean
  take(address: string, octets: number): void
  give(address: string, octets: number): void
  /** Octets that are taken. */
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
      // Less than half is taken by all: the most common case needs no look at the client.
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
