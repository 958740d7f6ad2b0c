/**
 * dns2's codec, an implementation of DNS messages that is not ours: a lookup whose reply both can read is read by dns2,
 * so that an error in our own codec shows. It cannot read everything: it loses dots inside labels (of a SOA's mailbox,
 * say), turns TXT into UTF-8, and knows neither HTTPS nor NAPTR.
 */
import { Packet, type Resource } from 'dns2'
import { className, rcodeName, type as recordType, typeName } from '../dns/codes.ts'
import type { Answer, Question, ShownRecord } from './answer.ts'

/** Types whose names are host names, so that none of their labels can hold a dot. */
const types: ReadonlySet<number> = new Set([
  recordType.A,
  recordType.AAAA,
  recordType.NS,
  recordType.MX,
  recordType.SRV,
])

/** Whether dns2 reads the answer section of this question's reply without loss. */
export function fitsDns2({ name, type }: Question): boolean {
  return types.has(type) && !name.includes('\\')
}

export interface Dns2Reply {
  readonly response: boolean
  readonly id: number
  /** The question that the reply repeats; absent in a reply without one. */
  readonly question: Question | undefined
  readonly truncated: boolean
  /** The answer section; the other two are left out. */
  readonly answer: Answer
}

/** Throws Error when the message, or a record of its answer section, is malformed. */
export function parseWithDns2(octets: Buffer): Dns2Reply {
  const { header, questions, answers } = Packet.parse(octets)
  // dns2 skips records that it cannot read, without an error.
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
