/** A DNS server on loopback, UDP and TCP (or TLS), that does what a test's script says: late, wrong, or not at all. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import type { Message } from '../../src/dns/message.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { type ReplyParts, replyTo } from '../../src/dns/reply.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import { freePort } from './ports.ts'

/** A question that has arrived, and what may be done about it. Doing nothing is silence. */
export interface Arrived {
  readonly query: Message
  readonly via: 'udp' | 'tcp'
  /** The port that it came from. */
  readonly port: number
  /** Sends a reply of its question, with these parts. */
  reply(parts?: ReplyParts, change?: Partial<Message>): void
  /** Sends these octets. */
  send(bytes: Uint8Array): void
  /** TCP: sends these octets without a length before them. */
  sendRaw(bytes: Uint8Array): void
  /** TCP: closes the connection when all is sent. */
  hangUp(): void
}

export interface ScriptedUpstream {
  readonly port: number
  /** `127.0.0.1:PORT` */
  readonly to: string
  /** All that has arrived, in order. Health checks (`. NS`) are kept apart. */
  readonly arrived: Arrived[]
  readonly checks: Arrived[]
  /** TCP connections accepted so far. */
  readonly connections: () => number
  /** Closes the TCP connections that are open. */
  dropConnections(): void
  /** What it does from now on. */
  script: Script
  close(): Promise<void>
}

export type Script = (arrived: Arrived) => void

/** Answers every question with an A record of its name. */
export const answering =
  (address = '192.0.2.1', ttl = 300): Script =>
  ({ query, reply }) =>
    reply(
      { answer: [{ ...parseRecord(`x. ${ttl} IN A ${address}`), name: query.questions[0].name }] },
      { recursionAvailable: true },
    )

export const silent: Script = () => undefined

/** Octets: thousands of questions at once. */
const receiveBuffer = 4 << 20

export async function startUpstream(
  script: Script = answering(),
  settings: { readonly tls?: TlsOptions; readonly port?: number } = {},
): Promise<ScriptedUpstream> {
  const port = settings.port ?? (await freePort())
  // As a resolver has it: a server that asks anew what it has under way does so all at once.
  const udp = createSocket({ type: 'udp4', recvBufferSize: receiveBuffer })
  const open = new Set<Socket>()
  let connections = 0
  const upstream: ScriptedUpstream = {
    port,
    to: `127.0.0.1:${port}`,
    arrived: [],
    checks: [],
    connections: () => connections,
    dropConnections() {
      for (const socket of open) socket.destroy()
    },
    script,
    async close() {
      for (const socket of open) socket.destroy()
      udp.close()
      tcp.close()
      await once(tcp, 'close')
    },
  }

  function arrive(
    bytes: Uint8Array,
    via: 'udp' | 'tcp',
    from: number,
    send: (reply: Uint8Array) => void,
    socket?: Socket,
  ) {
    const query = parseMessage(bytes)
    const arrived: Arrived = {
      query,
      via,
      port: from,
      send,
      reply: (parts, change) => send(encodeMessage({ ...replyTo(query, parts), ...change }, { limit: 0xffff })),
      sendRaw: (bytes) => void socket?.write(bytes),
      hangUp: () => socket?.destroySoon(),
    }
    const [{ name, type }] = query.questions
    ;(name === '.' && type === 2 ? upstream.checks : upstream.arrived).push(arrived)
    upstream.script(arrived)
  }

  const serve = (socket: Socket): void => {
    connections++
    open.add(socket)
    let received = Buffer.alloc(0)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0)
        const message = received.subarray(2, end)
        received = received.subarray(end)
        const send = (reply: Uint8Array) =>
          void socket.write(Buffer.concat([Buffer.of(reply.length >> 8, reply.length & 0xff), reply]))
        arrive(message, 'tcp', socket.remotePort ?? 0, send, socket)
      }
    })
  }
  const tcp = settings.tls ? createTlsServer(settings.tls, serve) : createServer(serve)
  udp.on('message', (bytes, from) =>
    arrive(bytes, 'udp', from.port, (reply) => udp.send(reply, from.port, from.address)),
  )
  tcp.listen(port, '127.0.0.1')
  udp.bind(port, '127.0.0.1')
  await Promise.all([once(tcp, 'listening'), once(udp, 'listening')])
  return upstream
}
