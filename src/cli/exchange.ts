/**
 * One question to one server, for the diagnostics commands. dns2 is the client where it is fit: queries over UDP for
 * records whose names are host names, when only the answers matter. It loses dots inside labels (of a SOA's mailbox,
 * say), turns TXT into UTF-8, knows neither HTTPS nor NAPTR, has no time limit over TCP and cannot reach IPv6 there;
 * all that goes through our own codec.
 */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { type Packet, type Resource, UDPClient } from 'dns2'
import { className, rcodeName, type as recordType, typeName } from '../dns/codes.ts'
import type { Message, ResourceRecord } from '../dns/message.ts'
import { queryMessage } from '../dns/query.ts'
import { rdataText } from '../dns/rdata.ts'
import { encodeMessage, parseMessage } from '../dns/wire.ts'

export interface Question {
  /** Absolute, in canonical spelling. */
  readonly name: string
  readonly type: number
}

export interface Server {
  /** An IP address. */
  readonly address: string
  readonly port: number
}

export interface ExchangeOptions {
  /** Never over UDP. Without it TCP is used only after a truncated reply. */
  readonly tcp: boolean
  /** Only the answer section is wanted: the others may be missing or inexact. */
  readonly answersOnly: boolean
  /** Milliseconds to wait for a reply, for UDP and TCP each. */
  readonly timeout: number
}

/** A record as people read it. */
export interface ShownRecord {
  readonly name: string
  readonly ttl: number
  readonly class: string
  readonly type: string
  readonly data: string
}

export interface Answer {
  readonly rcode: string
  readonly authoritative: boolean
  readonly transport: 'udp' | 'tcp'
  readonly answer: readonly ShownRecord[]
  readonly authority: readonly ShownRecord[]
  readonly additional: readonly ShownRecord[]
}

/** No usable reply came: `message` says why, for people. */
export class ExchangeError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ExchangeError'
  }
}

/** Asks, over TCP if the UDP reply is truncated. Throws ExchangeError. */
export async function exchange(question: Question, server: Server, options: ExchangeOptions): Promise<Answer> {
  if (options.tcp) return show(await askTcp(question, server, options.timeout), 'tcp')
  const reply =
    options.answersOnly && fitsDns2(question)
      ? await askWithDns2(question, server, options.timeout)
      : await askUdp(question, server, options.timeout)
  return reply ?? show(await askTcp(question, server, options.timeout), 'tcp')
}

/** Types whose names are host names, so that none of their labels can hold a dot. */
const dns2Types: ReadonlySet<number> = new Set([
  recordType.A,
  recordType.AAAA,
  recordType.NS,
  recordType.MX,
  recordType.SRV,
])

function fitsDns2({ name, type }: Question): boolean {
  return dns2Types.has(type) && !name.includes('\\')
}

/** The answer, or undefined when the reply is truncated. */
async function askWithDns2(question: Question, server: Server, timeout: number): Promise<Answer | undefined> {
  const resolve = UDPClient({
    dns: server.address,
    port: server.port,
    timeout,
    socketType: isIPv6(server.address) ? 'udp6' : 'udp4',
    // Its TCP client waits for ever.
    retryOverTCP: false,
  })
  let reply: Packet
  try {
    reply = await resolve(question.name, typeName(question.type))
  } catch (error) {
    throw new ExchangeError(reason(error, server, 'udp', timeout))
  }
  const { header } = reply
  if (header.tc) return undefined
  // It skips records that it cannot read, without a word.
  if (header.ancount !== reply.answers.length)
    throw new ExchangeError(`the reply of ${serverText(server)} is malformed`)
  const asked = reply.questions[0]
  if (asked !== undefined && absolute(asked.name).toLowerCase() !== question.name.toLowerCase())
    throw new ExchangeError(`${serverText(server)} answered another question: ${absolute(asked.name)}`)
  return {
    rcode: rcodeName(header.rcode),
    authoritative: Boolean(header.aa),
    transport: 'udp',
    answer: reply.answers.map(showDns2),
    authority: [],
    additional: [],
  }
}

function showDns2(record: Resource): ShownRecord {
  return {
    name: absolute(record.name),
    ttl: record.ttl,
    class: className(record.class),
    type: typeName(record.type),
    data: dns2Data(record),
  }
}

