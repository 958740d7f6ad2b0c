/**
 * An HTTP/1 server for probes and scrapers that clients cannot make hold memory. A connection has one request at a time:
 * while one is answered nothing is read, and what came behind it (pipelining) is not answered. A reply is made only when
 * the reply before it is taken, and a large one ends its connection. Node's own server parses every request that a packet
 * holds and answers all of them at once: 1.3 MB of requests took 1.7 GiB.
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

/** Answers a request. `signal` is aborted when the client has closed the connection, or its half: work may end then. */
export type HttpHandler = (request: HttpRequest, signal: AbortSignal) => HttpReply | Promise<HttpReply>

const second = 1_000
/** As CoreDNS: a request must be in, and a reply taken, within 5 s. */
const phaseTimeout = 5 * second
/** A page on a slow line takes the octets of an event within this. */
const streamTimeout = 15 * second
/** How long a client may go on sending after its last reply: to close at once would reset the connection under it. */
const lingering = 1 * second
/** Larger replies end their connection: what the kernel holds of one is then known to be taken when the client closes. */
const maxKeptReply = 4 << 10
/** Replies on one connection: the kernel holds some of them for a client that does not read. */
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
 * Of every server of connections: half-open, so that a client that has sent its request and its FIN still gets the reply;
 * `handshakeTimeout` is for TLS servers.
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

/** A TLS connection is handed over after its handshake; until then it counts as one that waits. */
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
      // The client may have come back from the same port, before the end of its old connection is seen here.
      if (handshakes.get(peer) === handshake) handshakes.delete(peer)
    })
  })
  net.on('secureConnection', (socket: Socket) => {
    const peer = peerOf(socket)
    const handshake = handshakes.get(peer)
    if (handshake) budget.remove(handshake)
    handshakes.delete(peer)
  })
  // Node.js leaves the connection below a failed handshake open where the client has closed its half.
  net.on('tlsClientError', (_error: Error, socket: Socket) => handshakes.get(peerOf(socket))?.destroy())
  return {
    end() {
      for (const handshake of [...handshakes.values()]) handshake.destroy()
    },
  }
}

/** What no other open connection has: a client may use one port for connections to several addresses. */
const peerOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`

interface Connection extends BudgetedConnection {
  /** It has had a reply and sent nothing since. */
  isIdle(): boolean
}

function serveConnection(socket: Socket, handler: HttpHandler, budget: HttpBudget, onClose: () => void): Connection {
  let phase: HttpPhase = 'waiting'
  /** The head so far, in latin1. */
  let head = ''
  let replies = 0
  let octets = 0
  /** Octets have come behind the request. They are a body or another request; neither is read. */
  let pipelined = false
  /** The last reply is under way. */
  let ending = false
  let clientEnded = false
  /** Of a reply that goes on: called when the connection is gone. */
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
    // After the last reply, what the client still sends is discarded. Before it, nothing more is read.
    if (phase === 'working') {
      pipelined = true
      socket.pause()
    }
    if (phase !== 'waiting') return
    const received = head.length + chunk.length
    head += chunk.toString('latin1', 0, maxHeadOctets + 4 - head.length)
    // RFC 9112 §2.2: empty lines in front of a request are ignored.
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
      // Nothing here reads a body.
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
    // The FIN of a client that has gone must be seen.
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

  /** The kernel has the reply: the next request may come. */
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
    // The client's FIN must be seen, and unread octets would reset the connection under the reply.
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
