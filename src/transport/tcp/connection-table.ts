/**
 * Records which client has which connections open, and what they hold. When a limit is reached the client that uses most
 * loses a connection, never the newcomer: the one that holds most, or has been idle longest.
 */
import { clientKey } from '../../dns/address.ts'

export interface ConnectionTable {
  /**
   * Adds a connection that takes `places` of the table: 1 unless it costs more than a plain TCP connection. If that exceeds
   * a limit, other connections are closed.
   */
  add(address: string, connection: TableConnection, places?: number): ConnectionEntry
  /** Number of connections. */
  size(): number
  /** Closes the longest idle connection of the client with most; false if that was idle for less than `milliseconds`. */
  evictIdle(milliseconds: number): boolean
}

/** A connection as the table sees it. */
export interface TableConnection {
  /** No query is pending, and the client has taken all replies. */
  idle(): boolean
  /** Closes the connection at once. */
  destroy(): void
}

export interface ConnectionEntry {
  /** The client has sent something: this connection now counts as the least idle of its client. */
  touch(): void
  /** Sets the octets of input that it holds. This may close the connection that holds most, possibly this one. */
  setInput(octets: number): void
  /** The same for output. */
  setUnsent(octets: number): void
  /** The connection is closed. */
  remove(): void
}

export type EvictionReason = 'connections' | 'input' | 'output'

export interface ConnectionTableOptions {
  /** Maximum number of places. */
  readonly connections: number
  /** Maximum number of places per client. */
  readonly connectionsPerClient: number
  readonly inputBytes: number
  readonly unsentBytes: number
  readonly onEvicted: (reason: EvictionReason) => void
  /** The time in milliseconds. */
  readonly now: () => number
}

interface Entry {
  readonly client: Client
  readonly connection: TableConnection
  readonly places: number
  input: number
  unsent: number
  open: boolean
  /** When the client last sent something. */
  touched: number
}

interface Client {
  readonly key: string
  /** Longest silent first. */
  readonly entries: Set<Entry>
  places: number
  input: number
  unsent: number
}

/** Connections checked in search of an idle one; if all of these are busy, the oldest is closed. */
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

  /** Closes connections until `places` more are free. */
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
      // Every client may have at least one connection.
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

/** Adds connections to both tables: the second has its own limit, for some of the connections in the first. */
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

/** The first of those with the highest measure. `all` must not be empty. */
function largest<Item>(all: Iterable<Item>, measure: (item: Item) => number): Item {
  let found: Item | undefined
  let most = -1
  for (const item of all) {
    if (measure(item) <= most) continue
    most = measure(item)
    found = item
  }
  // A limit is exceeded, so there is at least one.
  return found as Item
}

/** Items ranked by a count that changes in small steps: finds the highest without looking at all items. */
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
    /** One item with the highest count: the one that has had it longest. */
    first(): Item {
      const [item] = ranks[highest] ?? []
      // Never called while empty.
      return item as Item
    },
  }
}
