/**
 * A split as the records of a zone. A secondary cannot select by weight: it gets all backends that can be selected, the
 * weights of their SRV records, and their addresses without weights. An ExternalName is included only when it is alone.
 */

import { type as dnsType } from '../../../dns/codes.ts'
import type { ResourceRecord } from '../../../dns/message.ts'
import type { Service } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import { serviceItself, serviceName } from '../../names/cluster-name.ts'
import { recordsOf } from '../../records/reply-records.ts'
import { type SplitAnswer, splitAnswer } from './split-answers.ts'
import type { Backend } from './split-backends.ts'
import { lookupSplit, namedPorts } from './split-lookup.ts'

/** The records at the service's own name and at its ports'. */
export function splitRecords(
  context: ClusterContext,
  zone: string,
  service: Service,
  backends: readonly Backend[],
): ResourceRecord[] {
  const name = serviceName(service.namespace, service.name, zone)
  const at = (port: string, protocol: string, type: number): ResourceRecord[] => {
    const clusterName = { ...serviceItself(service.namespace, service.name), port, protocol }
    const result = lookupSplit(context, zone, service, backends, clusterName)
    const split = result.kind === 'groups' ? result.split : undefined
    if (result.kind !== 'groups' || !split) return []
    return flattened(
      splitAnswer(split, type, result.ttl),
      port === '' ? name : `_${port}._${protocol}.${name}`,
      type,
      zone,
    )
  }
  const alias = at('', '', dnsType.CNAME)
  // Beside a CNAME there is nothing (RFC 1034 §3.6.2).
  const own = alias.length > 0 ? alias : [dnsType.A, dnsType.AAAA, dnsType.SRV].flatMap((type) => at('', '', type))
  const ports = namedPorts(context, zone, service, backends)
  return [...own, ...ports.flatMap(({ name: port, protocol }) => at(port, protocol, dnsType.SRV))]
}

/** All that can be selected, each record once. */
function flattened(answer: SplitAnswer, owner: string, type: number, zone: string): ResourceRecord[] {
  const selectable =
    answer.kind === 'variants' || answer.kind === 'choice' ? answer.variants.map((v) => v.answer) : [answer]
  const records = new Map<string, ResourceRecord>()
  for (const each of selectable) {
    if (each.kind !== 'addresses' && each.kind !== 'services' && each.kind !== 'records') continue
    for (const record of recordsOf(each, owner, type, zone).answer) {
      const key = keyOf(record)
      if (!records.has(key)) records.set(key, record)
    }
  }
  return [...records.values()]
}

/** Sets of SRV records with different parts of a crowd give a target weights that differ by rounding: the first counts. */
function keyOf({ type, rdata }: ResourceRecord): string {
  const octets = Buffer.from(rdata)
  return (type === dnsType.SRV ? octets.subarray(4) : octets).toString('hex')
}
