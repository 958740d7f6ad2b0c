/**
 * Decodes with dns2, an independent implementation of DNS messages: replies that both codecs support are decoded by dns2, so
 * that errors in this project's codec show. dns2 has limits: it loses dots inside labels (for example of a SOA's mailbox),
 * turns TXT into UTF-8, and does not support HTTPS and NAPTR.
 */
import { Packet, type Resource } from 'dns2'
import { className, rcodeName, type as recordType, typeName } from '../dns/codes.ts'
import type { Answer, Question, ShownRecord } from './answer.ts'

/** Types whose names are host names, so that their labels cannot contain dots. */
const types: ReadonlySet<number> = new Set([
  recordType.A,
  recordType.AAAA,
  recordType.NS,
  recordType.MX,
  recordType.SRV,
])

/** Whether dns2 decodes the answer section of this question's reply without loss. */
export function fitsDns2({ name, type }: Question): boolean {
  return types.has(type) && !name.includes('\\')
}

export interface Dns2Reply {
  readonly response: boolean
  readonly id: number
  /** The question in the reply; absent if it has no question. */
  readonly question: Question | undefined
  readonly truncated: boolean
  /** The answer section; the others are omitted. */
  readonly answer: Answer
}

/** Throws Error when the message, or a record of its answer section, is malformed. */
export function parseWithDns2(octets: Buffer): Dns2Reply {
  const { header, questions, answers } = Packet.parse(octets)
  // dns2 silently skips records that it cannot decode.
  if (header.ancount !== answers.length) throw new Error('a record of the answer section is malformed')
  const [question] = questions
  return {
    response: Boolean(header.qr),
    id: header.id,
    question: question && { name: absolute(question.name), type: question.type },
    truncated: Boolean(header.tc),
    answer: {
      rcode: rcodeName(header.rcode),
      authoritative: Boolean(header.aa),
      transport: 'udp',
      answer: answers.map(showRecord),
      authority: [],
      additional: [],
    },
  }
}

function showRecord(record: Resource): ShownRecord {
  return {
    name: absolute(record.name),
    ttl: record.ttl,
    class: className(record.class),
    type: typeName(record.type),
    data: rdataText(record),
  }
}

function rdataText(record: Resource): string {
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
      // RFC 3597 §5: the notation of types that the reader does not know.
      const octets = Buffer.isBuffer(record.data) ? record.data : Buffer.from([record.data ?? []].flat().join(''))
      return `\\# ${octets.length} ${octets.toString('hex')}`
    }
  }
}

/** dns2's names have no closing dot. */
function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`
}
