/** A bound in octets over all clients, of which no single client gets more than its share once it becomes scarce. */
import { clientKey } from '../dns/address.ts'

export interface FairBudget {
  /**
   * Whether a client may take so many octets: not past the bound, nor past the client's share of it while more than half is
   * taken. A refusal is counted.
   */
  allows(address: string, octets: number): boolean
  take(address: string, octets: number): void
  give(address: string, octets: number): void
  /** Octets that are taken. */
  used(): number
}

/** A single client may hold half of the bound while it is free, and a quarter of it once more is taken. */
const share = 1 / 4
const scarceFrom = 1 / 2

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
      if (used + octets <= limit * scarceFrom) return true
      const own = (ofClient.get(clientKey(address)) ?? 0) + octets
      if (used + octets <= limit && own <= limit * share) return true
      onRefused()
      return false
    },
    take: change,
    give: (address, octets) => change(address, -octets),
    used: () => used,
  }
}
