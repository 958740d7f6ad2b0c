/** Reads what upstreams send: finds the exchange that it answers, and replies to its clients or leaves it to the chain. */
import { type Libc, linux } from '../../../libc/libc.ts'
import { socketsPerServer } from '../../../upstream/udp-sockets.ts'
import type { Batch } from '../batch.ts'
import type { ClientReplies } from './client-replies.ts'
import type { Exchanges } from './exchanges.ts'
import type { GivingUp } from './giving-up.ts'
import type { HandOver } from './hand-over.ts'
import { NONE } from './in-flight.ts'
import { answersQuestion, isPlain } from './matching.ts'
import { answerRoom, copyOctets } from './octets.ts'
import type { Route } from './plans.ts'
import { slotState } from './slots.ts'
import type { UpstreamState, UpstreamStates } from './upstreams.ts'

export interface ReceivingOptions {
  readonly native: Libc
  readonly epoll: number
  readonly batch: Batch
  readonly exchanges: Exchanges
  readonly states: UpstreamStates
  readonly replies: ClientReplies
  readonly handOver: HandOver
  readonly givingUp: GivingUp
  readonly counts: {
    /** Datagrams that answer no question in progress. */
    readonly strays: () => void
  }
}

/** Answers read between two checks of the listeners. */
export const answersAtOnce = 64

/** Reads the received answers. True if there were any. */
export type Receive = (now: number) => boolean

export function createReceiving(options: ReceivingOptions): Receive {
  const { native, batch, exchanges, states, replies, handOver, givingUp, counts } = options
  const { slots } = exchanges
  const tags = new Int32Array(answersAtOnce)
  /** The answer as received, while several clients share it. */
  const original = new Uint8Array(answerRoom)

  function takeAnswer(upstream: UpstreamState, tag: number, at: number, length: number, now: number): void {
    const { bytes } = batch
    const slot = length < 12 ? NONE : exchanges.withId(tag, (bytes[at] << 8) | bytes[at + 1])
    if (slot === NONE || !answersQuestion(slots, slot, bytes, at, length)) counts.strays()
    else if (slots.state[slot] === slotState.lent) {
      handOver.late(slot, bytes, at, length)
      exchanges.endLent(slot)
    } else settle(upstream, slot, at, length, now)
  }

  function settle(upstream: UpstreamState, slot: number, at: number, length: number, now: number): void {
    const { bytes } = batch
    const route = slots.route[slot]!
    const plain = isPlain(slots, slot, bytes, at)
    const code = bytes[at + 3] & 15
    exchanges.end(slot)
    if (exchanges.hasSharers(slot)) copyOctets(bytes, at, original, 0, length)
    if (plain && replies.accepts(slot, route, length)) {
      if (route.ttls !== undefined) handOver.copy(slot, bytes, at, length)
      replies.send(slot, route, now)
      const milliseconds = now - slots.sentAt[slot]
      upstream.hedgeDelay.record(milliseconds)
      upstream.counts.answered(code, milliseconds)
    } else handOver.answered(slot, bytes, at, length)
    settleSharers(slot, route, plain, length, now)
    slots.free(slot)
  }

  function settleSharers(slot: number, route: Route, plain: boolean, length: number, now: number): void {
    for (let sharer = exchanges.takeSharer(slot); sharer !== NONE; sharer = exchanges.takeSharer(slot)) {
      if (plain) copyOctets(original, 0, batch.bytes, replies.place(), length)
      if (plain && replies.accepts(sharer, route, length)) replies.send(sharer, route, now)
      else handOver.untried(sharer)
      slots.free(sharer)
    }
  }

  /** An ICMP error says that the upstream cannot be reached. */
  function failSocket(upstream: UpstreamState, tag: number, fd: number, errno: number): void {
    while (native.receiveError(fd, batch.addressOf(replies.place()), answerRoom) >= 0);
    upstream.sockets.spend(tag % socketsPerServer)
    for (let slot = exchanges.firstOfSocket(tag); slot !== NONE; ) {
      const next = exchanges.afterOnSocket(slot)
      givingUp.failed(slot, errno)
      slot = next
    }
  }

  return (now) => {
    const found = native.ready(options.epoll, tags)
    for (let i = 0; i < found; i++) {
      const upstream = states.ofTag(tags[i])
      if (upstream === undefined) continue
      const fd = upstream.sockets.fd(tags[i] % socketsPerServer)
      // An earlier answer in this round has ended the socket's last exchange.
      if (fd < 0) continue
      const at = replies.place()
      const length = native.receiveOne(fd, batch.addressOf(at), answerRoom)
      if (length >= 0) takeAnswer(upstream, tags[i], at, Math.min(length, answerRoom), now)
      else {
        const errno = native.errno()
        if (errno !== linux.EAGAIN) failSocket(upstream, tags[i], fd, errno)
      }
    }
    replies.flush()
    handOver.publish()
    return found > 0
  }
}
