/**
 * A thread's relay: passes questions to upstreams, and their answers to clients. What is plain never leaves the thread;
 * what is not (late, truncated, refused, an answer that the data plane does not know) goes to the plugin chain with what
 * has been tried. It allocates nothing per packet. One closure: its steps share the state of the exchanges under way.
 */
import { transportCode } from '../../../answer/api.ts'
import type { QueryRoute } from '../../../answer/query-ring.ts'
import { maxRelayedRequest, type RelayResponder } from '../../../answer/relay.ts'
import { type Libc, linux } from '../../../libc/libc.ts'
import { addressOffset, clientLength, nameLength, pktinfo } from '../../../libc/sockaddr.ts'
import type { RelayTable } from '../../../plugin/capabilities/relay.ts'
import { randomId } from '../../../upstream/random.ts'
import { socketsPerServer } from '../../../upstream/udp-sockets.ts'
import { writeServfail } from '../../error-replies.ts'
import type { Batch } from '../batch.ts'
import { createMissInput, type MissProducer, missKind } from '../miss-ring.ts'
import { type BorrowedSocket, listenerCell } from '../protocol.ts'
import { createHandedOver } from './handed-over.ts'
import { CHAIN, createInFlight, NONE, type Question } from './in-flight.ts'
import { answersQuestion, isPlain } from './matching.ts'
import { createPlans, type Route } from './plans.ts'
import { createSlotLists, createSlots, slotAt, slotState } from './slots.ts'
import { createUpstreamStates, mostUpstreams, type UpstreamState, type UpstreamStatesOptions } from './upstreams.ts'

export interface RelayOptions extends UpstreamStatesOptions {
  readonly responder: RelayResponder
  /** Of its own: upstreams' answers are received where the replies are written. */
  readonly batch: Batch
  /** The table's memory, which has the secrets of the name hash. */
  readonly words: Int32Array
  readonly misses: MissProducer
  /** Shows the main thread what has been pushed, and wakes it. */
  readonly publish: () => void
  readonly wake: () => void
  readonly socketOf: (id: number) => BorrowedSocket | undefined
  /** Counts one query that goes to the chain; true where the client at `at` sends most of them (recent-clients.ts). */
  readonly floods: (bytes: Uint8Array, at: number, length: number) => boolean
  readonly counts: RelayCountsOfThread
}

/** Each counts one event. */
export interface RelayCountsOfThread {
  readonly relayed: () => void
  readonly shared: () => void
  /** To the chain, with what has been tried. */
  readonly handedOver: () => void
  /** Datagrams that answer nothing that was asked. */
  readonly strays: () => void
  /** Every slot, or every place at an exchange, was taken. */
  readonly full: () => void
  /** Replies that `cache` does not get, because the main thread is behind. */
  readonly unkept: () => void
  /** Queries that neither relay nor chain has room for, and replies that the system did not send. */
  readonly refused: () => void
  readonly sendDrops: (replies: number) => void
}

export interface Relay {
  /** Relays the query in `bytes[start, end)`, which the table has no answer for. False: it is for the chain. */
  take(
    socket: BorrowedSocket,
    bytes: Uint8Array,
    start: number,
    end: number,
    nameAt: number,
    controlAt: number,
    controlLength: number,
    space: number,
    now: number,
  ): boolean
  /** Takes the answers that have come. True when there were any. */
  receive(now: number): boolean
  /** Hands over what is late, and closes sockets that have served their time. */
  expire(now: number): void
  /** Milliseconds until there is something to expire; -1: nothing is under way, and no socket is open. */
  nextDeadline(now: number): number
  setTable(space: number, table: RelayTable | undefined): void
  /** Hands over every query that came to this socket. */
  leave(socket: number): void
  close(): void
}

/** Queries under way in a thread. A slot costs 440 octets. */
export const relaySlots = 4096
/** Those that share one exchange: they are handed over together, and must not fill the ring. The chain shares, too. */
const mostSharers = 256
/** Milliseconds for which an answer is still passed to the chain: longer than the chain waits for any upstream. */
const lentFor = 5000
/** A longer answer is cut, and the chain then asks over TCP. */
const answerRoom = 4096
/** Answers between two looks at the listeners. */
const answersAtOnce = 64

