import type { Message, ResourceRecord } from '../dns/message.ts'
import { nameOctets } from '../dns/name.ts'

const headerOctets = 12
/** Type, class, TTL and length of the rdata. */
const recordOctets = 10
/** A root name and the fixed fields of OPT. */
const ednsOctets = 11

/**
 * The octets of a message without name compression: what CoreDNS logs and counts as the size of requests and replies,
 * before the reply is cut to the client's limit.
 */
export function messageOctets(message: Message): number {
  let octets = headerOctets
  for (const { name } of message.questions) octets += nameOctets(name) + 4
  for (const section of [message.answer, message.authority, message.additional]) octets += sectionOctets(section)
  if (message.edns) {
    octets += ednsOctets
    for (const { data } of message.edns.options) octets += 4 + data.length
  }
  return octets
}

function sectionOctets(records: readonly ResourceRecord[]): number {
  let octets = 0
  for (const { name, rdata } of records) octets += nameOctets(name) + recordOctets + rdata.length
  return octets
}
