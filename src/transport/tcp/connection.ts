/**
 * One TCP connection: frames in, replies out, in whatever order they are ready (RFC 7766 §6.2.1.1). Table answers are
 * written at once; up to `tcpPending` queries may wait for the chain meanwhile, besides those that have stepped aside.
 * Everything is bounded: what waits, what the client has not taken yet, and how long either may last.
 */
import type { Socket } from 'node:net'
import { DROP, MISS, type Responder, transportCode } from '../../answer/api.ts'
import type { QueryRoute } from '../../answer/index.ts'
import type { SocketAddress } from '../../plugin/query.ts'
import type { Clock } from '../../scheduling/clock.ts'
import type { Listener, MissHandler } from '../../server/ingress.ts'
import { writeServfail } from '../error-replies.ts'
import type { Limits } from '../limits.ts'
import { type QueryLogReader, routeOf } from '../query-log.ts'
import { createFramer } from './framing.ts'
import type { ReplyStream, ReplyStreams } from './multi-message.ts'

/** What all connections share. */
export interface SharedState {
  readonly responder: Responder
  readonly answered: QueryLogReader
  readonly onMiss: MissHandler
  readonly clock: Clock
  readonly limits: Limits
  /** Replies are put together here; they are copied when they are written. */
  readonly scratch: Buffer
  /** Octets written that clients have not taken, over all connections. */
  unsent: number
  readonly streams: ReplyStreams
  lastQueryAt: number
  readonly onFailure: (what: string, error: unknown) => void
}

export interface Connection {
  /** Enforces the deadlines; called a few times a second. */
  sweep(now: number): void
  /** Takes no more queries; closes when what is pending is answered, at the latest after `milliseconds`. */
  finish(milliseconds: number): void
  destroy(): void
}

/** Anything shorter is no message: nothing in it could be answered. */
const headerBytes = 12
const lengthBytes = 2
const largestMessage = 65535
export const scratchBytes = 2 * (lengthBytes + largestMessage)

