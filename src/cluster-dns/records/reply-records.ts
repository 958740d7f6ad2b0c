/** Answers as the records of one reply: for the chain, what the data plane does with stored answers. */
import { type as dnsType } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { isSubdomain, lowerName } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import { record } from '../../dns/record.ts'
import type { AddressesSpec, RecordSpec, RecordsSpec, ServicesSpec, ZoneSpec } from '../../table/spec.ts'

export interface ReplySections {
  readonly answer: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
}

/**
 * The records of an answer to a question for `qname` and `type`. Owner names, and the zone in the names of targets, are
 * in the query's case.
 */
export function recordsOf(
  answer: AddressesSpec | ServicesSpec | RecordsSpec,
  qname: string,
  type: number,
  zone: string,
): ReplySections {
  if (answer.kind === 'addresses') {
    return { answer: addressRecords(qname, type, answer.ttl, answer.addresses), additional: [] }
  }
  if (answer.kind === 'services') return serviceRecords(answer, qname, zone)
  const toRecord = (spec: RecordSpec): ResourceRecord => record(spec.owner || qname, spec.type, spec.ttl, spec.rdata)
  return { answer: answer.answer.map(toRecord), additional: answer.additional.map(toRecord) }
}

function addressRecords(owner: string, type: number, ttl: number, addresses: Uint8Array): ResourceRecord[] {
  const width = type === dnsType.A ? 4 : 16
  return Array.from({ length: addresses.length / width }, (_, i) =>
    record(owner, type, ttl, addresses.subarray(i * width, (i + 1) * width)),
  )
}

function serviceRecords(spec: ServicesSpec, qname: string, zone: string): ReplySections {
  const names = spec.targets.map((target) => inCaseOf(qname, zone, target.name))
  return {
    answer: spec.records.map(({ priority, weight, port, target }) =>
      record(qname, dnsType.SRV, spec.ttl, rdata.srv({ priority, weight, port, target: names[target] })),
    ),
    additional: spec.targets.flatMap((target, i) => [
      ...addressRecords(names[i], dnsType.A, spec.ttl, target.a),
      ...addressRecords(names[i], dnsType.AAAA, spec.ttl, target.aaaa),
    ]),
  }
}

/** The SOA record of the zone that `qname` is in. */
export function soaRecord({ zone, soa }: ZoneSpec, qname: string): ResourceRecord {
  const { ttl, ...fields } = soa
  const mname = inCaseOf(qname, zone, soa.mname)
  const rname = inCaseOf(qname, zone, soa.rname)
  return record(inCaseOf(qname, zone, zone), dnsType.SOA, ttl, rdata.soa({ ...fields, mname, rname }))
}

/** `name` with its part in `zone` written as `qname`, which is in the zone too, writes it. */
function inCaseOf(qname: string, zone: string, name: string): string {
  if (zone === '.' || !isSubdomain(zone, lowerName(name))) return name
  return name.slice(0, name.length - zone.length) + qname.slice(qname.length - zone.length)
}
