/**
 * The server side of one HTTP/2 connection (RFC 9113), with a DNS message per stream. Node.js's own HTTP/2 takes more
 * processor time per request than everything else about a query; this implementation has only what a DNS server needs.
 * Connections take turns reading frames, and there are limits on what a client may leave open, send late, leave unread,
 * or send without asking anything.
 */
import type { Socket } from 'node:net'
import { sliceLength } from '../../scheduling/cooperative-scheduler.ts'
import { createAsker } from '../http/asker.ts'
import type { HttpService } from '../http/service.ts'
import { createDeadlines } from '../tcp/deadlines.ts'
import type { Connection, ConnectionEnds } from '../tcp/protocol.ts'
import { readAhead } from '../tcp/read-ahead.ts'
import type { SharedState } from '../tcp/shared-state.ts'
import { createAllowance } from './allowance.ts'
import { createExchanges } from './exchanges.ts'
import { createFrameDispatch } from './frame-dispatch.ts'
import { createFrameWriter } from './frame-writer.ts'
import { ConnectionError, createFrameReader, errorCode, frameType, setting, settingsPayload, uint32 } from './frames.ts'
import { maxHeaderOctets } from './header-block.ts'
import { CompressionError } from './hpack.ts'
import { createResponses } from './responses.ts'

/** Frames read before the next connection gets its turn. */
const framesPerStep = 64

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
  const writer = createFrameWriter()
  const allowance = createAllowance()
  const responses = createResponses(writer)
  let state: State = 'open'
  let drainBy = Number.POSITIVE_INFINITY
  let stepping = false

  const exchanges = createExchanges({
    service,
    asker,
    responses,
    allowance,
    listenerOf,
    now,
    reset: (id, why) => reset(id, why === 'late' ? errorCode.CANCEL : errorCode.NO_ERROR),
    onReplied() {
      deadlines.replied(now())
      if (!stepping) flush()
    },
    onEmpty() {
      if (state === 'draining') end()
    },
  })
  const frames = createFrameDispatch({
    writer,
    responses,
    exchanges,
    allowance,
    most,
    isDraining: () => state === 'draining',
    reset,
    onRequest() {
      deadlines.received(now())
      entry.touch()
    },
  })
  const task = shared.turns.task(asker.client.address, step)
  const entry = table.add(asker.client.address, { idle: () => exchanges.size() === 0, destroy }, places)
  socket.on('data', (chunk: Buffer) => {
    if (state === 'ended' || state === 'closed') return
    reader.push(chunk)
    if (reader.held() > readAhead) socket.pause()
    measureInput()
    task.wake()
  })
  socket.on('drain', () => task.wake())
  // HTTP/2 has no half-closed connections: the client no longer reads.
  socket.on('end', destroy)
  socket.on('close', close)
  socket.on('error', destroy)
  const announced = settingsPayload([
    [setting.MAX_CONCURRENT_STREAMS, most],
    [setting.MAX_HEADER_LIST_SIZE, maxHeaderOctets],
  ])
  writer.frame(frameType.SETTINGS, 0, 0, announced)
  flush()

  /** Reads some of the received frames. True when there may be more. */
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
          else frames.read(frame)
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
    measureInput()
    if (stateNow() !== 'open' && stateNow() !== 'draining') return false
    const blocked = socket.writableNeedDrain
    // Nothing is added to unread input.
    if (more || blocked) socket.pause()
    else socket.resume()
    return more && !blocked
  }

  const measureInput = (): void => entry.setInput(exchanges.heldInput() + reader.held() + socket.readableLength)

  /** A function, so that TypeScript does not narrow the state across calls that change it. */
  const stateNow = (): State => state

  function reset(id: number, code: number): void {
    writer.frame(frameType.RST_STREAM, 0, id, uint32(code))
  }

  function flush(): void {
    const octets = writer.take()
    if (octets !== undefined && socket.writable) socket.write(octets)
    entry.setUnsent(exchanges.heldOutput() + socket.writableLength)
  }

  function goAway(code: number): void {
    writer.frame(frameType.GOAWAY, 0, 0, Buffer.concat([uint32(frames.lastStream()), uint32(code)]))
  }

  function fail({ code }: ConnectionError): void {
    if (state === 'ended' || state === 'closed') return
    goAway(code)
    exchanges.abandonAll()
    if (stateNow() !== 'ended') end()
  }

  /** Accepts no new streams; ends when the open ones are answered. */
  function drain(milliseconds: number): void {
    if (state !== 'open') return
    state = 'draining'
    drainBy = now() + milliseconds
    goAway(errorCode.NO_ERROR)
    if (exchanges.size() === 0) end()
    else flush()
  }

  function end(): void {
    state = 'ended'
    flush()
    deadlines.ended(now())
    socket.end()
    // Closing with unread octets would reset the connection, and lose replies that the client has not read yet.
    socket.resume()
  }

  function close(): void {
    if (state === 'closed') return
    state = 'closed'
    task.stop()
    entry.remove()
    exchanges.abandonAll()
  }

  function destroy(): void {
    close()
    socket.destroy()
  }

  return {
    sweep(time) {
      if (state === 'open' || state === 'draining') {
        const receiving = listenerOf().timeouts?.read ?? limits.tcpRead
        if (exchanges.sweep(time, receiving, deadlines.isStalled)) destroy()
        else if (stateNow() !== 'ended') flush()
      }
      if (time > drainBy) destroy()
      else if (exchanges.size() > 0) deadlines.suspended(time)
      else if (!deadlines.passed(time)) return
      else if (stateNow() === 'ended') destroy()
      else drain(listenerOf().timeouts?.write ?? limits.tcpWrite)
    },
    finish(milliseconds) {
      drain(milliseconds)
      clock.after(milliseconds, destroy)
    },
    destroy,
  }
}
