/**
 * A thread's exchanges in progress: which query has which, since when, on which socket, and which queries share it. A slot's
 * query is in at most one exchange.
 */
import type { NameKey } from '../../../table/name-key.ts'
import { socketsPerServer } from '../../../upstream/udp-sockets.ts'
import { createInFlight, NONE, type Question } from './in-flight.ts'
import type { Route } from './plans.ts'
import { createSlotLists, createSlots, type Slots, slotState } from './slots.ts'
import { mostUpstreams, type UpstreamStates } from './upstreams.ts'

/** Queries in progress per thread. A slot costs 500 octets. */
export const relaySlots = 4096
/**
 * Two lists per upstream: exchanges that are given up after its hedge delay, and exchanges without an alternative upstream,
 * which last longer. Each list is in the order in which its exchanges expire.
 */
export const listsOfUpstream = 2
const listOf = (route: Route): number => (route.hasOne ? 1 : 0)

/** Limit for queries that share an exchange: they are handed over together and must not fill the ring. The chain shares too. */
const mostSharers = 256

export interface Exchanges {
  readonly slots: Slots
  /** The slot whose exchange also answers this question, NONE, or CHAIN (in-flight.ts). */
  find(key: NameKey, hash: number, question: Question): number
  /** Makes the slot's query wait for the other slot's exchange. False: too many do already. */
  share(slot: number, other: number): boolean
  /** The question of the slot's query has been sent to the upstream, from this socket with this ID. */
  begin(slot: number, route: Route, upstream: number, socket: number, id: number, now: number): void
  /** Whether an exchange on the socket with this tag uses the ID. */
  hasId(tag: number, id: number): boolean
  /** The slot of the exchange with this ID on the socket with this tag, or NONE. */
  withId(tag: number, id: number): number
  /** The exchange has ended. The slot keeps its query, and the queries that share it. */
  end(slot: number): void
  /** The chain has taken over the query; an answer that still arrives is passed on to it. */
  lend(slot: number): void
  /** The chain no longer waits for the answer. */
  endLent(slot: number): void
  /** Iterates over the slots of a socket's exchanges, by its tag; ends with NONE. */
  firstOfSocket(tag: number): number
  afterOnSocket(slot: number): number
  /** Iterates over the slots of one of the upstream's lists by age, and over the lent ones; ends with NONE. */
  oldestOf(upstream: number, list: number): number
  oldestLent(): number
  afterByAge(slot: number): number
  /** Removes one of the queries that share the slot's exchange; NONE when there are no more. */
  takeSharer(slot: number): number
  hasSharers(slot: number): boolean
  /** Whether a query received on this listener's socket waits for the slot's exchange. */
  concerns(slot: number, listener: number): boolean
}

export function createExchanges(states: UpstreamStates): Exchanges {
  const slots = createSlots(relaySlots)
  const { state } = slots
  const inFlight = createInFlight(slots)
  /** By the tag of their socket. */
  const ofSocket = createSlotLists(slots.size, mostUpstreams * socketsPerServer)
  /** By upstream and list, oldest first; the last list has the lent slots. */
  const byAge = createSlotLists(slots.size, mostUpstreams * listsOfUpstream + 1)
  const lent = mostUpstreams * listsOfUpstream
  /** The first of the queries that share a slot's exchange. */
  const sharers = new Int32Array(slots.size).fill(NONE)
  const shared = new Int32Array(slots.size)

  function withId(tag: number, id: number): number {
    let slot = ofSocket.first(tag)
    while (slot !== NONE && slots.id[slot] !== id) slot = ofSocket.after(slot)
    return slot
  }

  function leaveSocket(slot: number): void {
    const upstream = slots.upstream[slot]
    ofSocket.remove(upstream * socketsPerServer + slots.socket[slot], slot)
    states.at(upstream)?.sockets.end(slots.socket[slot])
  }

  /** No more queries join the exchange, and it no longer counts as its upstream's. */
  function leaveUpstream(slot: number): void {
    inFlight.remove(slot)
    byAge.remove(slots.upstream[slot] * listsOfUpstream + listOf(slots.route[slot]!), slot)
    slots.route[slot]!.leave()
  }

  return {
    slots,
    find: inFlight.find,
    share(slot, other) {
      if (shared[other] >= mostSharers) return false
      state[slot] = slotState.waiting
      slots.next[slot] = sharers[other]
      sharers[other] = slot
      shared[other]++
      return true
    },
    begin(slot, route, upstream, socket, id, now) {
      state[slot] = slotState.asked
      slots.route[slot] = route
      slots.upstream[slot] = upstream
      slots.socket[slot] = socket
      slots.id[slot] = id
      slots.sentAt[slot] = now
      sharers[slot] = NONE
      shared[slot] = 0
      ofSocket.append(upstream * socketsPerServer + socket, slot)
      byAge.append(upstream * listsOfUpstream + listOf(route), slot)
      inFlight.add(slot)
    },
    hasId: (tag, id) => withId(tag, id) !== NONE,
    withId,
    end(slot) {
      leaveUpstream(slot)
      leaveSocket(slot)
    },
    lend(slot) {
      leaveUpstream(slot)
      state[slot] = slotState.lent
      byAge.append(lent, slot)
    },
    endLent(slot) {
      byAge.remove(lent, slot)
      leaveSocket(slot)
      slots.free(slot)
    },
    firstOfSocket: ofSocket.first,
    afterOnSocket: ofSocket.after,
    oldestOf: (upstream, list) => byAge.first(upstream * listsOfUpstream + list),
    oldestLent: () => byAge.first(lent),
    afterByAge: byAge.after,
    takeSharer(slot) {
      const sharer = sharers[slot]
      if (sharer !== NONE) sharers[slot] = slots.next[sharer]
      return sharer
    },
    hasSharers: (slot) => sharers[slot] !== NONE,
    concerns(slot, listener) {
      if (slots.listener[slot] === listener) return true
      for (let one = sharers[slot]; one !== NONE; one = slots.next[one])
        if (slots.listener[one] === listener) return true
      return false
    },
  }
}
