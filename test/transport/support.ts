/** A transport on free ports with a scripted responder, and clients of its real sockets. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Ingress, Listener, MissHandler } from '../../src/server/ingress.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { createTransport, type TransportOptions } from '../../src/transport/index.ts'
import { freePort } from '../support/ports.ts'
import { createResponder } from './fake-responder.ts'

export interface Bench {
  readonly transport: Ingress
  readonly port: number
  /** What was logged, a line each. */
  readonly log: readonly string[]
  /** The value of a metric without labels. */
  metric(name: string): Promise<number>
  listener(changes?: Partial<Listener>): Listener
  /** Readers of the table that are not released. */
  readers(): number
  /** From here on a thread that is asked `hold` stands still; `release` lets it go on. */
  hold(): { release(): void }
}

export const servfail: MissHandler = ({ request }) => rcodeReply(request, 2)

/** The request with QR and the rcode. */
export function rcodeReply(request: Uint8Array, rcode: number): Uint8Array {
  const reply = Uint8Array.from(request)
  reply[2]! |= 0x80
  reply[3] = (reply[3]! & 0xf0) | rcode
  return reply
}

const minute = 60_000

/** By the real clock a busy machine must not close a connection that a test is about to use. */
export const patient = { tcpRead: minute, tcpIdle: minute, tcpWrite: minute }

/** Runs `test` with a transport that is closed after it. Without a clock of its own it is patient. */
export async function withTransport(
  options: Partial<TransportOptions>,
  test: (bench: Bench) => Promise<void>,
): Promise<void> {
  const log: string[] = []
  const write = (level: string) => (text: string) => void log.push(`${level} ${text}`)
  const logger = {
    debug: write('debug'),
    info: write('info'),
    warning: write('warning'),
    error: write('error'),
    plugin: () => logger,
  }
  const metrics = createMetrics()
  let slots = 0
  let readers = 0
  const addReader = () => {
    readers++
    let open = true
    return {
      slot: slots++,
      release() {
        if (open) readers--
        open = false
      },
    }
  }
  const memory = new SharedArrayBuffer(8)
  const transport = createTransport({
    table: { memory, counters: new SharedArrayBuffer(8), sketches: new SharedArrayBuffer(8) },
    addReader,
    onMiss: servfail,
    onAnswered: () => true,
    onRelayed: () => undefined,
    log: logger,
    metrics,
    responder: { module: new URL('./fake-responder.ts', import.meta.url).href, create: createResponder },
    ...options,
    limits: { ...(options.clock === undefined && patient), ...options.limits },
  })
  const port = await freePort()
  try {
    await test({
      transport,
      port,
      log,
      async metric(name) {
        const line = (await metrics.text()).split('\n').find((text) => text.startsWith(`${name} `))
        return Number(line?.split(' ')[1])
      },
      listener: (changes) => ({ scheme: 'dns', address: '127.0.0.1', port, space: 1, shards: 1, ...changes }),
      readers: () => readers,
      hold() {
        const gate = new Int32Array(memory)
        Atomics.store(gate, 0, 1)
        return {
          release() {
            Atomics.store(gate, 0, 0)
            Atomics.notify(gate, 0)
          },
        }
      },
    })
  } finally {
    await transport.close()
  }
}

/** A port that nobody had a moment ago, for both protocols. */
/** A query for `label.example.` A. */
export function query(label: string, id = Math.floor(Math.random() * 65536)): Uint8Array {
  const name = [label, 'example'].flatMap((part) => [part.length, ...Buffer.from(part)])
  return Uint8Array.of(id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 0, 1, 0, 1)
}

export interface Reply {
  readonly id: number
  readonly rcode: number
  readonly truncated: boolean
  /** The space the answer came from, and the reader that gave it; undefined without an answer record. */
  readonly space: number | undefined
  readonly slot: number | undefined
  readonly octets: Uint8Array
}

export function readReply(octets: Uint8Array): Reply {
  const answered = octets[7] === 1
  return {
    id: (octets[0]! << 8) | octets[1]!,
    rcode: octets[3]! & 15,
    truncated: (octets[2]! & 2) !== 0,
    space: answered ? octets.at(-2) : undefined,
    slot: answered ? octets.at(-1) : undefined,
    octets,
  }
}

export interface UdpClient {
  ask(label: string): Promise<Reply>
  send(octets: Uint8Array): void
  /** Resolves with the next reply, in the order of arrival. */
  next(): Promise<Reply>
  close(): void
}

/** A connected socket: it hears replies from the address and port that it asks, and from no other. */
export async function udpClient(address: string, port: number): Promise<UdpClient> {
  const socket: UdpSocket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.connect(port, address)
  await once(socket, 'connect')
  const replies: Reply[] = []
  const waiting: ((reply: Reply) => void)[] = []
  socket.on('message', (octets) => {
    const reply = readReply(octets)
    const resolve = waiting.shift()
    if (resolve === undefined) replies.push(reply)
    else resolve(reply)
  })
  socket.on('error', () => undefined)
  const next = () => {
    const reply = replies.shift()
    return reply === undefined ? new Promise<Reply>((resolve) => waiting.push(resolve)) : Promise.resolve(reply)
  }
  return {
    ask(label) {
      socket.send(query(label))
      return next()
    },
    send: (octets) => socket.send(octets),
    next,
    close: () => socket.close(),
  }
}

/** One question over UDP, from a socket of its own. */
export async function askUdp(address: string, port: number, label: string): Promise<Reply> {
  const client = await udpClient(address, port)
  try {
    return await client.ask(label)
  } finally {
    client.close()
  }
}

export interface TcpClient {
  readonly socket: Socket
  write(...octets: Uint8Array[]): void
  next(): Promise<Reply>
  /** Resolves when the server has ended the connection, with how many replies came unread. */
  ended: Promise<void>
  close(): void
}

export async function tcpClient(address: string, port: number): Promise<TcpClient> {
  const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true })
  const client = streamClient(socket)
  await once(socket, 'connect')
  return client
}

/** DNS over a connection that somebody has opened. */
export function streamClient(socket: Socket): TcpClient {
  const replies: Reply[] = []
  const waiting: ((reply: Reply) => void)[] = []
  let input = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    input = Buffer.concat([input, chunk])
    while (input.length >= 2 && input.length >= 2 + input.readUInt16BE(0)) {
      const end = 2 + input.readUInt16BE(0)
      const reply = readReply(Uint8Array.from(input.subarray(2, end)))
      input = input.subarray(end)
      const resolve = waiting.shift()
      if (resolve === undefined) replies.push(reply)
      else resolve(reply)
    }
  })
  const ended = new Promise<void>((resolve) => {
    socket.on('end', resolve)
    socket.on('close', () => resolve())
  })
  socket.on('error', () => undefined)
  return {
    socket,
    write: (...octets) => void socket.write(Buffer.concat(octets)),
    next() {
      const reply = replies.shift()
      return reply === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(reply)
    },
    ended,
    close: () => socket.destroy(),
  }
}

/** The message behind its length. */
export function frame(message: Uint8Array): Uint8Array {
  return Uint8Array.of(message.length >> 8, message.length & 0xff, ...message)
}
