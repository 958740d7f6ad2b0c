/**
 * One connection of a stream transport: queries in, replies out, in the order in which they are ready (RFC 7766
 * §6.2.1.1). Answers from the table are written at once, a few per turn so that no connection keeps others waiting; up to
 * `tcpPending` queries may wait for the plugin chain meanwhile. The next query is not read before the client has taken
 * the replies to the previous ones.
 */
import type { Socket } from 'node:net'
import { MISS, transportCode } from '../../answer/api.ts'
import type { QueryRoute } from '../../answer/index.ts'
import { maxMessageOctets } from '../../dns/reply.ts'
import type { SocketAddress, Transport } from '../../plugin/query.ts'
import { sliceLength } from '../../scheduling/cooperative-scheduler.ts'
import type { Listener } from '../../server/ingress.ts'
import { type ChainSlots, createChainSlots } from '../chain-slots.ts'
import { clientNamer } from '../client-octets.ts'
import { writeFormerr } from '../error-replies.ts'
import { routeOf } from '../query-log.ts'
import { createDeadlines } from './deadlines.ts'
import { createFramer } from './framing.ts'
import { createOutput } from './output.ts'
import type { Connection, ConnectionEnds } from './protocol.ts'
import { readAhead } from './read-ahead.ts'
import type { SharedState } from './shared-state.ts'
import { createTransfers } from './transfers.ts'

type State =
  /** Reads queries and answers them. */
  | 'reading'
  /** Reads no more; answers what has been received. */
  | 'draining'
  /** Has reached its number of queries: further ones are ignored, pending ones are answered. */
  | 'spent'
  /** Everything is written and the server's side is closed. Further input is discarded. */
  | 'ended'
  | 'closed'

/** Anything shorter is not a DNS message and cannot be answered. */
const headerBytes = 12
/** Limits of one turn: messages answered, and octets of answers. */
const messagesPerStep = 32
const octetsPerStep = 64 * 1024