export function createRelay(options: RelayOptions): Relay {
  const { native, responder, batch, misses, counts } = options
  const slots = createSlots(relaySlots)
  const { state } = slots
  const inFlight = createInFlight(slots)
  const states = createUpstreamStates(options)
  const plans = createPlans(states, options.words, options.thread)
  /** By the tag of their socket. */
  const ofSocket = createSlotLists(slots.size, mostUpstreams * socketsPerServer)
  /** By upstream, oldest first; last those that are lent. */
  const byAge = createSlotLists(slots.size, mostUpstreams + 1)
  const lent = mostUpstreams
  /** The first of those that share a slot's exchange. */
  const sharers = new Int32Array(slots.size).fill(NONE)
  const shared = new Int32Array(slots.size)
  const handedOver = createHandedOver()
  const tags = new Int32Array(answersAtOnce)
  const asked: Question = { space: 0, type: 0, flags: 0, bytes: slots.bytes, at: 0, length: 0 }
  const input = createMissInput(slots.bytes)
  const route: QueryRoute = {
    family: 4,
    client: slots.bytes,
    clientAt: 0,
    clientPort: 0,
    local: slots.bytes,
    localAt: 0,
    localPort: 0,
  }
  /** The question on its way out. */
  const question = pinned(native, maxRelayedRequest)
  /** The answer as it came, while several clients share it. */
  const original = new Uint8Array(answerRoom)
  /** A reply on its way to another batch. */
  const moved = new Uint8Array(answerRoom)
  let replyfd = -1
  let pushed = false

  function take(
    socket: BorrowedSocket,
    bytes: Uint8Array,
    start: number,
    end: number,
    nameAt: number,
    controlAt: number,
    controlLength: number,
    space: number,
    now: number,
  ): boolean {
    const plan = plans.of(space)
    if (plan === undefined || !responder.read(bytes, start, end)) return false
    const { key } = responder
    asked.type = responder.type()
    const at = plan.routes.find(key, asked.type)
    if (at < 0) return false
    asked.space = space
    asked.flags = responder.flags()
    asked.bytes = bytes
    asked.at = start
    asked.length = responder.questionOctets()
    const hash = key.hashes[0] ^ Math.imul(asked.type, 0x9e3779b1)
    const other = inFlight.find(key, hash, asked)
    if (other === CHAIN || handedOver.has(hash, now)) return false
    if (other !== NONE && shared[other] >= mostSharers) {
      counts.full()
      return false
    }
    const slot = takeSlot()
    if (slot < 0) {
      counts.full()
      return false
    }
    const { at: slotOffset } = slots
    const to = slotOffset(slot)
    copy(bytes, nameAt, slots.bytes, to + slotAt.name, 32)
    if (controlLength > 0) copy(bytes, controlAt, slots.bytes, to + slotAt.control, 40)
    const length = responder.requestOctets()
    copy(bytes, start, slots.bytes, to + slotAt.request, length)
    slots.requestLength[slot] = length
    slots.questionLength[slot] = asked.length
    slots.controlLength[slot] = controlLength
    slots.listener[slot] = socket.id
    slots.hash[slot] = hash
    slots.type[slot] = asked.type
    slots.flags[slot] = asked.flags
    slots.space[slot] = space
    slots.receivedAt[slot] = now
    if (other !== NONE) {
      state[slot] = slotState.waiting
      slots.next[slot] = sharers[other]
      sharers[other] = slot
      shared[other]++
      counts.shared()
      return true
    }
    if (ask(slot, plan.list[at], now)) return true
    slots.free(slot)
    return false
  }

  function takeSlot(): number {
    const slot = slots.take()
    if (slot >= 0) return slot
    // The chain does without the answer that may still come.
    const oldest = byAge.first(lent)
    if (oldest < 0) return -1
    endLent(oldest)
    return slots.take()
  }

  /** Sends the question of the request that was read last. */
  function ask(slot: number, to: Route, now: number): boolean {
    const local = to.choice.choose()
    const upstream = local < 0 ? undefined : states.at(local)
    if (upstream === undefined || !to.enter()) return false
    const { sockets } = upstream
    const before = sockets.opened()
    const index = sockets.draw(now)
    if (index < 0) {
      to.leave()
      return false
    }
    const tag = local * socketsPerServer + index
    let id = randomId()
    while (isTaken(tag, id)) id = randomId()
    const length = responder.writeQuery(question.bytes, 0, to)
    question.bytes[0] = id >> 8
    question.bytes[1] = id
    if (native.sendOne(sockets.fd(index), question.address, length) < 0) {
      // The error of an earlier question, or no route: the chain finds out.
      sockets.spend(index)
      sockets.end(index)
      to.leave()
      return false
    }
    state[slot] = slotState.asked
    slots.route[slot] = to
    slots.upstream[slot] = local
    slots.socket[slot] = index
    slots.id[slot] = id
    slots.sentAt[slot] = now
    sharers[slot] = NONE
    shared[slot] = 0
    ofSocket.append(tag, slot)
    byAge.append(local, slot)
    inFlight.add(slot)
    upstream.counts.sent(sockets.opened() > before)
    return true
  }

  function isTaken(tag: number, id: number): boolean {
    for (let slot = ofSocket.first(tag); slot !== NONE; slot = ofSocket.after(slot))
      if (slots.id[slot] === id) return true
    return false
  }

  function receive(now: number): boolean {
    const found = native.ready(options.epoll, tags)
    for (let i = 0; i < found; i++) {
      const upstream = states.ofTag(tags[i])
      if (upstream === undefined) continue
      const fd = upstream.sockets.fd(tags[i] % socketsPerServer)
      // An answer taken before it has ended the socket's last exchange.
      if (fd < 0) continue
      if (batch.full()) flush()
      const at = batch.replyAt()
      const length = native.receiveOne(fd, batch.addressOf(at), answerRoom)
      if (length >= 0) takeAnswer(upstream, tags[i], at, Math.min(length, answerRoom), now)
      else if (native.errno() !== linux.EAGAIN) failSocket(upstream, tags[i], fd, native.errno(), now)
    }
    flush()
    publish()
    return found > 0
  }

  function takeAnswer(upstream: UpstreamState, tag: number, at: number, length: number, now: number): void {
    const { bytes } = batch
    const id = length < 12 ? -1 : (bytes[at] << 8) | bytes[at + 1]
    let slot = ofSocket.first(tag)
    while (slot !== NONE && slots.id[slot] !== id) slot = ofSocket.after(slot)
    if (slot === NONE) counts.strays()
    else if (state[slot] === slotState.lent) {
      // What it answers, and whether it does, is the chain's to say.
      pushLate(slot, missKind.late, bytes, at, length, 0)
      endLent(slot)
    } else if (answersQuestion(slots, slot, bytes, at, length)) settle(upstream, slot, at, length, now)
    else counts.strays()
  }

  function settle(upstream: UpstreamState, slot: number, at: number, length: number, now: number): void {
    const { bytes } = batch
    const to = slots.route[slot]!
    const plain = isPlain(slots, slot, bytes, at)
    const code = bytes[at + 3] & 15
    endExchange(slot)
    if (sharers[slot] !== NONE) copy(bytes, at, original, 0, length)
    if (plain && reply(slot, to, at, length, now, to.ttls !== undefined)) {
      const milliseconds = now - slots.sentAt[slot]
      upstream.hedgeDelay.record(milliseconds)
      upstream.counts.answered(code, milliseconds)
    } else handOver(slot, missKind.answered, bytes, at, length, 0)
    settleSharers(slot, to, plain, length, now)
    slots.free(slot)
  }

  function settleSharers(slot: number, to: Route, plain: boolean, length: number, now: number): void {
    for (let sharer = sharers[slot]; sharer !== NONE; ) {
      const next = slots.next[sharer]
      let replied = false
      if (plain) {
        if (batch.full()) flush()
        copy(original, 0, batch.bytes, batch.replyAt(), length)
        replied = reply(sharer, to, batch.replyAt(), length, now, false)
      }
      if (!replied) handOverPlain(sharer)
      slots.free(sharer)
      sharer = next
    }
  }

  /**
   * Queues the reply to one client, made of the answer at `at` in the batch; `keep`: `cache` gets the answer too. False,
   * and nothing is done: for the chain.
   */
  function reply(slot: number, to: Route, at: number, length: number, now: number, keep: boolean): boolean {
    const socket = options.socketOf(slots.listener[slot])
    const from = slots.at(slot)
    const start = from + slotAt.request
    if (socket === undefined || !responder.read(slots.bytes, start, start + slots.requestLength[slot])) return false
    if (!responder.accepts(to, batch.bytes, at, at + length)) return false
    if (keep) keepCopy(slot, at, length)
    queue(socket, slot, responder.write(to))
    const { family } = socket
    const seconds = (now - slots.receivedAt[slot]) / 1000
    responder.count(family === 4 ? transportCode.udp4 : transportCode.udp6, family === 4 ? 1 : 2, seconds)
    observe(socket, slot, seconds)
    counts.relayed()
    return true
  }

  function observe(socket: BorrowedSocket, slot: number, seconds: number): void {
    const { family } = socket
    const from = slots.at(slot)
    const wildcard = slots.controlLength[slot] > 0
    route.family = family
    route.clientAt = from + slotAt.name + addressOffset[family]
    route.clientPort = (slots.bytes[from + slotAt.name + 2] << 8) | slots.bytes[from + slotAt.name + 3]
    route.local = wildcard ? slots.bytes : socket.local
    route.localAt = wildcard ? from + slotAt.control + pktinfo[family].destination : 0
    route.localPort = socket.port
    if (responder.observe(route, slots.receivedAt[slot], seconds)) options.wake()
  }

  /** Queues what is written at `replyAt`. */
  function queue(socket: BorrowedSocket, slot: number, octets: number): void {
    if (socket.fd !== replyfd && batch.queued() > 0) {
      // What is written goes along: the next batch begins elsewhere.
      copy(batch.bytes, batch.replyAt(), moved, 0, octets)
      flush()
      copy(moved, 0, batch.bytes, batch.replyAt(), octets)
    }
    replyfd = socket.fd
    const i = batch.queued()
    const from = slots.at(slot)
    copy(slots.bytes, from + slotAt.name, batch.bytes, batch.nameAt(i), 32)
    const controlLength = slots.controlLength[slot]
    if (controlLength > 0) copy(slots.bytes, from + slotAt.control, batch.bytes, batch.controlAt(i), controlLength)
    batch.queue(i, octets, nameLength[socket.family], controlLength)
  }

  function flush(): void {
    if (batch.queued() > 0) counts.sendDrops(batch.flush(replyfd))
  }

  /** The slot has no exchange any more; it keeps its query. */
  function endExchange(slot: number): void {
    const local = slots.upstream[slot]
    inFlight.remove(slot)
    byAge.remove(local, slot)
    leaveSocket(slot)
    slots.route[slot]!.leave()
  }

  function leaveSocket(slot: number): void {
    const local = slots.upstream[slot]
    ofSocket.remove(local * socketsPerServer + slots.socket[slot], slot)
    states.at(local)?.sockets.end(slots.socket[slot])
  }

  function endLent(slot: number): void {
    byAge.remove(lent, slot)
    leaveSocket(slot)
    slots.free(slot)
  }

  /** The answer, as it came, to `cache`; not while the main thread is behind, for queries come before copies. */
  function keepCopy(slot: number, at: number, length: number): void {
    if (misses.scarce() || !push(slot, missKind.copy, batch.bytes, at, length, 0)) counts.unkept()
  }

  /** Gives the query to the chain, with its exchange. */
  function handOver(slot: number, kind: number, bytes: Uint8Array, at: number, length: number, errno: number): void {
    counts.handedOver()
    handedOver.add(slots.hash[slot], slots.receivedAt[slot])
    if (!hasRoom(slot) || !push(slot, kind, bytes, at, length, errno)) refuse(slot)
  }

  /** Gives the query to the chain as if nothing had been asked for it. */
  function handOverPlain(slot: number): void {
    if (!hasRoom(slot) || !push(slot, missKind.plain, slots.bytes, 0, 0, 0)) refuse(slot)
  }

  /** Half of the ring is for those who do not flood it, whichever way their queries come to it. */
  function hasRoom(slot: number): boolean {
    const socket = options.socketOf(slots.listener[slot])
    if (socket === undefined) return true
    const { family } = socket
    const floods = options.floods(
      slots.bytes,
      slots.at(slot) + slotAt.name + addressOffset[family],
      clientLength[family],
    )
    return !(floods && misses.scarce())
  }

  function push(slot: number, kind: number, bytes: Uint8Array, at: number, length: number, errno: number): boolean {
    const from = slots.at(slot)
    input.kind = kind
    input.socket = slots.listener[slot]
    input.receivedAt = slots.receivedAt[slot]
    input.nameAt = from + slotAt.name
    input.controlAt = from + slotAt.control
    input.controlLength = slots.controlLength[slot]
    input.messageAt = from + slotAt.request
    input.messageLength = slots.requestLength[slot]
    return pushExchange(slot, bytes, at, length, errno)
  }

  function pushLate(slot: number, kind: number, bytes: Uint8Array, at: number, length: number, errno: number): void {
    input.kind = kind
    input.socket = 0
    input.messageLength = 0
    input.controlLength = 0
    // Without room the chain does without it.
    pushExchange(slot, bytes, at, length, errno)
  }

  function pushExchange(slot: number, bytes: Uint8Array, at: number, length: number, errno: number): boolean {
    input.upstream = states.at(slots.upstream[slot])?.number ?? 0
    input.exchange = (slots.generation[slot] << 12) | slot
    input.startedAt = slots.sentAt[slot]
    input.reply = bytes
    input.replyAt = at
    input.replyLength = length
    input.errno = errno
    const done = misses.push(input)
    pushed = pushed || done
    return done
  }

  function publish(): void {
    if (!pushed) return
    pushed = false
    options.publish()
  }

  /** Neither relay nor chain has room. */
  function refuse(slot: number): void {
    const socket = options.socketOf(slots.listener[slot])
    if (socket === undefined) return
    if (Atomics.load(socket.cells, listenerCell.sheds) === 1) {
      Atomics.add(socket.cells, listenerCell.unansweredQueries, 1)
      return
    }
    counts.refused()
    if (batch.full()) flush()
    const start = slots.at(slot) + slotAt.request
    const end = start + slots.requestLength[slot]
    queue(socket, slot, writeServfail(slots.bytes, start, end, batch.bytes, batch.replyAt()))
  }

  /** The chain gets the query; `ended`: with the error that ended its exchange, else with the exchange under way. */
  function giveUp(slot: number, ended: boolean, errno: number): void {
    for (let sharer = sharers[slot]; sharer !== NONE; ) {
      const next = slots.next[sharer]
      handOverPlain(sharer)
      slots.free(sharer)
      sharer = next
    }
    sharers[slot] = NONE
    if (ended) {
      endExchange(slot)
      handOver(slot, missKind.failed, slots.bytes, 0, 0, errno)
      slots.free(slot)
      return
    }
    handOver(slot, missKind.waiting, slots.bytes, 0, 0, 0)
    inFlight.remove(slot)
    byAge.remove(slots.upstream[slot], slot)
    slots.route[slot]!.leave()
    state[slot] = slotState.lent
    byAge.append(lent, slot)
  }

  /** ICMP has said that nobody answers there. */
  function failSocket(upstream: UpstreamState, tag: number, fd: number, errno: number, now: number): void {
    const index = tag % socketsPerServer
    while (native.receiveError(fd, batch.addressOf(batch.replyAt()), answerRoom) >= 0);
    upstream.sockets.spend(index)
    for (let slot = ofSocket.first(tag); slot !== NONE; ) {
      const next = ofSocket.after(slot)
      if (state[slot] === slotState.lent) {
        pushLate(slot, missKind.lost, slots.bytes, 0, 0, errno)
        endLent(slot)
      } else giveUp(slot, true, errno)
      slot = next
    }
    expire(now)
  }

  function expire(now: number): void {
    for (let local = 0; local < mostUpstreams; local++) {
      const upstream = states.at(local)
      if (upstream === undefined) continue
      for (let slot = byAge.first(local); slot !== NONE; slot = byAge.first(local)) {
        if (now < slots.sentAt[slot] + slots.route[slot]!.patience(upstream)) break
        // Its path may be dead: another port may take another one.
        upstream.sockets.spend(slots.socket[slot])
        giveUp(slot, false, 0)
      }
      upstream.sockets.retire(now)
    }
    for (let slot = byAge.first(lent); slot !== NONE; slot = byAge.first(lent)) {
      if (now < slots.sentAt[slot] + lentFor) break
      endLent(slot)
    }
    flush()
    publish()
  }

  function nextDeadline(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (let local = 0; local < mostUpstreams; local++) {
      const upstream = states.at(local)
      if (upstream === undefined) continue
      next = Math.min(next, upstream.sockets.retireAt())
      const slot = byAge.first(local)
      if (slot !== NONE) next = Math.min(next, slots.sentAt[slot] + slots.route[slot]!.patience(upstream))
    }
    const slot = byAge.first(lent)
    if (slot !== NONE) next = Math.min(next, slots.sentAt[slot] + lentFor)
    return next === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(next - now))
  }

  /** The upstream is no longer used: what waits for it is the chain's from the beginning. */
  function drop({ local }: UpstreamState): void {
    for (let slot = byAge.first(local); slot !== NONE; slot = byAge.first(local)) restart(slot)
    for (let slot = byAge.first(lent); slot !== NONE; ) {
      const next = byAge.after(slot)
      if (slots.upstream[slot] === local) endLent(slot)
      slot = next
    }
    flush()
    publish()
  }

  /** The chain gets the query, and those that share its exchange, as if nothing had been asked. */
  function restart(slot: number): void {
    endExchange(slot)
    for (let one = slot; one !== NONE; ) {
      const next = one === slot ? sharers[slot] : slots.next[one]
      handOverPlain(one)
      slots.free(one)
      one = next
    }
  }

  function hasQueryOf(slot: number, socket: number): boolean {
    if (slots.listener[slot] === socket) return true
    for (let one = sharers[slot]; one !== NONE; one = slots.next[one]) if (slots.listener[one] === socket) return true
    return false
  }

  return {
    take,
    receive,
    expire,
    nextDeadline,
    setTable: (space, table) => plans.set(space, table, drop),
    leave(socket) {
      for (let slot = 0; slot < slots.size; slot++)
        if (state[slot] === slotState.asked && hasQueryOf(slot, socket)) restart(slot)
      flush()
      publish()
    },
    close() {
      // The chain asks again: no answer comes through this thread any more.
      for (let slot = byAge.first(lent); slot !== NONE; slot = byAge.first(lent)) {
        pushLate(slot, missKind.lost, slots.bytes, 0, 0, linux.ECANCELED)
        endLent(slot)
      }
      publish()
      states.close()
    },
  }
}

/** Octet by octet: for lengths like these it beats subarray().set(), and it allocates nothing. */
function copy(from: Uint8Array, at: number, target: Uint8Array, to: number, length: number): void {
  for (let i = 0; i < length; i++) target[to + i] = from[at + i]
}

function pinned(native: Libc, length: number): { readonly bytes: Uint8Array; readonly address: number } {
  const bytes = new Uint8Array(new ArrayBuffer(length))
  return { bytes, address: native.addressOf(bytes) }
}
