/**
 * Queries that wait for the main thread, served in turns between clients: a client that sends more than the plugin chain
 * can answer delays only itself. Octets are limited by a budget that clients share.
 */
import { clientKey } from '../../dns/address.ts'
import type { FairBudget } from '../fair-budget.ts'

export interface FairQueue<Item> {
  /** Adds an item; false, with nothing added, if the client already holds its share of the budget. */
  offer(client: string, octets: number, item: Item): boolean
  /** Takes the oldest item of the client whose turn it is. */
  next(): Item | undefined
  size(): number
}

/** Octets that an entry costs in addition to its own: the objects around it. */
export const entryCost = 512

export function createFairQueue<Item>(waiting: FairBudget): FairQueue<Item> {
  /** In the order of turns: a client that had its turn moves to the end. */
  const byClient = new Map<string, { client: string; cost: number; item: Item }[]>()
  let size = 0
  return {
    offer(client, octets, item) {
      const cost = octets + entryCost
      if (!waiting.allows(client, cost)) return false
      waiting.take(client, cost)
      const key = clientKey(client)
      const entries = byClient.get(key)
      if (entries === undefined) byClient.set(key, [{ client, cost, item }])
      else entries.push({ client, cost, item })
      size++
      return true
    },
    next() {
      for (const [key, entries] of byClient) {
        const { client, cost, item } = entries.shift()!
        byClient.delete(key)
        if (entries.length > 0) byClient.set(key, entries)
        waiting.give(client, cost)
        size--
        return item
      }
      return undefined
    },
    size: () => size,
  }
}