/** `transport`: its name in queries to the plugin chain. */
export function openConnection(
  transport: Transport,
  shared: SharedState,
  socket: Socket,
  { listenerOf, proxied, table, places }: ConnectionEnds,
): Connection {
  const { responder, clock, limits } = shared
  const now = (): number => clock.now()
  const client: SocketAddress = proxied.client ?? {
    address: socket.remoteAddress ?? '',
    port: socket.remotePort ?? 0,
  }
  const family = client.address.includes(':') ? 2 : 1
  const nameClient = clientNamer(responder, client.address)
  const framer = createFramer(listenerOf().takesUpdates ? maxMessageOctets : limits.tcpRequestBytes)
  const deadlines = createDeadlines(limits, listenerOf, now())
  /** Signals to the plugin chain that the client has gone. Created for the first query that may have to wait. */
  let departure: AbortController | undefined
  let local = proxied.local
  let route: QueryRoute | undefined
  let state: State = 'reading'
  let asked = 0
  /** The connection waits for its turn, because there may be messages to answer. */
  let awake = false
  /** Inside a step; then the octets of its answers so far, and the milliseconds that it has taken. */
  let stepping = false
  let composed = 0
  let spent = 0

  const slots: ChainSlots = createChainSlots({
    ...shared,
    limit: limits.tcpPending,
    // `blocked` prevents a query from being read while no slot is free.
    onOverflow: () => undefined,
    onReleased: () => wake(),
  })
  const task = shared.turns.task(client.address, step)
  function wake(): void {
    awake = true
    task.wake()
  }
  const idle = (): boolean => slots.pending() === 0 && output.unsent() === 0
  const entry = table.add(client.address, { idle, destroy }, places)
  const output = createOutput({ socket, scratch: shared.scratch, now, onUnsent: entry.setUnsent })
  const transfers = createTransfers({ shared, slots, output, send, onEnded: replied, onFailed: destroy })

  socket.on('data', (chunk: Buffer) => {
    if (state !== 'reading') return
    framer.push(chunk)
    if (framer.held() > readAhead) socket.pause()
    entry.touch()
    entry.setInput(framer.held() + socket.readableLength)
    wake()
  })
  socket.on('end', () => {
    if (state === 'reading') state = 'draining'
    wake()
  })
  socket.on('drain', () => {
    output.measure()
    transfers.resume()
    wake()
  })
  socket.on('close', close)
  socket.on('error', destroy)

  const blocked = (): boolean => transfers.active() || slots.full() || output.full()
  const answering = (): boolean => (state === 'reading' || state === 'draining') && !blocked()

  /** Answers some of the received messages. True when there may be more to answer. */
  function step(): boolean {
    awake = false
    if (state === 'ended' || state === 'closed') return false
    const time = now()
    responder.startBatch(time)
    let more = true
    stepping = true
    composed = 0
    spent = 0
    try {
      for (let i = 0; more && i < messagesPerStep && composed < octetsPerStep && spent < sliceLength; i++)
        more = answering() && answerNext(time)
    } finally {
      stepping = false
      responder.offline()
    }
    output.flush()
    entry.setInput(framer.held() + socket.readableLength)
    // Nothing is added to unanswered input.
    if (more && answering()) socket.pause()
    else goOn()
    const goesOn = more && answering()
    awake ||= goesOn
    return goesOn
  }

  /** Nothing can be answered now: reads on, waits, or ends. */
  function goOn(): void {
    // The connection may have been closed meanwhile, because of the memory that it held.
    if (state === 'closed') return
    if (state === 'spent') endWhenDone()
    else if (blocked()) socket.pause()
    else if (state === 'reading') socket.resume()
    else endWhenDone()
  }

  /** Answers one message. False when no message is complete. */
  function answerNext(time: number): boolean {
    const found = framer.next()
    if (found === undefined) return false
    deadlines.received(time)
    if (found === 'oversized') refuseOversized()
    else if (framer.end - framer.start >= headerBytes) answerOne(time)
    return true
  }

  function refuseOversized(): void {
    shared.onOversized()
    const header = new Uint8Array(headerBytes)
    if (writeFormerr(framer.bytes, framer.start, header)) send(header)
  }

  /** Replies of one step are sent together. */
  function send(reply: Uint8Array): void {
    if (!stepping) output.send(reply)
    else {
      output.copy(reply)
      composed += reply.length
    }
  }

  function answerOne(time: number): void {
    shared.lastQueryAt = time
    const listener = listenerOf()
    const most = listener.timeouts?.queries ?? limits.tcpQueries
    if (most > 0 && ++asked >= most) state = 'spent'
    const { bytes, start, end } = framer
    nameClient()
    const length = shared.answer(bytes, start, end, listener.space, transportCode.stream, output.scratch, output.at())
    if (length === MISS) ask(listener, time)
    spent = now() - time
    if (length > 0) {
      const seconds = spent / 1000
      responder.count(transportCode.stream, family, seconds)
      if (responder.observed()) observe(listener, seconds)
      output.add(length)
      composed += length
    }
  }

  function observe(listener: Listener, seconds: number): void {
    route ??= routeOf(client, localOf(listener))
    responder.observe(route)
    if (responder.publish(seconds)) shared.queryLog.wake()
  }

  /** Requested from the system only once: it costs a call, and is unavailable after the connection has ended. */
  function localOf(listener: Listener): SocketAddress {
    local ??= { address: socket.localAddress ?? listener.address, port: socket.localPort ?? listener.port }
    return local
  }

  function ask(listener: Listener, receivedAt: number): void {
    const request = Buffer.from(framer.bytes.subarray(framer.start, framer.end))
    let messages: Iterator<Uint8Array> | undefined
    departure ??= new AbortController()
    const query = {
      request,
      transport,
      client,
      local: localOf(listener),
      listener,
      receivedAt,
      signal: departure.signal,
      follow(replies: Iterator<Uint8Array>) {
        messages = replies
      },
      releaseSlot: undefined,
    }
    slots.ask(query, (reply) => {
      transfers.deliver(() => {
        if (state === 'closed' || reply === undefined) messages?.return?.()
        else if (messages !== undefined) transfers.start(request, reply, messages)
        else send(reply)
      })
      replied()
    })
  }

  /** A query has its reply: messages may be waiting that were not read because of it. */
  function replied(): void {
    // A step continues by itself.
    if (state === 'closed' || stepping) return
    deadlines.replied(now())
    wake()
  }

  function endWhenDone(): void {
    if (slots.pending() > 0) return
    state = 'ended'
    socket.end()
    // Further input is read and discarded: closing with unread octets would reset the connection, and lose replies that
    // the client has not read yet.
    socket.resume()
    deadlines.ended(now())
  }

  function close(): void {
    if (state === 'closed') return
    state = 'closed'
    task.stop()
    entry.remove()
    transfers.cancel()
    if (slots.pending() > 0) departure?.abort()
  }

  function destroy(): void {
    close()
    socket.destroy()
  }

  return {
    sweep(time) {
      output.measure()
      if (deadlines.isStalled(output.stalledFor(time))) destroy()
      else if (state !== 'ended' && blocked()) deadlines.suspended(time)
      else if (awake || !deadlines.passed(time)) return
      else if (state === 'ended' || framer.partial()) destroy()
      else endWhenDone()
    },
    finish(milliseconds) {
      if (state === 'reading') state = 'draining'
      wake()
      clock.after(milliseconds, destroy)
    },
    destroy,
  }
}
