/**
 * A thread's questions in progress, in typed arrays: one slot per client query. A slot is free, or `asked`: it has an
 * exchange with an upstream; `waiting`: it shares the exchange of an equal question; `lent`: the chain has taken over the
 * query, and gets the upstream's answer if it still arrives.
 */
import { maxRelayedRequest } from '../../../answer/relay.ts'
import type { Route } from './plans.ts'

export const slotState = { free: 0, asked: 1, waiting: 2, lent: 3 } as const

/** Offsets of a slot's octets: the client's sockaddr, the reply's control data, the request. */
export const slotAt = { name: 0, control: 32, request: 72 } as const
const slotBytes = (slotAt.request + maxRelayedRequest + 7) & ~7

export interface Slots {
  readonly size: number
  readonly bytes: Uint8Array
  /** Offset of a slot's octets. */
  at(slot: number): number
  readonly state: Uint8Array
  /** Raised each time the slot is taken: together with the slot's number it identifies a query. */
  readonly generation: Int32Array
  readonly requestLength: Int32Array
  readonly questionLength: Int32Array
  readonly controlLength: Int32Array
  /** The listener's socket, by its id. */
  readonly listener: Int32Array
  readonly route: (Route | undefined)[]
  readonly upstream: Int32Array
  /** Index of the upstream's socket, and the ID that was sent. */
  readonly socket: Int32Array
  readonly id: Int32Array
  readonly hash: Int32Array
  readonly type: Int32Array
  readonly flags: Int32Array
  /** 1: its exchange is not shared. */
  readonly isAlone: Uint8Array
  readonly space: Int32Array
  readonly receivedAt: Float64Array
  readonly sentAt: Float64Array
  /** The next slot, or -1: in the list of free ones, or of those that wait for the same exchange. */
  readonly next: Int32Array
  /** Takes a free slot, or returns -1. */
  take(): number
  free(slot: number): void
  /** Number of slots in use. */
  used(): number
}

export function createSlots(size: number): Slots {
  const ints = () => new Int32Array(size)
  const next = Int32Array.from({ length: size }, (_, slot) => (slot + 1 < size ? slot + 1 : -1))
  const state = new Uint8Array(size)
  const route: (Route | undefined)[] = Array.from({ length: size }, () => undefined)
  const generation = ints()
  let firstFree = 0
  let used = 0
  return {
    size,
    bytes: new Uint8Array(size * slotBytes),
    at: (slot) => slot * slotBytes,
    state,
    generation,
    requestLength: ints(),
    questionLength: ints(),
    controlLength: ints(),
    listener: ints(),
    route,
    upstream: ints(),
    socket: ints(),
    id: ints(),
    hash: ints(),
    type: ints(),
    flags: ints(),
    isAlone: new Uint8Array(size),
    space: ints(),
    receivedAt: new Float64Array(size),
    sentAt: new Float64Array(size),
    next,
    take() {
      const slot = firstFree
      if (slot < 0) return -1
      firstFree = next[slot]
      next[slot] = -1
      generation[slot] = (generation[slot] + 1) & 0xffff
      used++
      return slot
    },
    free(slot) {
      state[slot] = slotState.free
      route[slot] = undefined
      next[slot] = firstFree
      firstFree = slot
      used--
    },
    used: () => used,
  }
}

/** Doubly linked lists of slots in order of entry; a slot is in at most one of them. */
export interface SlotLists {
  first(list: number): number
  after(slot: number): number
  append(list: number, slot: number): void
  remove(list: number, slot: number): void
}

export function createSlotLists(size: number, lists: number): SlotLists {
  const heads = new Int32Array(lists).fill(-1)
  const tails = new Int32Array(lists).fill(-1)
  const nexts = new Int32Array(size).fill(-1)
  const previous = new Int32Array(size).fill(-1)
  return {
    first: (list) => heads[list],
    after: (slot) => nexts[slot],
    append(list, slot) {
      const last = tails[list]
      previous[slot] = last
      nexts[slot] = -1
      if (last < 0) heads[list] = slot
      else nexts[last] = slot
      tails[list] = slot
    },
    remove(list, slot) {
      const before = previous[slot]
      const after = nexts[slot]
      if (before < 0) heads[list] = after
      else nexts[before] = after
      if (after < 0) tails[list] = before
      else previous[after] = before
    },
  }
}