/** `listenerOf` gives the listener as it is now: a reload changes it under open connections. */
export function openConnection(room: SharedState, socket: Socket, listenerOf: () => Listener): Connection {
  const { responder, answered, clock, limits, scratch } = room
  const framer = createFramer()
  const family = socket.remoteFamily === 'IPv6' ? 2 : 1
  const client: SocketAddress = { address: socket.remoteAddress!, port: socket.remotePort! }
  let knownLocal: SocketAddress | undefined
  let route: QueryRoute | undefined
  /** Queries that the chain is working on, or whose replies are of many messages and not all written. */
  let pending = 0
  /** Of those, the ones that others need not wait behind. */
  let aside = 0
  const streams = new Set<ReplyStream>()
  let asked = 0
  /** Octets written and not yet taken, as counted in `room.unsent`. */
  let unsent = 0
  let unsentSince = 0
  /** What comes from the socket is taken: not when the client has ended, or we want to. */
  let taking = true
  /** The connection has asked all that it may: not even what has come is looked at. */
  let spent = false
  /** Nothing more will be written. */
  let ended = false
  /** By when the next message must be here whole. */
  let deadline = clock.now() + (listenerOf().timeouts?.read ?? limits.tcpRead)
  let used = 0

  socket.on('data', (chunk: Buffer) => {
    if (!taking) return
    framer.push(chunk)
    answerAll()
  })
  socket.on('end', () => {
    taking = false
    answerAll()
  })
  socket.on('drain', () => {
    countUnsent()
    for (const stream of streams) stream.resume()
    answerAll()
  })
  socket.on('close', () => {
    taking = false
    ended = true
    room.unsent -= unsent
    unsent = 0
    for (const stream of streams) stream.cancel()
  })
  socket.on('error', () => socket.destroy())

  function blocked(): boolean {
    return pending - aside >= limits.tcpPending || socket.writableNeedDrain
  }

  /** Answers the whole messages that have come, for as long as their replies find room; then reads on, or not. */
  function answerAll(): void {
    const now = clock.now()
    responder.startBatch(now)
    while (!ended && !spent && !blocked() && framer.next()) {
      deadline = now + (listenerOf().timeouts?.idle ?? limits.tcpIdle)
      if (framer.end - framer.start >= headerBytes) answerOne(now)
    }
    responder.offline()
    flush()
    if (spent) endWhenDone()
    else if (blocked()) socket.pause()
    else if (taking) socket.resume()
    else endWhenDone()
  }

  function answerOne(now: number): void {
    room.lastQueryAt = now
    const listener = listenerOf()
    const most = listener.timeouts?.queries ?? limits.tcpQueries
    if (most > 0 && ++asked >= most) spent = true
    if (used + lengthBytes + largestMessage > scratch.length) flush()
    const length = answer(listener)
    if (length === MISS) ask(listener, now)
    else if (length !== DROP) {
      const seconds = (clock.now() - now) / 1000
      responder.count(transportCode.stream, family, seconds)
      if (responder.observed()) observe(listener, seconds)
      scratch.writeUInt16BE(length, used)
      used += lengthBytes + length
    }
  }

  /** A throw is our bug, and must not cost more than this one query: the chain is asked. */
  function answer({ space }: Listener): number {
    try {
      return responder.answer(
        framer.bytes,
        framer.start,
        framer.end,
        space,
        transportCode.stream,
        scratch,
        used + lengthBytes,
      )
    } catch (error) {
      room.onFailure('an answer threw, and the plugin chain was asked', error)
      return MISS
    }
  }

  function observe(listener: Listener, seconds: number): void {
    route ??= routeOf(client, localOf(listener))
    responder.observe(route)
    if (responder.publish(seconds)) answered.wake()
  }

  /** Asked of the system once: its answer costs a call, and is gone with the connection. */
  function localOf(listener: Listener): SocketAddress {
    knownLocal ??= { address: socket.localAddress ?? listener.address, port: socket.localPort ?? listener.port }
    return knownLocal
  }

  function ask(listener: Listener, receivedAt: number): void {
    const local = localOf(listener)
    const request = Buffer.from(framer.bytes.subarray(framer.start, framer.end))
    let following: Iterator<Uint8Array> | undefined
    const follow = (replies: Iterator<Uint8Array>): void => {
      following = replies
    }
    const reply = room.onMiss({ request, transport: 'tcp', client, local, listener, receivedAt, follow, releaseSlot })
    if (!(reply instanceof Promise)) {
      writeReplies(request, reply, following)
      return
    }
    pending++
    const finish = (octets: Uint8Array | undefined) => {
      writeReplies(request, octets, following)
      finishOne()
    }
    reply.then(finish, () => finish(undefined))
  }

  function releaseSlot(): () => void {
    aside++
    if (socket.isPaused()) setImmediate(answerAll)
    return () => void aside--
  }

  /** A query that was waited for is answered: there may be frames that were not read because of it. */
  function finishOne(): void {
    pending--
    if (ended) return
    deadline = Math.max(deadline, clock.now() + (listenerOf().timeouts?.idle ?? limits.tcpIdle))
    answerAll()
  }

  function writeReplies(
    request: Uint8Array,
    first: Uint8Array | undefined,
    following: Iterator<Uint8Array> | undefined,
  ): void {
    if (following === undefined) writeReply(first)
    else if (ended || first === undefined) following.return?.()
    else stream(request, first, following)
  }

  function stream(request: Uint8Array, first: Uint8Array, following: Iterator<Uint8Array>): void {
    const begun = room.streams.start(following, {
      full: () => socket.writableNeedDrain,
      write: writeReply,
      ended(failure) {
        streams.delete(begun!)
        if (failure !== undefined) {
          room.onFailure('a reply of several messages broke off', failure)
          socket.destroy()
        }
        finishOne()
      },
    })
    if (!begun) {
      following.return?.()
      const refusal = new Uint8Array(request.length)
      writeReply(refusal.subarray(0, writeServfail(request, 0, request.length, refusal, 0)))
      return
    }
    streams.add(begun)
    pending++
    writeReply(first)
  }

  function writeReply(octets: Uint8Array | undefined): void {
    if (octets === undefined || octets.length > largestMessage) return
    const frame = Buffer.allocUnsafe(lengthBytes + octets.length)
    frame.writeUInt16BE(octets.length, 0)
    frame.set(octets, lengthBytes)
    write(frame)
  }

  function flush(): void {
    if (used === 0) return
    write(Buffer.from(scratch.subarray(0, used)))
    used = 0
  }

  function write(octets: Buffer): void {
    if (ended || !socket.writable) return
    socket.write(octets)
    countUnsent()
    // Clients that ask and do not read would between them take all memory: this one is not reading now.
    if (room.unsent > limits.tcpUnsentBytes && unsent > 0) socket.destroy()
  }

  function countUnsent(): void {
    const now = socket.writableLength
    if (now < unsent || unsent === 0) unsentSince = clock.now()
    room.unsent += now - unsent
    unsent = now
  }

  function endWhenDone(): void {
    if (ended || pending > 0) return
    ended = true
    taking = false
    socket.end()
    // What still comes is read and thrown away: closing on unread octets resets the connection, and with it the replies
    // that the client has not read yet.
    socket.resume()
    deadline = clock.now() + limits.tcpWrite
  }

  return {
    sweep(now) {
      countUnsent()
      if (unsent > 0 && now - unsentSince > limits.tcpWrite) socket.destroy()
      // While we do not read, the client cannot be late.
      else if (!ended && blocked()) deadline = now + (listenerOf().timeouts?.idle ?? limits.tcpIdle)
      else if (now <= deadline) return
      else if (ended || framer.partial()) socket.destroy()
      else endWhenDone()
    },
    finish(milliseconds) {
      taking = false
      answerAll()
      clock.after(milliseconds, () => socket.destroy())
    },
    destroy: () => void socket.destroy(),
  }
}