function dns2Data(record: Resource): string {
  switch (record.type) {
    case recordType.A:
    case recordType.AAAA:
      return record.address ?? ''
    case recordType.NS:
      return absolute(record.ns ?? '')
    case recordType.CNAME:
    case recordType.PTR:
      return absolute(record.domain ?? '')
    case recordType.MX:
      return `${record.priority} ${absolute(record.exchange ?? '')}`
    case recordType.SRV:
      return `${record.priority} ${record.weight} ${record.port} ${absolute(record.target ?? '')}`
    default: {
      // RFC 3597 §5: how a type that is not understood is written.
      const octets = Buffer.isBuffer(record.data) ? record.data : Buffer.from([record.data ?? []].flat().join(''))
      return `\\# ${octets.length} ${octets.toString('hex')}`
    }
  }
}

/** dns2's names have no closing dot. */
function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`
}

function queryOctets({ name, type }: Question, id: number): Uint8Array {
  return encodeMessage({ ...queryMessage(name, type, true), id }, { limit: 512 })
}

/** The message, if it is the reply to our question. */
function ownReply(octets: Uint8Array, id: number, question: Question): Message | undefined {
  const message = parseMessage(octets)
  const asked = message.questions[0]
  const ours = !asked || (asked.name.toLowerCase() === question.name.toLowerCase() && asked.type === question.type)
  return message.response && message.id === id && ours ? message : undefined
}

/** The answer, or undefined when the reply is truncated. Datagrams that are no reply to our question are passed over. */
function askUdp(question: Question, server: Server, timeout: number): Promise<Answer | undefined> {
  const id = randomInt(0x10000)
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
  return new Promise<Answer | undefined>((resolve, reject) => {
    const fail = (error: unknown) => reject(new ExchangeError(reason(error, server, 'udp', timeout)))
    const timer = setTimeout(() => fail(timedOut), timeout)
    socket.on('close', () => clearTimeout(timer))
    socket.on('error', fail)
    socket.on('message', (octets) => {
      try {
        const reply = ownReply(octets, id, question)
        if (reply !== undefined) resolve(reply.truncated ? undefined : show(reply, 'udp'))
      } catch {
        reject(new ExchangeError(`the reply of ${serverText(server)} is malformed`))
      }
    })
    // A connected socket takes datagrams from this server only, and hears that its port is closed.
    socket.connect(server.port, server.address, () => socket.send(queryOctets(question, id)))
  }).finally(() => socket.close())
}

/** RFC 1035 §4.2.2: each message behind its length in two octets. */
function askTcp(question: Question, server: Server, timeout: number): Promise<Message> {
  const id = randomInt(0x10000)
  const socket = connect(server.port, server.address)
  let received = Buffer.alloc(0)
  return new Promise<Message>((resolve, reject) => {
    const fail = (error: unknown) => reject(new ExchangeError(reason(error, server, 'tcp', timeout)))
    const timer = setTimeout(() => fail(timedOut), timeout)
    socket.on('close', () => {
      clearTimeout(timer)
      reject(new ExchangeError(`${serverText(server)} closed the connection without a reply`))
    })
    socket.on('error', fail)
    socket.on('connect', () => {
      const query = queryOctets(question, id)
      socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 0xff]), query]))
    })
    socket.on('data', (octets: Buffer) => {
      received = Buffer.concat([received, octets])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      try {
        const reply = ownReply(received.subarray(2, 2 + received.readUInt16BE(0)), id, question)
        if (reply) resolve(reply)
        else reject(new ExchangeError(`${serverText(server)} answered another question`))
      } catch {
        reject(new ExchangeError(`the reply of ${serverText(server)} is malformed`))
      }
    })
  }).finally(() => socket.destroy())
}

function show(message: Message, transport: 'udp' | 'tcp'): Answer {
  return {
    rcode: rcodeName(message.rcode),
    authoritative: message.authoritative,
    transport,
    answer: message.answer.map(showRecord),
    authority: message.authority.map(showRecord),
    additional: message.additional.map(showRecord),
  }
}

function showRecord(record: ResourceRecord): ShownRecord {
  return {
    name: record.name,
    ttl: record.ttl,
    class: className(record.class),
    type: typeName(record.type),
    data: rdataText(record.type, record.rdata),
  }
}

/** An error code of our own, in the manner of the system's. */
const timedOut = { code: 'ETIMEDOUT' }

function reason(error: unknown, server: Server, transport: string, timeout: number): string {
  const { code, message } = error as { code?: string; message?: string }
  const place = `${serverText(server)} over ${transport}`
  if (code === 'ETIMEDOUT') return `no reply from ${place} within ${timeout} ms`
  if (code === 'ECONNREFUSED') return `nothing listens at ${place} (connection refused)`
  if (code === 'ENETUNREACH' || code === 'EHOSTUNREACH') return `${place} cannot be reached: no route to it`
  return `cannot ask ${place}: ${message ?? code ?? error}`
}

export function serverText({ address, port }: Server): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`
}
