/**
 * A client that sends datagrams of its making, and holds every reply against what was sent: who gets no reply, who gets
 * one and no more, and what must be true of it.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { recordText } from '../../src/dns/rdata.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import { until } from '../support/until.ts'
import { plainQuery } from './datagrams.ts'

export interface Good {
  readonly name: string
  readonly type: number
  readonly rcode: number
  /** Text of the answer section's last record from its type on; undefined when there is none. */
  readonly last: string | undefined
}

export interface Conversation {
  /** Sends it under an ID that nobody waits for. Above 11 octets and without QR it is expected to be answered. */
  send(datagram: Buffer): void
  /** Sends a good query; resolves when its reply is here, rejects when that is another than it should be. */
  ask(good: Good): Promise<void>
  /** Waits until everything that deserves a reply has one. */
  settled(): Promise<void>
  /** What was wrong with replies; the first few. */
  readonly failures: readonly string[]
  readonly counts: { sent: number; deserving: number; replies: number; good: number; rcodes: Map<number, number> }
  close(): void
}

interface Sent {
  readonly octets: Buffer
  readonly onReply: ((reply: Buffer) => void) | undefined
}

/** `look` is shown each reply to a hostile datagram. */
export async function converse(port: number, look: (reply: Buffer) => void): Promise<Conversation> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 })
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const waiting = new Map<number, Sent>()
  const failures: string[] = []
  const counts = { sent: 0, deserving: 0, replies: 0, good: 0, rcodes: new Map<number, number>() }
  let id = 0

  const fail = (what: string, reply: Buffer, sent: Buffer | undefined) => {
    if (failures.length < 20)
      failures.push(`${what}\n  sent  ${sent?.toString('hex')}\n  reply ${reply.toString('hex')}`)
  }

  socket.on('error', (error) => failures.push(`the client's socket: ${error.message}`))
  socket.on('message', (reply) => {
    counts.replies++
    const sent = reply.length >= 2 ? waiting.get(reply.readUInt16BE(0)) : undefined
    if (!sent) return fail('nobody waits for this reply', reply, undefined)
    waiting.delete(reply.readUInt16BE(0))
    const wrong = faultOf(reply, sent.octets)
    if (wrong) fail(wrong, reply, sent.octets)
    counts.rcodes.set(reply[3]! & 15, (counts.rcodes.get(reply[3]! & 15) ?? 0) + 1)
    if (sent.onReply) sent.onReply(reply)
    else look(reply)
  })

  function sendAs(octets: Buffer, onReply?: (reply: Buffer) => void): void {
    do id = (id + 1) & 0xffff
    while (waiting.has(id))
    if (octets.length >= 2) octets.writeUInt16BE(id, 0)
    if (octets.length >= 12 && !(octets[2]! & 0x80)) {
      counts.deserving++
      waiting.set(id, { octets, onReply })
    }
    counts.sent++
    socket.send(octets)
  }

  return {
    failures,
    counts,
    send: (datagram) => sendAs(datagram),
    ask: (good) =>
      new Promise((resolve, reject) => {
        sendAs(plainQuery(0, good.name, good.type), (reply) => {
          const { rcode, answer } = parseMessage(reply)
          const last = answer.length > 0 ? recordText(answer.at(-1)!).split(/\s+/).slice(3).join(' ') : undefined
          counts.good++
          if (rcode === good.rcode && last === good.last) resolve()
          else
            reject(
              new Error(`${good.name} ${good.type}: rcode ${rcode}, ${last}; expected ${good.rcode}, ${good.last}`),
            )
        })
      }),
    settled: () =>
      until(
        () => {
          const [first] = waiting.values()
          if (first) throw new Error(`${waiting.size} without a reply, such as ${first.octets.toString('hex')}`)
        },
        { within: 20_000 },
      ),
    close: () => socket.close(),
  }
}

/** What is wrong with a reply, or undefined. */
function faultOf(reply: Buffer, sent: Buffer): string | undefined {
  if (!(reply[2]! & 0x80)) return 'QR is not set'
  const operation = (reply[2]! >> 3) & 15
  const code = reply[3]! & 15
  if (operation !== ((sent[2]! >> 3) & 15) && !(operation === 0 && code === 1)) return 'the opcode is another'
  if (reply[2]! & 0x02 && !(sent[2]! & 0x02) && reply.readUInt16BE(4) === 0) return 'TC without a question'
  try {
    parseMessage(reply)
  } catch (error) {
    return `not to be parsed: ${(error as Error).message}`
  }
  const limit = limitOf(sent)
  if (reply.length > limit) return `${reply.length} octets, where the client takes ${limit}`
  return undefined
}

/** RFC 6891 §6.2.3: what the client advertises, at least 512. What it sends past 4,096 octets we do not read. */
function limitOf(sent: Buffer): number {
  try {
    return Math.max(512, parseMessage(sent.subarray(0, 4096)).edns?.payloadSize ?? 0)
  } catch {
    return 512
  }
}
