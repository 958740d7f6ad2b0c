/** The DNS client of the diagnostics commands: one question to one server over UDP or TCP. */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Message } from '../dns/message.ts'
import { queryMessage } from '../dns/query.ts'
import { encodeMessage, parseMessage } from '../dns/wire.ts'
import { type Answer, type Question, type Server, serverText, showMessage } from './answer.ts'
import { fitsDns2, parseWithDns2 } from './dns2-codec.ts'

export interface LookupOptions {
  /** TCP only. Otherwise UDP, and TCP after a truncated reply. */
  readonly tcp: boolean
  /** The caller uses the answer section only; the others may be missing from the result. */
  readonly answersOnly: boolean
  /** Milliseconds to wait for a reply, for UDP and TCP each. */
  readonly timeout: number
}

/** The lookup failed without a usable reply; `message` is for people. */
export class LookupError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'LookupError'
  }
}

/** Asks one question. Rejects with LookupError. */
export async function lookUp(question: Question, server: Server, options: LookupOptions): Promise<Answer> {
  if (!options.tcp) {
    const decode = options.answersOnly && fitsDns2(question) ? parseWithDns2 : parseOwn
    const reply = await askUdp(question, server, options.timeout, decode)
    if (!reply.truncated) return reply.answer
  }
  return showMessage(await askTcp(question, server, options.timeout), 'tcp')
}

interface Reply {
  readonly response: boolean
  readonly id: number
  readonly question: Question | undefined
  readonly truncated: boolean
  readonly answer: Answer
}

function parseOwn(octets: Buffer): Reply {
  const message = parseMessage(octets)
  const { response, id, questions, truncated } = message
  return { response, id, question: questions[0], truncated, answer: showMessage(message, 'udp') }
}

function queryOctets({ name, type }: Question, id: number): Uint8Array {
  return encodeMessage({ ...queryMessage(name, type, true), id }, { limit: 512 })
}

function isReplyTo(question: Question, id: number, reply: Pick<Reply, 'response' | 'id' | 'question'>): boolean {
  const asked = reply.question
  const same = !asked || (asked.name.toLowerCase() === question.name.toLowerCase() && asked.type === question.type)
  return reply.response && reply.id === id && same
}

/** Ignores datagrams that are not a reply to this question. */
function askUdp(question: Question, server: Server, timeout: number, decode: (octets: Buffer) => Reply) {
  const id = randomInt(0x10000)
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
  return new Promise<Reply>((resolve, reject) => {
    const fail = (error: unknown) => reject(new LookupError(reason(error, server, 'udp', timeout)))
    const timer = setTimeout(() => fail(timedOut), timeout)
    socket.on('close', () => clearTimeout(timer))
    socket.on('error', fail)
    socket.on('message', (octets) => {
      try {
        const reply = decode(octets)
        if (isReplyTo(question, id, reply)) resolve(reply)
      } catch {
        reject(malformed(server))
      }
    })
    // A connected socket receives from this server only, and reports ECONNREFUSED if nothing listens there.
    socket.connect(server.port, server.address, () => socket.send(queryOctets(question, id)))
  }).finally(() => socket.close())
}

/** RFC 1035 §4.2.2: each message follows its length in two octets. */
function askTcp(question: Question, server: Server, timeout: number): Promise<Message> {
  const id = randomInt(0x10000)
  const socket = connect(server.port, server.address)
  let received = Buffer.alloc(0)
  return new Promise<Message>((resolve, reject) => {
    const fail = (error: unknown) => reject(new LookupError(reason(error, server, 'tcp', timeout)))
    const timer = setTimeout(() => fail(timedOut), timeout)
    socket.on('close', () => {
      clearTimeout(timer)
      reject(new LookupError(`${serverText(server)} closed the connection without a reply`))
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
        const message = parseMessage(received.subarray(2, 2 + received.readUInt16BE(0)))
        if (isReplyTo(question, id, { ...message, question: message.questions[0] })) resolve(message)
        else reject(new LookupError(`${serverText(server)} answered another question`))
      } catch {
        reject(malformed(server))
      }
    })
  }).finally(() => socket.destroy())
}

function malformed(server: Server): LookupError {
  return new LookupError(`the reply of ${serverText(server)} is malformed`)
}

/** A timeout in the form of a system error. */
const timedOut = { code: 'ETIMEDOUT' }

function reason(error: unknown, server: Server, transport: string, timeout: number): string {
  const { code, message } = error as { code?: string; message?: string }
  const target = `${serverText(server)} over ${transport}`
  if (code === 'ETIMEDOUT') return `no reply from ${target} within ${timeout} ms`
  if (code === 'ECONNREFUSED') return `nothing listens at ${target} (connection refused)`
  if (code === 'ENETUNREACH' || code === 'EHOSTUNREACH') return `no route to ${target}`
  return `cannot ask ${target}: ${message ?? code ?? error}`
}
