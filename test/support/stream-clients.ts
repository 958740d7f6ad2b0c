/** Clients of every transport by connections, each with one that is kept: a message goes in, its reply comes back. */
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2'
import { Agent, request as requestHttps } from 'node:https'
import { connect as connectTcp, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { decodePacket, encodePacket, grpcMethod } from '../../src/dns/grpc-packet.ts'

/** What a listener of each scheme is asked by. */
export const ways = {
  tcp: 'dns',
  tls: 'tls',
  'https by HTTP/2, GET': 'https',
  'https by HTTP/2, POST': 'https',
  'https by HTTP/1.1, GET': 'https',
  'https by HTTP/1.1, POST': 'https',
  grpc: 'grpc',
} as const

export type Way = keyof typeof ways
export const allWays = Object.keys(ways) as readonly Way[]

export interface StreamClient {
  /** Rejects when the server says nothing, or no. */
  ask(request: Uint8Array): Promise<Uint8Array>
  close(): void
}

export interface StreamClientOptions {
  readonly port: number
  /** PEM of the authority that the server's certificate is from. */
  readonly ca: string
  /** The client's own address. */
  readonly from?: string
  /** Sent before all else: a PROXY header. */
  readonly preamble?: string
}

export function streamClient(way: Way, options: StreamClientOptions): StreamClient {
  switch (way) {
    case 'tcp':
      return framedClient(() => tcpSocket(options))
    case 'tls':
      return framedClient(() => tlsSocket(options, []))
    case 'https by HTTP/1.1, GET':
    case 'https by HTTP/1.1, POST':
      return http1Client(options, way.endsWith('GET') ? 'GET' : 'POST')
    default:
      return http2Client(options, way)
  }
}

async function tcpSocket({ port, from = '127.0.0.1', preamble = '' }: StreamClientOptions): Promise<Socket> {
  const socket = connectTcp({ host: '127.0.0.1', port, localAddress: from, noDelay: true })
  await once(socket, 'connect')
  if (preamble !== '') socket.write(preamble)
  return socket
}

async function tlsSocket(options: StreamClientOptions, protocols: readonly string[]): Promise<Socket> {
  const socket = await tcpSocket(options)
  return connectTls({ socket, host: '127.0.0.1', ca: options.ca, ALPNProtocols: [...protocols] })
}

function framedClient(open: () => Promise<Socket>): StreamClient {
  let socket: Socket | undefined
  return {
    async ask(request) {
      socket ??= await open()
      socket.write(Buffer.from([request.length >> 8, request.length & 0xff, ...request]))
      let input = Buffer.alloc(0)
      while (input.length < 2 || input.length < 2 + input.readUInt16BE(0)) {
        const closed = new AbortController()
        const onClose = () => closed.abort(new Error('the connection was closed'))
        socket.once('close', onClose)
        const [octets] = await once(socket, 'data', { signal: closed.signal })
        socket.off('close', onClose)
        input = Buffer.concat([input, octets])
      }
      return input.subarray(2)
    },
    close: () => socket?.destroy(),
  }
}

const target = (request: Uint8Array): string => `/dns-query?dns=${Buffer.from(request).toString('base64url')}`
const mediaType = 'application/dns-message'

function http1Client(options: StreamClientOptions, method: 'GET' | 'POST'): StreamClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = (_options, created) => {
    tlsSocket(options, ['http/1.1']).then(
      (socket) => created?.(null, socket),
      (error) => created?.(error, new Socket()),
    )
    return undefined
  }
  const isPost = method === 'POST'
  return {
    async ask(message) {
      const asked = requestHttps({
        agent,
        method,
        host: '127.0.0.1',
        port: options.port,
        path: isPost ? '/dns-query' : target(message),
        headers: isPost ? { 'content-type': mediaType, 'content-length': message.length } : {},
      })
      asked.end(isPost ? message : undefined)
      const [response] = await once(asked, 'response')
      const body = Buffer.concat(await response.toArray())
      if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
      return body
    },
    close: () => agent.destroy(),
  }
}

function http2Client(options: StreamClientOptions, way: Way): StreamClient {
  let session: ClientHttp2Session | undefined
  async function open(): Promise<ClientHttp2Session> {
    const socket = await tlsSocket(options, ['h2'])
    const opened = connectHttp2(`https://127.0.0.1:${options.port}`, { createConnection: () => socket })
    opened.on('error', () => undefined)
    return opened
  }
  return {
    async ask(message) {
      session ??= await open()
      const [headers, body] = requestOf(way, message)
      const stream = session.request(headers, { endStream: body === undefined })
      if (body) stream.end(body)
      const [found] = await once(stream, 'response')
      const octets = Buffer.concat(await stream.toArray())
      if (found[':status'] !== 200) throw new Error(`status ${found[':status']}`)
      if (way !== 'grpc') return octets
      const packet = decodePacket(octets)
      if (packet.kind !== 'message') throw new Error(`${found['grpc-message'] ?? packet.kind}`)
      return packet.message
    },
    close: () => session?.destroy(),
  }
}

function requestOf(way: Way, message: Uint8Array): [headers: OutgoingHttpHeaders, body: Uint8Array | undefined] {
  if (way === 'grpc') {
    const headers = { ':method': 'POST', ':path': grpcMethod, 'content-type': 'application/grpc', te: 'trailers' }
    return [headers, encodePacket(message)]
  }
  if (way === 'https by HTTP/2, GET') return [{ ':method': 'GET', ':path': target(message) }, undefined]
  return [{ ':method': 'POST', ':path': '/dns-query', 'content-type': mediaType }, message]
}
