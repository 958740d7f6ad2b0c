/**
 * An HTTP/1 server for probes and scrapers that clients cannot use to exhaust memory. A connection handles one request at a time:
 * nothing is read meanwhile, and pipelined requests are not answered. A reply is made only when the previous one has been
 * taken, and a large one closes its connection. Node.js's own server parses every request in a packet and answers all of them
 * at once: 1.3 MB of requests took 1.7 GiB.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { BudgetedConnection, HttpBudget, HttpPhase } from './budget.ts'
import {
  BadRequest,
  type HttpReply,
  type HttpRequest,
  maxHeadOctets,
  parseRequestHead,
  replyHead,
  textReply,
} from './message.ts'

/** Answers a request. `signal` is aborted when the client has closed the connection, or its half: the work may then stop. */
export type HttpHandler = (request: HttpRequest, signal: AbortSignal) => HttpReply | Promise<HttpReply>

const second = 1_000
/** As in CoreDNS: a request must arrive, and a reply be taken, within 5 s. */
const phaseTimeout = 5 * second
/** Milliseconds for a page on a slow line to take an event's octets. */
const streamTimeout = 15 * second
/** Milliseconds that a client may go on sending after its last reply: closing at once would reset the connection. */
const lingering = 1 * second
/** Larger replies close their connection: then the client's close shows that the kernel no longer buffers the reply. */
const maxKeptReply = 4 << 10
/** Maximum replies per connection: the kernel buffers some of them for a client that does not read. */
const maxReplies = 32

export interface HttpServer {
  /** The server of plain or TLS connections; listen on it and close it as usual. */
  readonly net: Server
  /** Closes connections that wait for another request, or for their handshake. */
  closeIdle(): void
  /** Closes every connection. */
  closeAll(): void
}

/**
 * Options for plain and TLS connections: half-open, so that a client that has sent its request and FIN still gets the reply;
 * `handshakeTimeout` is for TLS.
 */
const connectionOptions = { allowHalfOpen: true, handshakeTimeout: phaseTimeout }

/** TLS for a server. `key` distinguishes servers that must not be shared. */
export interface HttpSecurity {
  readonly key: string
  createServer(options: typeof connectionOptions): Server
}

export function createHttpServer(handler: HttpHandler, budget: HttpBudget, security?: HttpSecurity): HttpServer {
  const connections = new Set<Connection>()
  const serve = (socket: Socket): void => {
    const connection = serveConnection(socket, handler, budget, () => connections.delete(connection))
    connections.add(connection)
  }
  const net = security ? security.createServer(connectionOptions) : createServer(connectionOptions)
  const handshakes = security ? countHandshakes(net, budget) : undefined
  net.on(security ? 'secureConnection' : 'connection', serve)
  return {
    net,
    closeIdle() {
      handshakes?.end()
      for (const connection of connections) if (connection.isIdle()) connection.destroy()
    },
    closeAll() {
      for (const connection of connections) connection.destroy()
    },
  }
}

/** Counts TLS connections as waiting during their handshake, after which they are served. */
function countHandshakes(net: Server, budget: HttpBudget): { end(): void } {
  const handshakes = new Map<string, BudgetedConnection>()
  net.on('connection', (socket: Socket) => {
    const peer = peerOf(socket)
    const handshake: BudgetedConnection = {
      client: socket.remoteAddress ?? '',
      phase: 'waiting',
      destroy: () => void socket.destroy(),
    }
    handshakes.set(peer, handshake)
    budget.add(handshake)
    socket.on('close', () => {
      budget.remove(handshake)
      // The client may have reconnected from the same port before the end of its old connection is seen here.
      if (handshakes.get(peer) === handshake) handshakes.delete(peer)
    })
  })
  net.on('secureConnection', (socket: Socket) => {
    const peer = peerOf(socket)
    const handshake = handshakes.get(peer)
    if (handshake) budget.remove(handshake)
    handshakes.delete(peer)
  })
  // Node.js leaves the underlying connection of a failed handshake open if the client has closed its half.
  net.on('tlsClientError', (_error: Error, socket: Socket) => handshakes.get(peerOf(socket))?.destroy())
  return {
    end() {
      for (const handshake of [...handshakes.values()]) handshake.destroy()
    },
  }
}

