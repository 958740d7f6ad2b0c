/**
 * Queries that wait for a turn of the main thread on a listener that sheds load (`shed`): few, and of each client the newest
 * first. Where there is no room for another, the oldest of the client that has most is dropped, so that what is answered
 * is answered while its client still waits, and a flood costs its own sender first.
 */
import { clientKey } from '../../dns/address.ts'
import type { FairBudget } from '../fair-budget.ts'
import { entryCost, type FairQueue } from './fair-queue.ts'

/** Queries: CoreDNS's depth, a burst of 12 to 16 ms of a socket's answers there. More would only be older. */
const depth = 1024

interface Entry<Item> {
  readonly client: string
  readonly cost: number
  readonly item: Item
}

/** `onDropped`: gets each item that has to go, a newcomer too. */
export function createFreshQueue<Item>(waiting: FairBudget, onDropped: (item: Item) => void): FairQueue<Item> {
  /** In the order of turns. A client's entries are in the order in which they came. */
  const byClient = new Map<string, Entry<Item>[]>()
  let size = 0

  function remove(key: string, end: 'oldest' | 'newest'): Item {
    const entries = byClient.get(key)!
    const { client, cost, item } = end === 'oldest' ? entries.shift()! : entries.pop()!
    if (entries.length === 0) byClient.delete(key)
    waiting.give(client, cost)
    size--
    return item
  }

  /** A client with no less than its share: the newcomer where it has that, else the one that has its turn first. */
  function heaviest(newcomer: string): string {
    const share = size / byClient.size
    if ((byClient.get(newcomer)?.length ?? 0) >= share) return newcomer
    for (const [key, entries] of byClient) if (entries.length >= share) return key
    return newcomer
  }

  return {
    offer(client, octets, item) {
      const cost = octets + entryCost
      const key = clientKey(client)
      if (size >= depth) onDropped(remove(heaviest(key), 'oldest'))
      // What the client holds elsewhere counts, too: others need not make room for that.
      while (!waiting.allows(client, cost)) {
        if (!byClient.has(key)) {
          onDropped(item)
          return true
        }
        onDropped(remove(key, 'oldest'))
      }
      waiting.take(client, cost)
      const entries = byClient.get(key)
      if (entries === undefined) byClient.set(key, [{ client, cost, item }])
      else entries.push({ client, cost, item })
      size++
      return true
    },
    next() {
      for (const key of byClient.keys()) {
        const item = remove(key, 'newest')
        const entries = byClient.get(key)
        if (entries !== undefined) {
          byClient.delete(key)
          byClient.set(key, entries)
        }
        return item
      }
      return undefined
    },
    size: () => size,
  }
}
