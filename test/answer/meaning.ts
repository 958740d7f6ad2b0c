/**
 * What a NodeSpec means, as a message: the model that the responder's octets are held to. It knows nothing of the table's
 * format, of compression or of shuffling.
 */

import type { ResourceRecord } from '../../src/dns/message.ts'
import { isSubdomain } from '../../src/dns/name.ts'
import { rdata } from '../../src/dns/rdata.ts'
import type {
  AddressesSpec,
  AnswerSpec,
  NodeSpec,
  RecordSpec,
  RecordsSpec,
  ServicesSpec,
  ZoneSpec,
} from '../../src/table/spec.ts'

export interface Sections {
  readonly rcode: number
  readonly answer: readonly ResourceRecord[]
  readonly authority: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
}

/** The reply's sections for a question at the node's own name; undefined where the chain answers. */
export function meaningOf(node: NodeSpec, zone: ZoneSpec, qname: string, qtype: number): Sections | undefined {
  const spec = node.answers.get(qtype)
  if (!spec && qtype === 255) return undefined
  return answerMeaning(spec ?? { kind: node.otherTypes }, zone, qname, qtype)
}

export function answerMeaning(spec: AnswerSpec, zone: ZoneSpec, qname: string, qtype: number): Sections | undefined {
  switch (spec.kind) {
    case 'nodata':
      return denial(0, zone, qname)
    case 'nxdomain':
      return zone.open ? undefined : denial(3, zone, qname)
    case 'soa':
      return { rcode: 0, answer: [soaRecord(zone, qname)], authority: [], additional: [] }
    case 'addresses':
      return positive(addressRecords(spec, qname, qtype))
    case 'services':
      return services(spec, zone, qname)
    case 'records':
      return records(spec, qname)
    default:
      return undefined
  }
}

const positive = (answer: ResourceRecord[], additional: ResourceRecord[] = []): Sections => ({
  rcode: 0,
  answer,
  authority: [],
  additional,
})

export const denial = (rcode: number, zone: ZoneSpec, qname: string): Sections => ({
  rcode,
  answer: [],
  authority: [soaRecord(zone, qname)],
  additional: [],
})

/** The zone as the question writes it. */
const zoneAsAsked = (zone: ZoneSpec, qname: string): string =>
  zone.zone === '.' ? '.' : qname.slice(-zone.zone.length)

/** A name below the zone, with the zone in the question's case. */
function inCase(name: string, zone: ZoneSpec, qname: string): string {
  if (!isSubdomain(zone.zone, name.toLowerCase()) || zone.zone === '.') return name
  return name.slice(0, name.length - zone.zone.length) + zoneAsAsked(zone, qname)
}

function soaRecord(zone: ZoneSpec, qname: string): ResourceRecord {
  const { ttl, mname, rname, ...numbers } = zone.soa
  const names = { mname: inCase(mname, zone, qname), rname: inCase(rname, zone, qname) }
  return { name: zoneAsAsked(zone, qname), type: 6, class: 1, ttl, rdata: rdata.soa({ ...names, ...numbers }) }
}

function pieces(octets: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: octets.length / size }, (_, i) => octets.slice(i * size, (i + 1) * size))
}

function addressRecords(spec: AddressesSpec, qname: string, type: number): ResourceRecord[] {
  return pieces(spec.addresses, type === 1 ? 4 : 16).map((address) => ({
    name: qname,
    type,
    class: 1,
    ttl: spec.ttl,
    rdata: address,
  }))
}

function services(spec: ServicesSpec, zone: ZoneSpec, qname: string): Sections {
  const names = spec.targets.map(({ name }) => inCase(name, zone, qname))
  const answer = spec.records.map(({ target, ...facts }) => ({
    name: qname,
    type: 33,
    class: 1,
    ttl: spec.ttl,
    rdata: rdata.srv({ ...facts, target: names[target] }),
  }))
  const additional = spec.targets.flatMap(({ a, aaaa }, i) => [
    ...addressRecords({ kind: 'addresses', ttl: spec.ttl, addresses: a }, names[i], 1),
    ...addressRecords({ kind: 'addresses', ttl: spec.ttl, addresses: aaaa }, names[i], 28),
  ])
  return positive(answer, additional)
}

function records(spec: RecordsSpec, qname: string): Sections {
  const ready = ({ owner, type, ttl, rdata }: RecordSpec): ResourceRecord => ({
    name: owner || qname,
    type,
    class: 1,
    ttl,
    rdata,
  })
  return positive(spec.answer.map(ready), spec.additional.map(ready))
}
