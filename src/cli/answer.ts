/** A question to a DNS server and its answer, as people read them. */
import { isIPv6 } from 'node:net'
import { className, rcode, rcodeName, typeName } from '../dns/codes.ts'
import type { Message, ResourceRecord } from '../dns/message.ts'
import { rdataText } from '../dns/rdata.ts'

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

/** A record in zone-file notation, field by field. */
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

export function showMessage(message: Message, transport: 'udp' | 'tcp'): Answer {
  return {
    // A reply's 16 is BADVERS (RFC 6891 §9); rcodeName would give TSIG's BADSIG.
    rcode: message.rcode === rcode.BADVERS ? 'BADVERS' : rcodeName(message.rcode),
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

/** `192.0.2.1:53`, `[2001:db8::1]:53`. */
export function serverText({ address, port }: Server): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`
}
