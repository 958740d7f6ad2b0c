/** Two recordings of the flood, of slicedns and of CoreDNS: what is answered in another way, and which of that is meant. */
import { readFileSync } from 'node:fs'
import { typeNumber } from '../../../src/dns/codes.ts'
import { layoutOf } from '../../../src/dns/layout.ts'
import type { Message } from '../../../src/dns/message.ts'
import { lowerName } from '../../../src/dns/name.ts'
import { parseMessage } from '../../../src/dns/wire.ts'
import { canonicalMessage } from '../../conformance/compare.ts'

interface Exchange {
  readonly packet: Buffer
  /** Undefined: none came. */
  readonly reply: Buffer | undefined
}

/** By the packet's number. */
export function readRecording(file: string): Map<bigint, Exchange> {
  const octets = readFileSync(file)
  const exchanges = new Map<bigint, Exchange>()
  for (let at = 0; at < octets.length; ) {
    const number = octets.readBigUInt64LE(at)
    const sent = octets.readUInt32LE(at + 8)
    const packet = octets.subarray(at + 12, at + 12 + sent)
    const received = octets.readInt32LE(at + 12 + sent)
    at += 16 + sent
    const reply = received < 0 ? undefined : octets.subarray(at, at + received)
    at += Math.max(0, received)
    exchanges.set(number, { packet, reply })
  }
  return exchanges
}

export interface Compared {
  readonly packets: number
  readonly equal: number
  /** How often each reason of docs/differences.md applied. */
  readonly meant: ReadonlyMap<string, number>
  readonly unexplained: readonly string[]
}

/** `dropped`: datagrams that the kernel had no room for at CoreDNS's sockets: so many may have no reply of it. */
export function compareRecordings(
  ours: ReadonlyMap<bigint, Exchange>,
  theirs: ReadonlyMap<bigint, Exchange>,
  dropped: number,
): Compared {
  const meant = new Map<string, number>()
  const unexplained: string[] = []
  let equal = 0
  let unheard = 0
  for (const number of new Set([...ours.keys(), ...theirs.keys()])) {
    const one = ours.get(number)
    const other = theirs.get(number)
    const packet = (one ?? other)!.packet
    const [left, right] = [linesOf(one?.reply), linesOf(other?.reply)]
    if (left.join('\n') === right.join('\n')) {
      equal++
      continue
    }
    if (one?.reply !== undefined && other?.reply === undefined && unheard < dropped) {
      unheard++
      continue
    }
    const pair = { packet, ours: one?.reply, theirs: other?.reply, asked: parsed(packet) }
    const reason = excuses.find(({ holds }) => holds(pair))?.reason
    if (reason !== undefined) meant.set(reason, (meant.get(reason) ?? 0) + 1)
    else
      unexplained.push(
        [
          `packet ${number}: ${packet.toString('hex')}`,
          ...left.map((line) => `  + ${line}`),
          ...right.map((line) => `  - ${line}`),
        ].join('\n'),
      )
  }
  return { packets: ours.size, equal, meant, unexplained }
}

/** Without what depends on when it was asked (TTLs that run out, the order of a set) and on whose case was kept. */
function linesOf(reply: Buffer | undefined): readonly string[] {
  if (reply === undefined) return ['no reply']
  try {
    const message = parseMessage(reply)
    const timeless = (records: Message['answer']) =>
      records.map((record) => ({ ...record, name: lowerName(record.name), ttl: 0 }))
    return canonicalMessage({
      ...message,
      answer: timeless(message.answer),
      authority: timeless(message.authority),
      additional: timeless(message.additional),
    }).map((line) => line.toLowerCase())
  } catch (error) {
    return [`cannot be parsed: ${(error as Error).message}`, reply.toString('hex')]
  }
}

function parsed(octets: Buffer | undefined): Message | undefined {
  if (octets === undefined) return undefined
  try {
    return parseMessage(octets)
  } catch {
    return undefined
  }
}

interface Pair extends Pick<Exchange, 'packet'> {
  readonly ours: Buffer | undefined
  readonly theirs: Buffer | undefined
  /** Undefined: we take it for malformed. */
  readonly asked: Message | undefined
}

interface Excuse {
  /** As docs/differences.md has it. */
  readonly reason: string
  holds(pair: Pair): boolean
}

