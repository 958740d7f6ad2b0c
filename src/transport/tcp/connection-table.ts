/**
 * Who has which connections open, and what those hold. When something is full it is taken from the client that has most of
 * it, never from the newcomer: from its connection that holds most, or has been idle for longest.
 */
import { clientKey } from '../../dns/address.ts'

export interface ConnectionTable {
  /**
   * Enters a connection that takes `places` of the table: one unless it costs more than one of TCP. Where those are too
   * many, others are closed.
   */
  add(address: string, connection: TableConnection, places?: number): ConnectionEntry
  /** Connections. */
  size(): number
  /** Closes the idlest connection of the client that has most; false where that one was not idle for so many milliseconds. */
  evictIdle(milliseconds: number): boolean
}

/** A connection as the table sees it. */
export interface TableConnection {
  /** Nothing is being answered, and everything that was is taken. */
  idle(): boolean
  /** Closes it at once. */
  destroy(): void
}

export interface ConnectionEntry {
  /** The client has sent something: it is the last of its connections to count as idle. */
  touch(): void
  /** Says how many octets of input it holds. May close the connection that holds most: this one, perhaps. */
  setInput(octets: number): void
  /** The same of output. */
  setUnsent(octets: number): void
  /** It is closed. */
  remove(): void
}

export type EvictionReason = 'connections' | 'input' | 'output'

export interface ConnectionTableOptions {
  /** Places. */
  readonly connections: number
  /** Places that one client may have. */
  readonly connectionsPerClient: number
  readonly inputBytes: number
  readonly unsentBytes: number
  readonly onEvicted: (reason: EvictionReason) => void
  /** Milliseconds. */
  readonly now: () => number
}

interface Entry {
  readonly client: Client
  readonly connection: TableConnection
  readonly places: number
  input: number
  unsent: number
  open: boolean
  /** When the client sent something last. */
  touched: number
}

interface Client {
  readonly key: string
  /** The one that was silent for longest first. */
  readonly entries: Set<Entry>
  places: number
  input: number
  unsent: number
}

/** Connections that are looked at for an idle one; where all of these are busy, the oldest has to go. */
const lookedAt = 64

export function createConnectionTable(options: ConnectionTableOptions): ConnectionTable {
  const clients = new Map<string, Client>()
  const ranks = createRanks<Client>()
  const totals = { input: 0, unsent: 0, places: 0 }
  let size = 0

  function remove(entry: Entry): void {
    if (!entry.open) return
    charge(entry, 'input', 0)
    charge(entry, 'unsent', 0)
    entry.open = false
    size--
    const { client } = entry
    client.entries.delete(entry)
    occupy(client, -entry.places)
    if (client.entries.size === 0) clients.delete(client.key)
  }

  function occupy(client: Client, places: number): void {
    ranks.move(client, client.places, client.places + places)
    client.places += places
    totals.places += places
  }

  /** Closes connections until there is room for `places` more. */
  function makeRoom(key: string, places: number): void {
    for (let own = clients.get(key); own && own.places + places > options.connectionsPerClient; own = clients.get(key))
      evict(idlest(own.entries), 'connections')
    while (size > 0 && totals.places + places > options.connections) evict(idlest(ranks.first().entries), 'connections')
  }

  function evict(entry: Entry, reason: EvictionReason): void {
    remove(entry)
    options.onEvicted(reason)
    entry.connection.destroy()
  }

  function charge(entry: Entry, kind: 'input' | 'unsent', octets: number): void {
    const change = octets - entry[kind]
    entry[kind] = octets
    entry.client[kind] += change
    totals[kind] += change
  }

  function set(entry: Entry, kind: 'input' | 'unsent', octets: number, limit: number): void {
    if (!entry.open || entry[kind] === octets) return
    charge(entry, kind, octets)
    while (totals[kind] > limit) {
      const client = largest(clients.values(), (one) => one[kind])
      evict(
        largest(client.entries, (one) => one[kind]),
        kind === 'input' ? 'input' : 'output',
      )
    }
  }

  function clientOf(key: string): Client {
    let client = clients.get(key)
    if (client === undefined) {
      client = { key, entries: new Set(), places: 0, input: 0, unsent: 0 }
      clients.set(key, client)
    }
    return client
  }

  return {
    size: () => size,
    evictIdle(milliseconds) {
      const entry = size > 0 ? idlest(ranks.first().entries) : undefined
      if (!entry?.connection.idle() || options.now() - entry.touched < milliseconds) return false
      evict(entry, 'connections')
      return true
    },
    add(address, connection, wanted = 1) {
      const key = clientKey(address)
      // A client may always have one.
      const places = Math.min(wanted, options.connectionsPerClient)
      makeRoom(key, places)
      const client = clientOf(key)
      const entry: Entry = { client, connection, places, input: 0, unsent: 0, open: true, touched: options.now() }
      client.entries.add(entry)
      occupy(client, places)
      size++
      return {
        touch() {
          if (!entry.open) return
          entry.touched = options.now()
          client.entries.delete(entry)
          client.entries.add(entry)
        },
        setInput: (octets) => set(entry, 'input', octets, options.inputBytes),
        setUnsent: (octets) => set(entry, 'unsent', octets, options.unsentBytes),
        remove: () => remove(entry),
      }
    },
  }
}

/** Enters connections in both: the second has a bound of its own, for a part of those in the first. */
export function inBoth(
  one: Pick<ConnectionTable, 'add'>,
  other: Pick<ConnectionTable, 'add'>,
): Pick<ConnectionTable, 'add'> {
  return {
    add(address, connection, places) {
      const entries = [one.add(address, connection, places), other.add(address, connection)]
      const [first] = entries
      const all = (act: (entry: ConnectionEntry) => void) => () => entries.forEach(act)
      return { ...first, touch: all((entry) => entry.touch()), remove: all((entry) => entry.remove()) }
    },
  }
}

function idlest(entries: ReadonlySet<Entry>): Entry {
  const [oldest] = entries
  let looked = 0
  for (const entry of entries) {
    if (entry.connection.idle()) return entry
    if (++looked === lookedAt) break
  }
  return oldest
}

/** The first of those that have most. `all` is not empty. */
function largest<Item>(all: Iterable<Item>, measure: (item: Item) => number): Item {
  let found: Item | undefined
  let most = -1
  for (const item of all) {
    if (measure(item) <= most) continue
    most = measure(item)
    found = item
  }
  // Called only where something is over its bound, and so there is one.
  return found as Item
}

/** Items by a count that changes by little: who has most is known without looking at all of them. */
function createRanks<Item>() {
  const ranks: (Set<Item> | undefined)[] = []
  let highest = 0
  return {
    move(item: Item, from: number, to: number): void {
      ranks[from]?.delete(item)
      if (to > 0) {
        ranks[to] ??= new Set()
        ranks[to].add(item)
      }
      highest = Math.max(highest, to)
      while (highest > 0 && !ranks[highest]?.size) highest--
    },
    /** One of those with the highest count: the one that has had it for longest. */
    first(): Item {
      const [item] = ranks[highest] ?? []
      // Called only where there is one.
      return item as Item
    },
  }
}
