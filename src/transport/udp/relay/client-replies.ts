/** The relay's replies to clients: made from an upstream's answer inside the batch, counted, observed, and sent with it. */
import { transportCode } from '../../../answer/api.ts'
import type { QueryRoute } from '../../../answer/query-ring.ts'
import type { RelayResponder, RelayRules } from '../../../answer/relay.ts'
import { addressOffset, nameLength, pktinfo } from '../../../libc/sockaddr.ts'
import { writeServfail } from '../../error-replies.ts'
import type { Batch } from '../batch.ts'
import { type BorrowedSocket, listenerCell } from '../protocol.ts'
import { answerRoom, copyOctets } from './octets.ts'
import { type Slots, slotAt } from './slots.ts'

export interface ClientRepliesOptions {
  readonly slots: Slots
  readonly responder: RelayResponder
  /** A separate batch: upstreams' answers are received where the replies are written. */
  readonly batch: Batch
  readonly socketOf: (id: number) => BorrowedSocket | undefined
  /** Wakes the main thread to read observed queries. */
  readonly wake: () => void
  readonly counts: {
    readonly relayed: () => void
    /** Queries refused because relay and chain are full, and replies that the system did not send. */
    readonly refused: () => void
    readonly sendDrops: (replies: number) => void
  }
}

export interface ClientReplies {
  /** Where the next answer may be received, with room for `answerRoom` octets. */
  place(): number
  /**
   * Whether the answer at `place()` can be turned into the reply to the slot's client; `send` then does it. False: it is
   * left to the chain.
   */
  accepts(slot: number, rules: RelayRules, length: number): boolean
  send(slot: number, rules: RelayRules, now: number): void
  /** SERVFAIL, or nothing if the listener sheds load: neither relay nor chain can take the query. */
  refuse(slot: number): void
  flush(): void
}

export function createClientReplies(options: ClientRepliesOptions): ClientReplies {
  const { slots, responder, batch, socketOf, counts } = options
  const route: QueryRoute = {
    family: 4,
    client: slots.bytes,
    clientAt: 0,
    clientPort: 0,
    local: slots.bytes,
    localAt: 0,
    localPort: 0,
  }
  /** A reply that moves to another batch. */
  const moved = new Uint8Array(answerRoom)
  let replyfd = -1

  function flush(): void {
    if (batch.queued() > 0) counts.sendDrops(batch.flush(replyfd))
  }

  function place(): number {
    if (batch.full()) flush()
    return batch.replyAt()
  }

  /** Queues the reply written at `place()`. */
  function queue(socket: BorrowedSocket, slot: number, octets: number): void {
    if (socket.fd !== replyfd && batch.queued() > 0) {
      // The written reply is moved along, because the next batch begins elsewhere.
      copyOctets(batch.bytes, batch.replyAt(), moved, 0, octets)
      flush()
      copyOctets(moved, 0, batch.bytes, batch.replyAt(), octets)
    }
    replyfd = socket.fd
    const i = batch.queued()
    const from = slots.at(slot)
    copyOctets(slots.bytes, from + slotAt.name, batch.bytes, batch.nameAt(i), 32)
    const controlLength = slots.controlLength[slot]
    if (controlLength > 0)
      copyOctets(slots.bytes, from + slotAt.control, batch.bytes, batch.controlAt(i), controlLength)
    batch.queue(i, octets, nameLength[socket.family], controlLength)
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

  return {
    place,
    accepts(slot, rules, length) {
      const start = slots.at(slot) + slotAt.request
      const at = batch.replyAt()
      return (
        socketOf(slots.listener[slot]) !== undefined &&
        responder.read(slots.bytes, start, start + slots.requestLength[slot]) &&
        responder.accepts(rules, batch.bytes, at, at + length)
      )
    },
    send(slot, rules, now) {
      const socket = socketOf(slots.listener[slot])!
      queue(socket, slot, responder.write(rules))
      const { family } = socket
      const seconds = (now - slots.receivedAt[slot]) / 1000
      const client = slots.at(slot) + slotAt.name + addressOffset[family]
      const transport = family === 4 ? transportCode.udp4 : transportCode.udp6
      responder.count(transport, now, seconds, slots.bytes, client)
      observe(socket, slot, seconds)
      counts.relayed()
    },
    refuse(slot) {
      const socket = socketOf(slots.listener[slot])
      if (socket === undefined) return
      if (Atomics.load(socket.cells, listenerCell.sheds) === 1) {
        Atomics.add(socket.cells, listenerCell.unansweredQueries, 1)
        return
      }
      counts.refused()
      const at = place()
      const start = slots.at(slot) + slotAt.request
      queue(socket, slot, writeServfail(slots.bytes, start, start + slots.requestLength[slot], batch.bytes, at))
    },
    flush,
  }
}
