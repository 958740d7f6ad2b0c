/**
 * One HTTP/2 connection of a server (RFC 9113): a DNS message for each stream. Node's own HTTP/2 costs more processor time for a
 * request than everything else that a query takes; this one knows what a DNS server needs. Frames are read in turns, as the
 * messages of other connections are, and what a client may have open, send late, not take, or send for nothing is bounded.
 */
import type { Socket } from 'node:net'
import { sliceLength } from '../../scheduling/cooperative-scheduler.ts'
import { createAsker } from '../http/asker.ts'
import type { BegunRequest, HttpResponse, HttpService } from '../http/service.ts'
import type { Connection } from '../tcp/connection.ts'
import { createDeadlines } from '../tcp/deadlines.ts'
import type { ConnectionEnds } from '../tcp/protocol.ts'
import type { SharedState } from '../tcp/shared-state.ts'
import {
  ConnectionError,
  contentOf,
  createFrameReader,
  errorCode,
  type Frame,
  flag,
  frameType,
  maxPayload,
  setting,
  settingsPayload,
  uint32,
  writeFrame,
} from './frames.ts'
import { CompressionError, createHpackDecoder, encodeFields, type Field } from './hpack.ts'

/** Octets of a request's head: a GET carries the message in its target. */
const maxHeaderOctets = 16 * 1024
/** Frames that a head may come in. */
const maxHeaderFrames = 8
/** Frames that are read before another connection has its turn. */
const framesPerStep = 64
/** RFC 9113 §6.9.2: the default of both directions. */
const defaultWindow = 65_535
const largestWindow = 0x7fffffff
/** Octets of bodies after which the client gets as many again. */
const windowStep = 32 * 1024
/**
 * What a client may send that asks for nothing: frames that are no request (PING, SETTINGS, WINDOW_UPDATE), and streams that it
 * resets before they are answered. Each answer allows for as many more.
 */
const allowance = { frames: 1000, framesPerAnswer: 10, resets: 100 }

interface Exchange {
  readonly id: number
  /** Milliseconds of its last progress. */
  since: number
  state: 'receiving' | 'asking' | 'replying'
  /** The client has sent all of its side. */
  inputEnded: boolean
  begun: (BegunRequest & { kind: 'body' }) | undefined
  body: Buffer
  /** Octets that the client takes of the response. */
  window: number
  response: { readonly body: Uint8Array; sent: number; readonly trailers: Buffer | undefined } | undefined
  departure: AbortController | undefined
}

type State = 'open' | 'draining' | 'ended' | 'closed'

