/**
 * One HTTP/1.1 connection (RFC 9112), one request at a time: the next request is not read before the client has taken the
 * reply to the previous one.
 */
import type { Socket } from 'node:net'
import {
  BadRequest,
  maxHeadOctets,
  parseRequestHead,
  type RequestHead,
  replyHead,
  textReply,
} from '../../telemetry/http/message.ts'
import { createAsker } from '../http/asker.ts'
import type { BegunRequest, HttpResponse, HttpService } from '../http/service.ts'
import { createDeadlines } from '../tcp/deadlines.ts'
import type { Connection, ConnectionEnds } from '../tcp/protocol.ts'
import { readAhead } from '../tcp/read-ahead.ts'
import type { SharedState } from '../tcp/shared-state.ts'

type State = 'head' | 'body' | 'asking' | 'replying' | 'ended' | 'closed'

const none = Buffer.alloc(0)

export function openHttp1(
  service: HttpService,
  shared: SharedState,
  socket: Socket,
  { listenerOf, proxied, table, places }: ConnectionEnds,
): Connection {
  const { clock, limits } = shared
  const now = (): number => clock.now()
  const asker = createAsker(shared, service.transport, socket, { listenerOf, proxied }, 1)
  const deadlines = createDeadlines(limits, listenerOf, now())
  const task = shared.turns.task(asker.client.address, step)
  const entry = table.add(asker.client.address, { idle: () => state === 'head', destroy }, places)
  let state: State = 'head'
  let held: Buffer = none
  let head: RequestHead | undefined
  let begun: (BegunRequest & { kind: 'body' }) | undefined
  let departure: AbortController | undefined
  /** The connection is closed after the current reply. */
  let last = false
  let inputEnded = false
  let writtenAt = 0

  socket.on('data', (chunk: Buffer) => {
    if (state === 'ended' || state === 'closed') return
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    if (held.length > readAhead) socket.pause()
    entry.touch()
    entry.setInput(held.length + socket.readableLength)
    if (state === 'head' || state === 'body') task.wake()
    else socket.pause()
  })
  // Like Go's server: a client that closes its side does not wait for a reply.
  socket.on('end', () => {
    last = true
    inputEnded = true
    departure?.abort()
    task.wake()
  })
  socket.on('close', close)
  socket.on('error', destroy)

  function read(): void {
    try {
      if (state === 'head' && !readHead()) return
      if (state === 'body') readBody()
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error
      last = true
      const { headers = {}, body } = textReply(error.status, `${error.message}\n`)
      write({ status: error.status, headers, body })
    }
  }

  /** False while the head is incomplete. */
  function readHead(): boolean {
    // RFC 9112 §2.2: empty lines before a request are ignored.
    while (held.length >= 2 && held[0] === 13 && held[1] === 10) held = held.subarray(2)
    const end = held.indexOf('\r\n\r\n')
    if (end > maxHeadOctets || (end < 0 && held.length > maxHeadOctets))
      throw new BadRequest(431, 'the header is too long')
    if (end < 0) return false
    // If the next head cannot be read, the reply must not depend on the previous request.
    head = undefined
    const text = held.toString('latin1', 0, end)
    held = held.subarray(end + 4)
    head = parseRequestHead(text)
    const { request, chunked, persistent } = head
    last ||= !persistent
    if (chunked) throw new BadRequest(411, 'a body needs Content-Length')
    const { method, target, headers } = request
    const found = service.begin({ method, target, field: (name) => headers.get(name) }, listenerOf())
    if (found.kind === 'body' && head.length <= found.largest) {
      begun = found
      state = 'body'
      if (headers.get('expect')?.toLowerCase() === '100-continue') socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      return true
    }
    // An unread body would be taken for the next request.
    last ||= head.length > 0
    if (found.kind === 'message') ask(found.message)
    else write(found.kind === 'body' ? found.tooLarge() : found.response)
    return true
  }

  function readBody(): void {
    if (!head || !begun || held.length < head.length) return
    const read = begun.read(held.subarray(0, head.length))
    held = held.subarray(head.length)
    if ('refused' in read) write(read.refused)
    else ask(read.message)
  }

  function ask(asked: Uint8Array): void {
    deadlines.received(now())
    state = 'asking'
    asker.batch(() =>
      asker.ask(
        asked,
        () => {
          departure = new AbortController()
          return departure.signal
        },
        (reply) => {
          departure = undefined
          if (state === 'asking') write(service.respond(reply, listenerOf()))
        },
      ),
    )
  }

  /** Handles one request per turn, rejected ones included. */
  function step(): boolean {
    read()
    if ((state === 'head' && last) || (state === 'body' && inputEnded)) end()
    else if (state === 'head' || state === 'body') socket.resume()
    return false
  }

  function write({ status, headers, body = none }: HttpResponse): void {
    state = 'replying'
    writtenAt = now()
    const { 'content-length': _, ...others } = headers
    const fields = Object.fromEntries(Object.entries(others).map(([name, value]) => [name, String(value)]))
    entry.setUnsent(body.length)
    // The connection may have been closed meanwhile, because of the memory that it held.
    if (socket.destroyed) return
    socket.cork()
    socket.write(replyHead({ status, headers: fields, body }, last), 'latin1')
    // The reply to HEAD has the Content-Length of a body, but no body (RFC 9110 §9.3.2).
    socket.write(head?.request.method === 'HEAD' ? none : body, taken)
    socket.uncork()
  }

  /** The system has taken the reply, so the next request may be read. */
  function taken(error?: Error | null): void {
    if (error || state !== 'replying') return
    entry.setUnsent(0)
    if (last) {
      end()
      return
    }
    state = 'head'
    deadlines.replied(now())
    entry.setInput(held.length + socket.readableLength)
    if (held.length > 0) task.wake()
    else socket.resume()
  }

  function end(): void {
    state = 'ended'
    deadlines.ended(now())
    socket.end()
    // Closing with unread octets would reset the connection, and lose a reply that the client has not read yet.
    socket.resume()
  }

  function close(): void {
    if (state === 'closed') return
    state = 'closed'
    task.stop()
    entry.remove()
    departure?.abort()
  }

  function destroy(): void {
    close()
    socket.destroy()
  }

  return {
    sweep(time) {
      if (state === 'replying' && deadlines.isStalled(time - writtenAt)) destroy()
      else if (state === 'asking' || state === 'replying') deadlines.suspended(time)
      else if (!deadlines.passed(time)) return
      else if (state === 'ended' || held.length > 0 || state === 'body') destroy()
      else end()
    },
    finish(milliseconds) {
      last = true
      task.wake()
      clock.after(milliseconds, destroy)
    },
    destroy,
  }
}
