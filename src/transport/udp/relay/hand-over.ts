/** What the relay passes to the main thread by rings: queries for the chain, late answers, copies for `cache`. */
import { addressOffset, clientLength } from '../../../libc/sockaddr.ts'
import { createMissInput, type MissProducer, missKind } from '../miss-ring.ts'
import type { BorrowedSocket } from '../protocol.ts'
import { createHandedOver, type HandedOver } from './handed-over.ts'
import { type Slots, slotAt } from './slots.ts'
import type { UpstreamStates } from './upstreams.ts'

export interface HandOverOptions {
  readonly slots: Slots
  readonly states: UpstreamStates
  readonly misses: MissProducer
  /** The ring of replies for `cache`: the main thread reads it when no query waits. */
  readonly copies: MissProducer
  /** Publishes what was pushed, and wakes the main thread. */
  readonly publish: () => void
  readonly socketOf: (id: number) => BorrowedSocket | undefined
  /** Counts a query that goes to the chain; true if the client at `at` sends most of them (recent-clients.ts). */
  readonly floods: (bytes: Uint8Array, at: number, length: number) => boolean
  /** Called when the ring has no room for the query. */
  readonly refuse: (slot: number) => void
  readonly counts: {
    /** Queries passed to the chain together with what has been tried. */
    readonly handedOver: () => void
    /** Replies not passed to `cache`, because the main thread is too far behind. */
    readonly unkept: () => void
  }
}

export interface HandOver {
  /** Whether the chain got a question with this hash recently. */
  readonly isRecent: HandedOver['has']
  /** The query, with the upstream's answer at `at`. */
  answered(slot: number, bytes: Uint8Array, at: number, length: number): void
  /** The query, with its exchange still in progress. */
  waiting(slot: number): void
  /** The query, whose exchange has ended with the error. */
  failed(slot: number, errno: number): void
  /** The query, as if no upstream had been asked. */
  untried(slot: number): void
  /** The answer to a query that was handed over as `waiting`, for the chain to judge. */
  late(slot: number, bytes: Uint8Array, at: number, length: number): void
  /** A query that was handed over as `waiting` will get no answer. */
  lost(slot: number, errno: number): void
  /** The answer as received, for `cache`, if the ring has room. */
  copy(slot: number, bytes: Uint8Array, at: number, length: number): void
  publish(): void
}

export function createHandOver(options: HandOverOptions): HandOver {
  const { slots, states, misses, copies, counts } = options
  const recent = createHandedOver()
  const input = createMissInput(slots.bytes)
  let pushed = false

  /** Half of the ring is reserved for clients that do not flood it, whether their queries come from the relay or not. */
  function hasRoom(slot: number): boolean {
    const socket = options.socketOf(slots.listener[slot])
    if (socket === undefined) return true
    const { family } = socket
    const address = slots.at(slot) + slotAt.name + addressOffset[family]
    const floods = options.floods(slots.bytes, address, clientLength[family])
    return !(floods && misses.scarce())
  }

  function push(
    ring: MissProducer,
    slot: number,
    kind: number,
    bytes: Uint8Array,
    at: number,
    length: number,
    errno: number,
  ): boolean {
    const from = slots.at(slot)
    input.kind = kind
    input.socket = slots.listener[slot]
    input.receivedAt = slots.receivedAt[slot]
    input.nameAt = from + slotAt.name
    input.controlAt = from + slotAt.control
    input.controlLength = slots.controlLength[slot]
    input.messageAt = from + slotAt.request
    input.messageLength = slots.requestLength[slot]
    return pushExchange(ring, slot, bytes, at, length, errno)
  }

  function pushLate(slot: number, kind: number, bytes: Uint8Array, at: number, length: number, errno: number): void {
    input.kind = kind
    input.socket = 0
    input.messageLength = 0
    input.controlLength = 0
    // If there is no room, the chain does without it.
    pushExchange(misses, slot, bytes, at, length, errno)
  }

  function pushExchange(
    ring: MissProducer,
    slot: number,
    bytes: Uint8Array,
    at: number,
    length: number,
    errno: number,
  ): boolean {
    input.upstream = states.at(slots.upstream[slot])?.number ?? 0
    input.exchange = (slots.generation[slot] << 12) | slot
    input.startedAt = slots.sentAt[slot]
    input.reply = bytes
    input.replyAt = at
    input.replyLength = length
    input.errno = errno
    const done = ring.push(input)
    pushed = pushed || done
    return done
  }

  function handOver(slot: number, kind: number, bytes: Uint8Array, at: number, length: number, errno: number): void {
    counts.handedOver()
    recent.add(slots.hash[slot], slots.receivedAt[slot])
    if (!hasRoom(slot) || !push(misses, slot, kind, bytes, at, length, errno)) options.refuse(slot)
  }

  return {
    isRecent: recent.has,
    answered: (slot, bytes, at, length) => handOver(slot, missKind.answered, bytes, at, length, 0),
    waiting: (slot) => handOver(slot, missKind.waiting, slots.bytes, 0, 0, 0),
    failed: (slot, errno) => handOver(slot, missKind.failed, slots.bytes, 0, 0, errno),
    untried(slot) {
      if (!hasRoom(slot) || !push(misses, slot, missKind.plain, slots.bytes, 0, 0, 0)) options.refuse(slot)
    },
    late: (slot, bytes, at, length) => pushLate(slot, missKind.late, bytes, at, length, 0),
    lost: (slot, errno) => pushLate(slot, missKind.lost, slots.bytes, 0, 0, errno),
    copy(slot, bytes, at, length) {
      if (!push(copies, slot, missKind.copy, bytes, at, length, 0)) counts.unkept()
    },
    publish() {
      if (!pushed) return
      pushed = false
      copies.publish()
      options.publish()
    },
  }
}
