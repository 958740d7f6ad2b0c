/** The relay's own thread (relay.ts). */
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'
import { type RelayedWay, type RelaySettings, relayedWays } from './relay.ts'
import { type HttpRequest, overGrpc, overHttps } from './relayed-requests.ts'

const { listens, server }: RelaySettings = workerData

/** To the server from the address of the client. */
function connectFor(client: Socket, way: RelayedWay): TLSSocket {
  const from = client.remoteAddress!
  return connectTls({
    socket: connect({
      host: from.includes(':') ? '::1' : '127.0.0.1',
      port: server[way],
      localAddress: from,
      allowHalfOpen: true,
      noDelay: true,
    }),
    ALPNProtocols: way === 'dot' ? ['dot'] : ['h2'],
    // The flood asks for no proof.
    rejectUnauthorized: false,
  })
}

/** The octets as they are; each end that is seen on one side is one on the other. */
function relayTls(client: Socket): void {
  const up = connectFor(client, 'dot')
  client.pipe(up)
  up.pipe(client)
  client.on('error', () => up.destroy())
  up.on('error', () => client.destroy())
  client.on('close', () => up.destroy())
}

/** Each message is a request; the responses go back as they come. */
function relayRequests(client: Socket, way: 'https' | 'grpc'): void {
  const session = connectHttp2('https://flooded.test', { createConnection: () => connectFor(client, way) })
  const make = way === 'https' ? overHttps : overGrpc
  let pending: Buffer = Buffer.alloc(0)
  let waiting = 0
  let isOver = false
  const endWhenAnswered = () => {
    if (!isOver || waiting > 0) return
    session.close()
    client.end()
  }
  client.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const message = pending.subarray(2, 2 + pending.readUInt16BE(0))
      pending = pending.subarray(2 + message.length)
      waiting++
      ask(session, make(message), (answer) => {
        waiting--
        // Without an ID nobody waits for it.
        if (message.length >= 2 && !client.destroyed) client.write(frame(answerOf(message, answer)))
        endWhenAnswered()
      })
    }
  })
  client.on('end', () => {
    isOver = true
    endWhenAnswered()
  })
  client.on('error', () => session.destroy())
  client.on('close', () => session.destroy())
  session.on('error', () => client.destroy())
  session.on('close', () => client.destroySoon())
}

interface Answer {
  readonly status: number
  readonly message: Buffer | undefined
}

/** A stream that ends without a response, or in the middle of it, takes its connection with it. */
function ask(session: ClientHttp2Session, request: HttpRequest, answered: (answer: Answer) => void): void {
  if (session.destroyed || session.closed) return
  const stream = session.request(request.headers)
  const parts: Buffer[] = []
  let status: number | undefined
  stream.on('response', (headers) => {
    status = request.statusOf(headers)
  })
  stream.on('data', (part: Buffer) => parts.push(part))
  stream.on('end', () => {
    if (status !== undefined) answered({ status, message: request.messageOf(status, Buffer.concat(parts)) })
  })
  stream.on('error', () => session.destroy())
  stream.end(request.body)
}

/** What the flood has for a response without a reply: ID and status. One with another ID than its request's is nobody's. */
function answerOf(message: Buffer, { status, message: reply }: Answer): Buffer {
  const isOwn = reply?.subarray(0, 2).equals(message.subarray(0, 2))
  if (reply && isOwn) return reply
  const told = Buffer.alloc(4)
  message.copy(told, 0, 0, 2)
  told.writeUInt16BE(reply ? 0xffff : status, 2)
  return told
}

function frame(message: Buffer): Buffer {
  const framed = Buffer.alloc(2 + message.length)
  framed.writeUInt16BE(message.length)
  message.copy(framed, 2)
  return framed
}

async function listen(way: RelayedWay, address: string): Promise<Server> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    // Gone already.
    if (client.remoteAddress === undefined) client.destroy()
    else if (way === 'dot') relayTls(client)
    else relayRequests(client, way)
  })
  listener.listen(listens[way], address)
  await once(listener, 'listening')
  return listener
}

await Promise.all(relayedWays.flatMap((way) => ['127.0.0.1', '::1'].map((address) => listen(way, address))))
parentPort!.postMessage('listens')
