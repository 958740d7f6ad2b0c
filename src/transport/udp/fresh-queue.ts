/**
 * Queries that wait for the main thread on a listener that sheds load (`shed`): few, and of each client the newest first.
 * When it is full the oldest query of the client with most is dropped, so that answers reach clients that still wait, and
 * a flood harms its own sender first.
 */
import { clientKey } from '../../dns/address.ts'
import type { FairBudget } from '../fair-budget.ts'
import { entryCost, type FairQueue } from './fair-queue.ts'

/** Queries: CoreDNS's depth, which it answers per socket in 12 to 16 ms. A longer queue would only make them older. */
const depth = 1024

interface Entry<Item> {
  readonly client: string
  readonly cost: number
  readonly item: Item
}

/** `onDropped`: called with each dropped item, which may be the new one. */
export function createFreshQueue<Item>(waiting: FairBudget, onDropped: (item: Item) => void): FairQueue<Item> {
  /** In the order of turns. A client's entries are in order of arrival. */
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

  /** A client that has at least its share: the newcomer if it has, else the one whose turn comes first. */
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
      // What the client holds elsewhere counts too: others need not make room for that.
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
