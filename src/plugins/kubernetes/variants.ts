/** Selects the variant that answers a query, and as many of its addresses as fit. */
import type { Answer } from '../../cluster-dns/records/answers.ts'
import { type Random, type Selected, selectVariant } from '../../cluster-dns/records/selection.ts'
import { type as dnsType } from '../../dns/codes.ts'
import { nameToWire } from '../../dns/name.ts'
import { maxMessageOctets, plainUdpOctets } from '../../dns/reply.ts'
import type { Query } from '../../plugin/query.ts'

/**
 * Of a selected variant as many addresses as fit are chosen at random, without TC: a client that retried over TCP would
 * get another selection, so that backends with many addresses would get less than their share. The data plane does the
 * same.
 */
export function selectFor(query: Query, found: Answer, random: Random): Selected {
  const answer = selectVariant(found, random)
  if (answer.kind !== 'addresses' || (found.kind !== 'variants' && found.kind !== 'choice')) return answer
  const width = query.qtype === dnsType.A ? 4 : 16
  const most = Math.floor(answerCapacity(query) / (addressOwner + width))
  if (most === 0 || answer.addresses.length <= most * width) return answer
  return { ...answer, addresses: someOf(answer.addresses, width, most, random) }
}

/** A compression pointer to the question, type, class, TTL, length. */
const addressOwner = 12
const header = 12
const questionFacts = 4
const opt = 11
const optionHeader = 4

/** Octets that are left for the answer section of a reply. */
function answerCapacity({ qname, request: { edns }, transport }: Query): number {
  const most = edns ? Math.max(plainUdpOctets, edns.payloadSize) : plainUdpOctets
  const options = edns ? edns.options.reduce((sum, { data }) => sum + optionHeader + data.length, opt) : 0
  return (transport === 'udp' ? most : maxMessageOctets) - header - nameToWire(qname).length - questionFacts - options
}

function someOf(addresses: Uint8Array, width: number, count: number, random: Random): Uint8Array {
  const left = Array.from({ length: addresses.length / width }, (_, i) => i)
  const some = new Uint8Array(count * width)
  for (let i = 0; i < count; i++) {
    const other = i + Math.floor(random() * (left.length - i))
    const at = left[other] * width
    left[other] = left[i]
    some.set(addresses.subarray(at, at + width), i * width)
  }
  return some
}