export function openHttp2(
  service: HttpService,
  shared: SharedState,
  socket: Socket,
  { listenerOf, proxied, table, places }: ConnectionEnds,
): Connection {
  const { clock, limits } = shared
  const now = (): number => clock.now()
  const most = Math.min(listenerOf().http?.maxStreams || service.defaultStreams, limits.httpStreams)
  const asker = createAsker(shared, service.transport, socket, { listenerOf, proxied }, most)
  const deadlines = createDeadlines(limits, listenerOf, now())
  const reader = createFrameReader()
  const decoder = createHpackDecoder(maxHeaderOctets)
  const open = new Map<number, Exchange>()
  let out: Buffer[] = []
  let state: State = 'open'
  let drainBy = Number.POSITIVE_INFINITY
  let stepping = false
  let lastStream = 0
  let hasSettings = false
  /** A head that is not whole yet. */
  let head: { readonly id: number; readonly endStream: boolean; readonly parts: Buffer[]; octets: number } | undefined
  /** Octets that the client takes: of the connection, and of a new stream. */
  let sendWindow = defaultWindow
  let streamWindow = defaultWindow
  let received = 0
  /** Octets of bodies and of responses that are held. */
  const held = { input: 0, output: 0 }
  const allowed = { frames: allowance.frames, resets: allowance.resets }

  const task = shared.turns.task(asker.client.address, step)
  const entry = table.add(asker.client.address, { idle: () => open.size === 0, destroy }, places)
  socket.on('data', (chunk: Buffer) => {
    if (state === 'ended' || state === 'closed') return
    reader.push(chunk)
    entry.setInput(held.input + reader.held())
    task.wake()
  })
  socket.on('drain', () => task.wake())
  // HTTP/2 knows no half-closed connections: nobody reads any more.
  socket.on('end', destroy)
  socket.on('close', close)
  socket.on('error', destroy)
  out.push(
    writeFrame(
      frameType.SETTINGS,
      0,
      0,
      settingsPayload([
        [setting.MAX_CONCURRENT_STREAMS, most],
        [setting.MAX_HEADER_LIST_SIZE, maxHeaderOctets],
      ]),
    ),
  )
  flush()

  /** Reads a few of the frames that have come. True when there may be more. */
  function step(): boolean {
    if (state === 'ended' || state === 'closed') return false
    let more = true
    stepping = true
    try {
      const started = now()
      asker.batch(() => {
        for (let i = 0; more && i < framesPerStep && !socket.writableNeedDrain && now() - started < sliceLength; i++) {
          const frame = reader.next()
          if (frame === undefined) more = false
          else read(frame)
        }
      })
    } catch (error) {
      if (error instanceof ConnectionError) fail(error)
      else if (error instanceof CompressionError) fail(new ConnectionError(errorCode.COMPRESSION_ERROR, error.message))
      else throw error
    } finally {
      stepping = false
    }
    flush()
    entry.setInput(held.input + reader.held())
    if (stateNow() !== 'open' && stateNow() !== 'draining') return false
    const blocked = socket.writableNeedDrain
    // What is not read yet is not added to.
    if (more || blocked) socket.pause()
    else socket.resume()
    return more && !blocked
  }

  /** Not narrowed by what was true a call ago. */
  const stateNow = (): State => state

  function read(frame: Frame): void {
    const { type, stream } = frame
    if (!hasSettings && type !== frameType.SETTINGS) refuse('the first frame is no SETTINGS')
    if (head !== undefined && (type !== frameType.CONTINUATION || stream !== head.id)) refuse('a head is interrupted')
    switch (type) {
      case frameType.HEADERS:
        beginHead(frame)
        return
      case frameType.CONTINUATION:
        continueHead(frame)
        return
      case frameType.DATA:
        readData(frame)
        return
      case frameType.PUSH_PROMISE:
        refuse('a client cannot push')
    }
    spend('frames')
    if (type === frameType.SETTINGS) readSettings(frame)
    else if (type === frameType.WINDOW_UPDATE) readWindow(frame)
    else if (type === frameType.PING) readPing(frame)
    else if (type === frameType.RST_STREAM) readReset(frame)
  }

  function refuse(message: string): never {
    throw new ConnectionError(errorCode.PROTOCOL_ERROR, message)
  }

  function spend(what: 'frames' | 'resets'): void {
    if (--allowed[what] < 0) throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, `too many ${what}`)
  }

  function beginHead(frame: Frame): void {
    if (frame.stream % 2 === 0) refuse('a stream of a client has an odd number')
    const content = contentOf(frame)
    head = { id: frame.stream, endStream: (frame.flags & flag.END_STREAM) !== 0, parts: [], octets: 0 }
    addToHead(content, frame.flags)
  }

  function continueHead({ payload, flags }: Frame): void {
    if (head === undefined) refuse('no head is to be continued')
    addToHead(payload, flags)
  }

  function addToHead(content: Buffer, flags: number): void {
    const { id, endStream, parts } = head!
    head!.octets += content.length
    if (head!.octets > maxHeaderOctets || parts.length === maxHeaderFrames)
      throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, 'a head is too large')
    const isWhole = (flags & flag.END_HEADERS) !== 0
    // A frame's memory is used again.
    parts.push(isWhole && parts.length === 0 ? content : Buffer.from(content))
    if (!isWhole) return
    head = undefined
    takeHead(id, decoder.decode(parts.length === 1 ? parts[0] : Buffer.concat(parts)), endStream)
  }

  function takeHead(id: number, fields: readonly Field[], endStream: boolean): void {
    const known = open.get(id)
    if (known !== undefined) {
      // Trailers, which say nothing here.
      if (!endStream || known.inputEnded) refuse('a stream has a second head')
      endInput(known)
      return
    }
    // Trailers of a stream that is answered already.
    if (id <= lastStream) return
    lastStream = id
    if (state === 'draining' || open.size >= most) {
      reset(id, errorCode.REFUSED_STREAM)
      return
    }
    const field = (name: string): string | undefined => fields.find((each) => each[0] === name)?.[1]
    const [method, target] = [field(':method'), field(':path')]
    if (method === undefined || target === undefined) reset(id, errorCode.PROTOCOL_ERROR)
    else begin(id, { method, target, field }, endStream)
  }

  function begin(id: number, requested: Parameters<HttpService['begin']>[0], endStream: boolean): void {
    const since = now()
    deadlines.received(since)
    entry.touch()
    const exchange: Exchange = {
      id,
      since,
      state: 'receiving',
      inputEnded: endStream,
      begun: undefined,
      body: nothing,
      window: streamWindow,
      response: undefined,
      departure: undefined,
    }
    open.set(id, exchange)
    const begun = service.begin(requested, listenerOf())
    if (begun.kind === 'refused') respond(exchange, begun.response)
    else if (begun.kind === 'message') ask(exchange, begun.message)
    else {
      exchange.begun = begun
      if (endStream) endInput(exchange)
    }
  }

  function readData(frame: Frame): void {
    const { stream, flags, payload } = frame
    if (stream === 0 || stream > lastStream) refuse('DATA is for no stream')
    const content = contentOf(frame)
    const endStream = (flags & flag.END_STREAM) !== 0
    if (content.length === 0 && !endStream) spend('frames')
    received += payload.length
    if (received > defaultWindow) throw new ConnectionError(errorCode.FLOW_CONTROL_ERROR, 'the window is used up')
    if (received >= windowStep) {
      out.push(writeFrame(frameType.WINDOW_UPDATE, 0, 0, uint32(received)))
      received = 0
    }
    const exchange = open.get(stream)
    if (exchange === undefined || exchange.inputEnded) return
    if (exchange.state === 'receiving') addToBody(exchange, content)
    if (endStream) endInput(exchange)
  }

  function addToBody(exchange: Exchange, content: Buffer): void {
    exchange.since = now()
    held.input += content.length
    exchange.body = Buffer.concat([exchange.body, content])
    if (exchange.body.length > exchange.begun!.largest) respond(exchange, exchange.begun!.tooLarge())
  }

  function endInput(exchange: Exchange): void {
    exchange.inputEnded = true
    if (exchange.state !== 'receiving') return
    const read = exchange.begun!.read(exchange.body)
    if ('refused' in read) respond(exchange, read.refused)
    else ask(exchange, read.message)
  }

  function ask(exchange: Exchange, message: Uint8Array): void {
    exchange.state = 'asking'
    const signal = (): AbortSignal => {
      exchange.departure = new AbortController()
      return exchange.departure.signal
    }
    asker.ask(message, signal, (reply) => {
      exchange.departure = undefined
      deadlines.replied(now())
      if (open.has(exchange.id)) respond(exchange, service.respond(reply, listenerOf()))
      if (!stepping) flush()
    })
  }

  function respond(exchange: Exchange, { status, headers, body = nothing, trailers }: HttpResponse): void {
    const { id } = exchange
    allowed.frames = Math.min(allowance.frames, allowed.frames + allowance.framesPerAnswer)
    allowed.resets = Math.min(allowance.resets, allowed.resets + 1)
    exchange.state = 'replying'
    exchange.since = now()
    held.input -= exchange.body.length
    exchange.body = nothing
    const fields = encodeFields([[':status', status], ...Object.entries(headers), ['date', dateNow()]])
    const isAll = body.length === 0 && trailers === undefined
    out.push(writeFrame(frameType.HEADERS, flag.END_HEADERS | (isAll ? flag.END_STREAM : 0), id, fields))
    if (isAll) {
      conclude(exchange)
      return
    }
    held.output += body.length
    exchange.response = { body, sent: 0, trailers: trailers && encodeFields(Object.entries(trailers)) }
    send(exchange)
  }

  /** Sends as much of the response as the client takes. */
  function send(exchange: Exchange): void {
    const { id, response } = exchange
    if (response === undefined) return
    const { body, trailers } = response
    while (response.sent < body.length) {
      const octets = Math.min(body.length - response.sent, maxPayload, exchange.window, sendWindow)
      if (octets <= 0) return
      exchange.window -= octets
      sendWindow -= octets
      const from = response.sent
      response.sent += octets
      const isLast = response.sent === body.length && trailers === undefined
      out.push(writeFrame(frameType.DATA, isLast ? flag.END_STREAM : 0, id, body.subarray(from, response.sent)))
      exchange.since = now()
    }
    if (trailers) out.push(writeFrame(frameType.HEADERS, flag.END_HEADERS | flag.END_STREAM, id, trailers))
    conclude(exchange)
  }

  /** The response is on its way. A body that is still coming is for nobody (RFC 9113 §8.1). */
  function conclude(exchange: Exchange): void {
    if (!exchange.inputEnded) reset(exchange.id, errorCode.NO_ERROR)
    forget(exchange)
  }

  function forget(exchange: Exchange): void {
    if (!open.delete(exchange.id)) return
    held.input -= exchange.body.length
    held.output -= exchange.response?.body.length ?? 0
    exchange.departure?.abort()
    if (state === 'draining' && open.size === 0) end()
  }

  function reset(id: number, code: number): void {
    out.push(writeFrame(frameType.RST_STREAM, 0, id, uint32(code)))
  }

  function readReset({ stream, payload }: Frame): void {
    if (stream === 0 || stream > lastStream || payload.length !== 4) refuse('RST_STREAM is invalid')
    const exchange = open.get(stream)
    if (exchange === undefined) return
    spend('resets')
    forget(exchange)
  }

  function readPing({ stream, flags, payload }: Frame): void {
    if (stream !== 0 || payload.length !== 8) refuse('PING is invalid')
    if (!(flags & flag.ACK)) out.push(writeFrame(frameType.PING, flag.ACK, 0, payload))
  }

  function readSettings({ stream, flags, payload }: Frame): void {
    if (stream !== 0 || payload.length % 6 !== 0) refuse('SETTINGS is invalid')
    if (flags & flag.ACK) return
    hasSettings = true
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== setting.INITIAL_WINDOW_SIZE) continue
      const size = payload.readUInt32BE(at + 2)
      if (size > largestWindow) throw new ConnectionError(errorCode.FLOW_CONTROL_ERROR, 'the window is too large')
      for (const exchange of open.values()) exchange.window += size - streamWindow
      streamWindow = size
    }
    out.push(writeFrame(frameType.SETTINGS, flag.ACK, 0, nothing))
    for (const exchange of [...open.values()]) send(exchange)
  }

  function readWindow({ stream, payload }: Frame): void {
    if (payload.length !== 4) refuse('WINDOW_UPDATE is invalid')
    const more = payload.readUInt32BE(0) & 0x7fffffff
    const exchange = open.get(stream)
    const window = (stream === 0 ? sendWindow : (exchange?.window ?? 0)) + more
    if (more === 0 || window > largestWindow)
      throw new ConnectionError(errorCode.FLOW_CONTROL_ERROR, 'the window is invalid')
    if (stream === 0) {
      sendWindow = window
      for (const each of [...open.values()]) send(each)
    } else if (exchange !== undefined) {
      exchange.window = window
      send(exchange)
    }
  }

  function flush(): void {
    if (out.length > 0 && socket.writable) socket.write(out.length === 1 ? out[0] : Buffer.concat(out))
    out = []
    entry.setUnsent(held.output + socket.writableLength)
  }

  function goAway(code: number): void {
    out.push(writeFrame(frameType.GOAWAY, 0, 0, Buffer.concat([uint32(lastStream), uint32(code)])))
  }

  function fail({ code }: ConnectionError): void {
    if (state === 'ended' || state === 'closed') return
    goAway(code)
    for (const exchange of [...open.values()]) forget(exchange)
    if (stateNow() !== 'ended') end()
  }

  /** Takes no new streams; ends when the open ones are answered. */
  function drain(milliseconds: number): void {
    if (state !== 'open') return
    state = 'draining'
    drainBy = now() + milliseconds
    goAway(errorCode.NO_ERROR)
    if (open.size === 0) end()
    else flush()
  }

  function end(): void {
    state = 'ended'
    flush()
    deadlines.ended(now())
    socket.end()
    // Closing on unread octets resets the connection, and with it replies that the client has not read yet.
    socket.resume()
  }

  function close(): void {
    if (state === 'closed') return
    state = 'closed'
    task.stop()
    entry.remove()
    for (const exchange of [...open.values()]) forget(exchange)
  }

  function destroy(): void {
    close()
    socket.destroy()
  }

  /** Ends what has stood still for longer than it may. */
  function sweepStreams(time: number): void {
    const read = listenerOf().timeouts?.read ?? limits.tcpRead
    for (const exchange of [...open.values()]) {
      const still = time - exchange.since
      if (exchange.state === 'replying' && deadlines.isStalled(still)) {
        destroy()
        return
      }
      if (exchange.state !== 'receiving' || still <= read) continue
      reset(exchange.id, errorCode.CANCEL)
      forget(exchange)
    }
    if (state !== 'ended') flush()
  }

  return {
    sweep(time) {
      if (state === 'open' || state === 'draining') sweepStreams(time)
      if (time > drainBy) destroy()
      else if (open.size > 0) deadlines.suspended(time)
      else if (!deadlines.passed(time)) return
      else if (state === 'ended') destroy()
      else drain(listenerOf().timeouts?.write ?? limits.tcpWrite)
    },
    finish(milliseconds) {
      drain(milliseconds)
      clock.after(milliseconds, destroy)
    },
    destroy,
  }
}

const nothing: Buffer = Buffer.alloc(0)

/** RFC 9110 §6.6.1; made once a second. */
const date = { second: -1, text: '' }
function dateNow(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== date.second) {
    date.second = second
    date.text = new Date(second * 1000).toUTCString()
  }
  return date.text
}