const rcodeOf = (reply: Buffer | undefined): number => (reply === undefined ? -1 : reply[3]! & 15)

const recordsOf = (asked: Message | undefined) =>
  asked ? [...asked.answer, ...asked.authority, ...asked.additional] : []

/** Where the question's name ends, uncompressed; -1: it does not. */
function nameEnd(packet: Buffer): number {
  let at = 12
  while (at < packet.length && packet[at]! > 0 && packet[at]! < 64) at += 1 + packet[at]!
  return packet[at] === 0 ? at + 1 : packet[at]! >= 192 && at + 2 <= packet.length ? at + 2 : -1
}

const endsInQuestion = (packet: Buffer): boolean => nameEnd(packet) >= 0 && packet.length < nameEnd(packet) + 4

/** Everything after the question is missing, or after a record. */
function promisesMore(packet: Buffer): boolean {
  const records = [6, 8, 10].reduce((sum, at) => sum + packet.readUInt16BE(at), 0)
  for (let fewer = 0; fewer < records; fewer++) {
    const less = Buffer.from(packet)
    less.writeUInt16BE(Math.min(fewer, packet.readUInt16BE(6)), 6)
    less.writeUInt16BE(Math.min(Math.max(0, fewer - packet.readUInt16BE(6)), packet.readUInt16BE(8)), 8)
    less.writeUInt16BE(Math.max(0, fewer - packet.readUInt16BE(6) - packet.readUInt16BE(8)), 10)
    if (parsed(less) !== undefined) return true
  }
  return false
}

/** A pointer stands where a label should begin in the question. */
const isCompressed = (packet: Buffer): boolean => {
  let at = 12
  while (at < packet.length && packet[at]! > 0 && packet[at]! < 64) at += 1 + packet[at]!
  return packet[at]! >= 0xc0
}

/** Of these only the beginning is read. */
const isUnread = (type: number): boolean => layoutOf(type)?.fields.includes('opaque') ?? true

const hasOpt = (message: Message | undefined): boolean =>
  message?.additional.some(({ type }) => type === typeNumber('OPT')) ?? false

const excuses: readonly Excuse[] = [
  {
    reason: 'a client without EDNS gets no OPT record with the extended error of `acl` or `template`',
    holds: ({ asked, ours, theirs }) =>
      asked !== undefined &&
      !hasOpt(asked) &&
      !hasOpt(parsed(ours)) &&
      hasOpt(parsed(theirs)) &&
      rcodeOf(ours) === rcodeOf(theirs),
  },
  {
    reason: 'UDP queries of up to 4,096 octets are answered',
    holds: ({ packet, theirs }) => packet.length > 512 && rcodeOf(theirs) === 1,
  },
  {
    reason: 'a message whose counts promise more records than follow is FORMERR',
    holds: ({ packet, asked, ours }) => asked === undefined && rcodeOf(ours) === 1 && promisesMore(packet),
  },
  {
    reason: 'a question that ends before its type or its class is FORMERR',
    holds: ({ packet, ours }) => rcodeOf(ours) === 1 && endsInQuestion(packet),
  },
  {
    reason: 'a name with a compression pointer into the header, or to octets behind it, is FORMERR',
    holds: ({ packet, ours }) => rcodeOf(ours) === 1 && isCompressed(packet),
  },
  {
    reason: 'rdata of a type that is not read here may be anything',
    holds: ({ asked, theirs }) => rcodeOf(theirs) === 1 && recordsOf(asked).some(({ type }) => isUnread(type)),
  },
  {
    reason: 'of several OPT records in a query the options of the last one are looked at',
    holds: ({ packet, asked, theirs }) =>
      rcodeOf(theirs) === 1 && packet.readUInt16BE(10) - (asked?.additional.length ?? 0) === 2,
  },
  {
    reason: '`ns.dns.ZONE` and NS at the apex are answered in mixed case',
    holds: ({ asked }) => /^(ns\.dns\.)?cluster\.local\.$/i.test(asked?.questions[0]?.name ?? ''),
  },
  {
    reason: '`slicedns.io/split`, `slicedns.io/hold`',
    holds: ({ asked }) => /^(sp[01]\.n|held-\d+\.held\.n)/i.test(asked?.questions[0]?.name ?? ''),
  },
]
