/**
 * A split as the records of a zone. A secondary cannot draw: it has all backends that would be drawn, the weights of its
 * SRV records, and addresses without any. A backend in another place is told only where it is the only one left.
 */

import { type as dnsType } from '../../../dns/codes.ts'
import type { ResourceRecord } from '../../../dns/message.ts'
import type { Service } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import { serviceName } from '../../names/cluster-name.ts'
import { type Answer, resolve } from '../../records/answers.ts'
import { recordsOf } from '../../records/reply-records.ts'
import { namedPorts } from './lookup.ts'
import type { Backend } from './named.ts'

/** The records at the service's own name and at its ports'. */
export function splitRecords(
  context: ClusterContext,
  zone: string,
  service: Service,
  backends: readonly Backend[],
): ResourceRecord[] {
  const name = serviceName(service.namespace, service.name, zone)
  const at = (owner: string, type: number): ResourceRecord[] =>
    flattened(resolve(context, zone, owner, type), owner, type, zone)
  const alias = at(name, dnsType.CNAME)
  // Beside a CNAME there is nothing (RFC 1034 §3.6.2).
  const own = alias.length > 0 ? alias : [dnsType.A, dnsType.AAAA, dnsType.SRV].flatMap((type) => at(name, type))
  const ports = namedPorts(context, zone, service, backends)
  return [...own, ...ports.flatMap(({ name: port, protocol }) => at(`_${port}._${protocol}.${name}`, dnsType.SRV))]
}

/** All that may be drawn, each record once. */
function flattened(answer: Answer, owner: string, type: number, zone: string): ResourceRecord[] {
  const drawable =
    answer.kind === 'variants' || answer.kind === 'choice' ? answer.variants.map((v) => v.answer) : [answer]
  const records = new Map<string, ResourceRecord>()
  for (const each of drawable) {
    if (each.kind !== 'addresses' && each.kind !== 'services' && each.kind !== 'records') continue
    for (const record of recordsOf(each, owner, type, zone).answer) {
      const key = keyOf(record)
      if (!records.has(key)) records.set(key, record)
    }
  }
  return [...records.values()]
}

/** Of sets of SRV records with different parts of a crowd, a target's first weight counts: those differ by rounding. */
function keyOf({ type, rdata }: ResourceRecord): string {
  const octets = Buffer.from(rdata)
  return (type === dnsType.SRV ? octets.subarray(4) : octets).toString('hex')
}
