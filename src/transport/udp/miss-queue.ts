/**
 * The main thread's half of a miss: takes queries out of the threads' rings, asks the plugin chain, and sends the reply
 * from the listener's own socket. Every forwarded query passes through here, so it is kept cheap: two copies and one object
 * per query, and one system call for all replies of a turn of the event loop.
 */
import { Socket } from 'node:net'
import type { Libc } from '../../libc/libc.ts'
import type { Relayed, RelayedHandler } from '../../server/ingress.ts'
import { type ChainSlots, type ReceivedQuery, refusal } from '../chain-slots.ts'
import type { FairBudget } from '../fair-budget.ts'
import type { TableAnswers } from '../table-answers.ts'
import { type BegunExchanges, createBegunExchanges } from './begun.ts'
import { createFairQueue } from './fair-queue.ts'
import { createFreshQueue } from './fresh-queue.ts'
import { type OnDropped, openReplies } from './miss-replies.ts'
import { createMissConsumer, type MissConsumer, type MissView, missKind, missRecord } from './miss-ring.ts'
import { clientOf, type MissSource, placesOf, routeBytes } from './miss-source.ts'

export interface MissQueue {
  /** Threads write to it (`native.signal`) to wake the main thread. */
  readonly wakefd: number
  readonly awake: Int32Array
  /** Starts reading this ring. */
  addRing(ring: SharedArrayBuffer): { remove(): void }
  /** Starts reading this ring of replies for `cache`. Queries come first, because clients wait for them. */
  addCopies(ring: SharedArrayBuffer): { remove(): void }
  /** The result tells whether any of what is in the rings now is still unread. */
  unread(): () => boolean
  /** Empties every ring now. */
  drain(): void
  /** Resolves when every query has a reply, and it has been sent. */
  settled(): Promise<void>
  close(): void
}

export interface MissQueueOptions {
  readonly native: Libc
  /** Slots for the queries of all UDP threads. */
  readonly slots: ChainSlots
  /** Budget of octets for waiting queries, shared by all transports. */
  readonly waiting: FairBudget
  readonly sourceOf: (socket: number) => MissSource | undefined
  readonly onDropped: OnDropped
  /** For listeners with PROXY headers, whose queries are looked up in the table here. */
  readonly tableAnswers: TableAnswers
  readonly onRelayed: RelayedHandler
  /** A watched socket of the main thread is readable. */
  readonly onReady: (tag: number) => void
  /** Called when a thread has written to `wakefd`, for misses or anything else. */
  readonly onWake: () => void
}

/** A query with its source, and the destination of its reply: the sender's sockaddr and control data. */
interface ReceivedDatagram {
  readonly source: MissSource
  readonly route: Uint8Array
  readonly controlLength: number
  readonly query: ReceivedQuery
}

/** Queries taken per turn of the event loop: about a millisecond of work. */
const takenPerTurn = 128
/**
 * After a turn that left queries in a ring, the next one empties the rings into the queues, so that no client waits behind
 * another one's queries and the rings have room again. It asks fewer queries meanwhile: forwarding costs most, and other
 * work must get its turn.
 */
const sortedPerTurn = 1024
/** Limit of that in milliseconds: answers for `cache` take longer than sorting, and a re-list must make progress. */
const sortedFor = 2
const sortedBetweenLooks = 64
const askedPerTurn = 32
/** Replies for `cache` taken per turn: about a millisecond of work, and less while queries wait. */
const copiesPerTurn = { idle: 64, behind: 16 }