/** Identifies an open connection: a client may use one port for connections to several addresses. */
const peerOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`

interface Connection extends BudgetedConnection {
  /** It has got a reply and sent nothing since. */
  isIdle(): boolean
}

function serveConnection(socket: Socket, handler: HttpHandler, budget: HttpBudget, onClose: () => void): Connection {
  let phase: HttpPhase = 'waiting'
  /** The head so far, in latin1. */
  let head = ''
  let replies = 0
  let octets = 0
  /** Octets have arrived after the request: a body or another request. Neither is read. */
  let pipelined = false
  /** The last reply is being sent. */
  let ending = false
  let clientEnded = false
  /** For a streamed reply: called when the connection has ended. */
  let streamEnded: (() => void) | undefined
  let timer = setTimeout(destroy, phaseTimeout)
  const gone = new AbortController()

  function destroy(): void {
    release()
    socket.destroy()
  }

  function startTimer(milliseconds: number): void {
    clearTimeout(timer)
    timer = setTimeout(destroy, milliseconds)
  }

  function read(chunk: Buffer): void {
    if (streamEnded) return
    // After the last reply further input is discarded. Before it, nothing more is read.
    if (phase === 'working') {
      pipelined = true
      socket.pause()
    }
    if (phase !== 'waiting') return
    const received = head.length + chunk.length
    head += chunk.toString('latin1', 0, maxHeadOctets + 4 - head.length)
    // RFC 9112 §2.2: empty lines before a request are ignored.
    const start = /^(?:\r\n)*/.exec(head)![0].length
    const end = head.indexOf('\r\n\r\n', start)
    if (end < 0) {
      if (head.length >= maxHeadOctets) reply(textReply(431, 'the header is too long\n'), true)
      return
    }
    pipelined = received > end + 4
    const text = head.slice(start, end)
    head = ''
    take(text)
  }

  function take(text: string): void {
    try {
      const { request, persistent, length, chunked } = parseRequestHead(text)
      // Bodies are not read here, so a request with one is the last.
      answer(request, !persistent || chunked || length > 0 || ++replies >= maxReplies)
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error
      reply(textReply(error.status, `${error.message}\n`), true)
    }
  }

  function answer(request: HttpRequest, last: boolean): void {
    phase = 'working'
    clearTimeout(timer)
    const isHead = request.method === 'HEAD'
    const result = callHandler(request)
    if (!(result instanceof Promise)) reply(result, last, isHead)
    else
      result.then(
        (made) => reply(made, last, isHead),
        () => reply(textReply(500, 'internal error\n'), true, isHead),
      )
  }

  function callHandler(request: HttpRequest): HttpReply | Promise<HttpReply> {
    try {
      return handler(request, gone.signal)
    } catch {
      return textReply(500, 'internal error\n', { close: true })
    }
  }

  function reply(made: HttpReply, last: boolean, isHead = false): void {
    if (socket.destroyed) return
    if (made.stream && !isHead) {
      replyStream(made, made.stream)
      return
    }
    const close = last || pipelined || clientEnded || made.close === true || made.body.length > maxKeptReply
    phase = 'replying'
    ending = close
    if (!close) socket.pause()
    octets = isHead ? 0 : made.body.length
    startTimer(phaseTimeout)
    budget.progress(connection, octets)
    if (socket.destroyed) return
    socket.cork()
    socket.write(replyHead(made, close), 'latin1')
    if (octets > 0) socket.write(made.body)
    socket.uncork()
    if (close) endConnection()
    else socket.write('', taken)
  }

  function replyStream(made: HttpReply, begin: NonNullable<HttpReply['stream']>): void {
    socket.write(replyHead(made, true), 'latin1')
    // Reading continues, to notice the client's FIN.
    socket.resume()
    streamEnded = begin({
      send(more) {
        if (socket.destroyed || phase === 'replying') return false
        phase = 'replying'
        octets = more.length
        startTimer(streamTimeout)
        budget.progress(connection, octets)
        if (socket.destroyed) return false
        socket.write(more, (error) => {
          if (error || socket.destroyed) return
          release()
          clearTimeout(timer)
          phase = 'working'
          budget.progress(connection, 0)
        })
        return true
      },
      end: destroy,
    })
    if (clientEnded) destroy()
  }

  /** The kernel has taken the reply: the next request may be read. */
  function taken(error?: Error | null): void {
    if (error || socket.destroyed) return
    release()
    phase = 'waiting'
    budget.progress(connection, 0)
    startTimer(phaseTimeout)
    socket.resume()
  }

  function endConnection(): void {
    socket.end(() => startTimer(lingering))
    // Reading continues, to notice the client's FIN, and because unread octets would reset the connection.
    socket.resume()
  }

  function release(): void {
    budget.release(octets)
    octets = 0
  }

  const connection: Connection = {
    client: socket.remoteAddress ?? '',
    get phase() {
      return phase
    },
    isIdle: () => phase === 'waiting' && replies > 0 && head === '',
    destroy,
  }

  socket.on('data', read)
  socket.on('end', () => {
    clientEnded = true
    gone.abort()
    if (phase === 'waiting') socket.end()
    else if (streamEnded || (ending && socket.writableFinished)) destroy()
  })
  socket.on('error', destroy)
  socket.on('close', () => {
    clearTimeout(timer)
    gone.abort()
    release()
    streamEnded?.()
    budget.remove(connection)
    onClose()
  })
  budget.add(connection)
  return connection
}
