/** A bound in octets over all clients, of which no single client gets more than its share once it becomes scarce. */
import { clientKey } from '../dns/address.ts'

export interface FairBudget {
  /**
   * Charges a client. Undefined, and counted, when that would pass the bound, or the client's share of it while more than
   * half is taken.
   */
  take(address: string, octets: number): Charge | undefined
  /** Octets charged. */
  used(): number
}

export interface Charge {
  /** Gives the octets back. Call it once. */
  release(): void
}

/** A single client may hold half of the bound while it is free, and a quarter of it once more is taken. */
const share = 1 / 4
const scarceFrom = 1 / 2

export function createFairBudget(limit: number, onRefused: () => void): FairBudget {
  const ofClient = new Map<string, number>()
  let used = 0

  function give(client: string, octets: number): void {
    used -= octets
    const left = (ofClient.get(client) ?? 0) - octets
    if (left > 0) ofClient.set(client, left)
    else ofClient.delete(client)
  }

  return {
    take(address, octets) {
      const client = clientKey(address)
      const own = (ofClient.get(client) ?? 0) + octets
      const total = used + octets
      if (total > limit || (total > limit * scarceFrom && own > limit * share)) {
        onRefused()
        return undefined
      }
      used = total
      ofClient.set(client, own)
      return { release: () => give(client, octets) }
    },
    used: () => used,
  }
}