export function openMissQueue(options: MissQueueOptions): MissQueue {
  const { native, slots, sourceOf } = options
  const pipe = native.pipe()
  if (pipe === undefined)
    throw new Error('out of file descriptors: no pipe between the UDP threads and the main thread')
  const awake = new Int32Array(new SharedArrayBuffer(4))
  const rings = new Set<Ring>()
  const copies = new Set<MissConsumer>()
  const replies = openReplies(native, options.onDropped)
  const queue = createFairQueue<ReceivedDatagram>(options.waiting)
  /** For listeners that shed load. */
  const fresh = createFreshQueue<ReceivedDatagram>(options.waiting, (received) => {
    received.query.listener.shedding?.queries.inc()
    finish(received, undefined)
  })
  let closed = false
  /** The last turn left queries waiting. */
  let behind = false
  /** A turn is scheduled for the next turn of the event loop: only one, however often threads wake the main thread. */
  let scheduled = false

  const wake = openWakePipe(pipe.read, () => {
    if (scheduled) options.onWake()
    else takeTurn()
  })

  function goOn(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      takeTurn()
    })
  }

  function takeTurn(): void {
    if (closed) return
    options.onWake()
    // Cleared before the rings are read: a query pushed after this causes another write to the pipe.
    Atomics.store(awake, 0, 0)
    let more = false
    if (behind) {
      more = sortRings()
      askQueued(askedPerTurn)
    } else for (const ring of rings) more = ring.drain(takenPerTurn, ask) || more
    replies.flush()
    behind = more || queue.size() + fresh.size() > 0
    if (takeCopies(behind ? copiesPerTurn.behind : copiesPerTurn.idle) || behind) goOn()
  }

  /** True when there are more. */
  function takeCopies(most: number): boolean {
    let more = false
    for (const ring of copies) more = ring.drain(most, takeCopy) || more
    return more
  }

  /** True when the rings have more. */
  function sortRings(): boolean {
    const end = performance.now() + sortedFor
    let more = true
    for (let sorted = 0; more && sorted < sortedPerTurn && performance.now() < end; sorted += sortedBetweenLooks) {
      more = false
      for (const ring of rings) more = ring.drain(sortedBetweenLooks, sort) || more
    }
    return more
  }

  /** A thread's ring: queries go to `handle`, news about earlier ones to the exchanges that wait for it. */
  function openRing(memory: SharedArrayBuffer): Ring {
    const consumer = createMissConsumer(memory)
    const begun = createBegunExchanges()
    return {
      unread: consumer.unread,
      drain: (most, handle) =>
        consumer.drain(most, (ring, at) => {
          const kind = ring.words[(at + missRecord.kind) >> 2]
          if (kind === missKind.ready) options.onReady(ring.words[(at + missRecord.exchange) >> 2])
          else if (kind === missKind.late || kind === missKind.lost) begun.settle(ring, at)
          else {
            const received = read(ring, at, begun)
            if (received !== undefined) handle(received)
          }
        }),
    }
  }

  function takeCopy(ring: MissView, at: number): void {
    const source = sourceOf(ring.words[(at + missRecord.socket) >> 2])
    if (source === undefined) return
    const message = at + missRecord.message
    const length = ring.words[(at + missRecord.length) >> 2]
    const replyLength = ring.words[(at + missRecord.reply) >> 2]
    // Copies, because the record is about to be returned to the thread.
    const route = ring.bytes.slice(at + missRecord.name, message)
    const relayed: Relayed = {
      request: ring.bytes.slice(message, message + length),
      reply: ring.bytes.slice(message + length, message + length + replyLength),
      ...placesOf(source, route, clientOf(source, route)),
      receivedAt: ring.floats[(at + missRecord.receivedAt) >> 3],
    }
    options.onRelayed(relayed)
  }

  function sort(received: ReceivedDatagram): void {
    const { client, listener } = received.query
    const waiting = listener.shedding === undefined ? queue : fresh
    if (!waiting.offer(client.address, received.route.length, received)) finish(received, refusal(received.query))
  }

  function askQueued(most: number): void {
    for (let asked = 0; asked < most; asked++) {
      // Alternates if both have queries.
      const [one, other] = asked % 2 === 0 ? [queue, fresh] : [fresh, queue]
      const received = one.next() ?? other.next()
      if (received === undefined) return
      ask(received)
    }
  }

  function read(ring: MissView, at: number, begun: BegunExchanges): ReceivedDatagram | undefined {
    const source = sourceOf(ring.words[(at + missRecord.socket) >> 2])
    if (source === undefined) return undefined
    // A copy of the route, followed by the request.
    const length = ring.words[(at + missRecord.length) >> 2]
    const route = Buffer.allocUnsafe(routeBytes + length)
    route.set(ring.bytes.subarray(at + missRecord.name, at + missRecord.message + length))
    const { proxyProtocol } = source.listener
    const peer = clientOf(source, route)
    const datagram = route.subarray(routeBytes)
    const unwrapped = proxyProtocol && source.unwrapper.unwrap(datagram, peer, proxyProtocol)
    if (proxyProtocol && !unwrapped) return undefined
    const query = {
      request: unwrapped?.request ?? datagram,
      transport: 'udp' as const,
      ...placesOf(source, route, unwrapped?.client ?? peer),
      begun: begun.of(ring, at),
      receivedAt: ring.floats[(at + missRecord.receivedAt) >> 3],
      releaseSlot: undefined,
    }
    source.pending++
    return { source, route, controlLength: ring.words[(at + missRecord.control) >> 2], query }
  }

  function ask(received: ReceivedDatagram): void {
    // The configuration at the time of receipt may have ended while the query waited.
    received.query.listener = received.source.listener
    if (received.query.listener.proxyProtocol) {
      const reply = options.tableAnswers.answer(received.query)
      if (reply !== 'miss') {
        finish(received, reply)
        return
      }
    }
    slots.ask(received.query, (reply) => finish(received, reply))
  }

  function finish({ source, route, controlLength }: ReceivedDatagram, reply: Uint8Array | undefined): void {
    if (reply !== undefined && !closed) replies.queue(source, route, controlLength, reply)
    if (--source.pending > 0 || source.settled === undefined) return
    // Flushed first, because `settled` closes the descriptor.
    replies.flush()
    source.settled()
  }

  return {
    wakefd: pipe.write,
    awake,
    addRing(memory) {
      const ring = openRing(memory)
      rings.add(ring)
      return { remove: () => void rings.delete(ring) }
    },
    addCopies(memory) {
      const ring = createMissConsumer(memory)
      copies.add(ring)
      return { remove: () => void copies.delete(ring) }
    },
    unread() {
      const each = [...rings].map((ring) => ring.unread())
      return () => each.some((isUnread) => isUnread())
    },
    drain() {
      for (const ring of rings) ring.drain(Number.POSITIVE_INFINITY, ask)
      takeCopies(Number.POSITIVE_INFINITY)
      askQueued(Number.POSITIVE_INFINITY)
      replies.flush()
    },
    async settled() {
      await slots.settled()
      replies.flush()
    },
    close() {
      closed = true
      wake.destroy()
      native.close(pipe.write)
    },
  }
}

/**
 * libuv polls the read end like any other pipe: measured, 2 to 3 µs from a thread's write to the callback on a shared core,
 * compared with 5 for postMessage and 530 for Atomics.waitAsync. It does not keep the process alive.
 */
function openWakePipe(fd: number, onWake: () => void): Socket {
  const callback = () => {
    onWake()
    return true
  }
  const pipe = new Socket({ fd, readable: true, writable: false, onread: { buffer: Buffer.alloc(64), callback } })
  pipe.on('error', () => undefined)
  pipe.resume()
  return pipe.unref()
}

interface Ring {
  unread(): () => boolean
  drain(most: number, handle: (received: ReceivedDatagram) => void): boolean
}
