/** A dnstap reader: Frame Streams and protocol buffers, read without any code of ours. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import {
  type ConnectionOptions,
  connect as connectTls,
  createServer as createTlsServer,
  type TlsOptions,
} from 'node:tls'
import { PbfReader } from 'pbf'

/** A message with the names of dnstap.proto. Octets are hex, addresses too. */
export type Tapped = Readonly<Record<string, string | number>>

const messageFields: Readonly<Record<number, string>> = {
  1: 'type',
  2: 'socket_family',
  3: 'socket_protocol',
  4: 'query_address',
  5: 'response_address',
  6: 'query_port',
  7: 'response_port',
  8: 'query_time_sec',
  9: 'query_time_nsec',
  10: 'query_message',
  11: 'query_zone',
  12: 'response_time_sec',
  13: 'response_time_nsec',
  14: 'response_message',
}
const outerFields: Readonly<Record<number, string>> = { 1: 'identity', 2: 'version', 3: 'extra', 15: 'outer_type' }
const types = [
  '',
  'AUTH_QUERY',
  'AUTH_RESPONSE',
  'RESOLVER_QUERY',
  'RESOLVER_RESPONSE',
  'CLIENT_QUERY',
  'CLIENT_RESPONSE',
]
const later = ['FORWARDER_QUERY', 'FORWARDER_RESPONSE']

export function decode(octets: Uint8Array): Tapped {
  const tapped: Record<string, string | number> = {}
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
  new PbfReader(octets).readFields((tag, _, pbf) => {
    if (tag in outerFields) tapped[outerFields[tag]!] = tag === 15 ? pbf!.readVarint() : text(pbf!.readBytes())
    else if (tag === 14)
      new PbfReader(pbf!.readBytes()).readFields((field, _inner, inner) => {
        const name = messageFields[field] ?? `field ${field}`
        const isOctets = [4, 5, 10, 11, 14].includes(field)
        if (isOctets) tapped[name] = Buffer.from(inner!.readBytes()).toString('hex')
        else tapped[name] = field === 9 || field === 13 ? inner!.readFixed32() : inner!.readVarint()
      }, undefined)
  }, undefined)
  tapped.type = [...types, ...later][Number(tapped.type)] ?? 'unknown'
  return tapped
}

export interface Reader {
  readonly messages: Tapped[]
  /** Types of the control frames, in order; the content type behind those that have one. */
  readonly controls: string[]
  /** Connections so far. */
  readonly connections: Socket[]
  isResumed: boolean
  /** Stops and starts to take what comes. */
  pause(): void
  resume(): void
  close(): Promise<void>
}

const contentType = Buffer.from('protobuf:dnstap.Dnstap')

function control(type: number, content?: Buffer): Buffer {
  const field = content === undefined ? Buffer.alloc(0) : Buffer.concat([u32(1), u32(content.length), content])
  return Buffer.concat([u32(0), u32(4 + field.length), u32(type), field])
}

function u32(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}

interface ReaderOptions {
  readonly tls?: TlsOptions
  /** What it accepts, if anything. */
  readonly accepts?: string | undefined
  /** It takes nothing after a handshake, until it is resumed. */
  readonly stuck?: boolean
}

/** Reads one connection until it ends. */
function read(
  socket: Socket,
  reader: Reader,
  { accepts = contentType.toString(), stuck = false }: ReaderOptions,
): void {
  let input = Buffer.alloc(0)
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    input = Buffer.concat([input, chunk])
    while (input.length >= 8) {
      const length = input.readUInt32BE(0)
      const isControl = length === 0
      const end = isControl ? 8 + input.readUInt32BE(4) : 4 + length
      if (input.length < end) return
      if (isControl) obey(input.readUInt32BE(8), input.subarray(20, end).toString())
      else reader.messages.push(decode(input.subarray(4, end)))
      input = input.subarray(end)
    }
  })
  function obey(type: number, content: string): void {
    reader.controls.push([type, content].filter(Boolean).join(' '))
    if (type === 4) socket.write(control(1, Buffer.from(accepts)))
    if (type === 2 && stuck && !reader.isResumed) socket.pause()
    if (type === 3) socket.end(control(5))
  }
}

function emptyReader(close: (reader: Reader) => Promise<void>): Reader {
  const reader: Reader = {
    messages: [],
    controls: [],
    connections: [],
    isResumed: false,
    pause: () => reader.connections.forEach((socket) => void socket.pause()),
    resume() {
      reader.isResumed = true
      for (const socket of reader.connections) socket.resume()
    },
    close: () => close(reader),
  }
  return reader
}

/** A sink at a path or port. */
export async function startReader(at: string | number, options: ReaderOptions = {}): Promise<Reader> {
  const reader = emptyReader(async ({ connections }) => {
    for (const socket of connections) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const accept = (socket: Socket) => {
    reader.connections.push(socket)
    read(socket, reader, options)
  }
  const server: Server = options.tls ? createTlsServer(options.tls, accept) : createServer(accept)
  server.listen(typeof at === 'string' ? { path: at } : { port: at, host: '127.0.0.1' })
  await once(server, 'listening')
  return reader
}

/** A sink that connects to a path or port. */
export async function connectReader(
  at: string | number,
  options: ReaderOptions & { readonly connectTls?: ConnectionOptions } = {},
): Promise<Reader> {
  const reader = emptyReader(async () => void socket.destroy())
  const socket = options.connectTls
    ? connectTls({ ...options.connectTls, host: '127.0.0.1', port: Number(at) })
    : typeof at === 'string'
      ? connect(at)
      : connect(at, '127.0.0.1')
  reader.connections.push(socket)
  read(socket, reader, options)
  await once(socket, options.connectTls ? 'secureConnect' : 'connect')
  return reader
}
