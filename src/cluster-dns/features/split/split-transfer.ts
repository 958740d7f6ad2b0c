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
import { backendStates } from './backend-state.ts'
import { type SplitAnswer, splitAnswer } from './split-answers.ts'
import type { Backend } from './split-backends.ts'
import { lookupSplit, namedPorts } from './split-lookup.ts'

/**
 * The records at the service's own name and at its ports'. This call fixes the backends and their endpoints; the records
 * are made as the iterator is read, a part of a large split at a time.
 */
export function splitRecords(
  context: ClusterContext,
  zone: string,
  service: Service,
  backends: readonly Backend[],
): Iterable<ResourceRecord> {
  const states = backendStates(context, zone, backends)
  const name = serviceName(service.namespace, service.name, zone)
  return walk()

  function* walk(): Generator<ResourceRecord> {
    // A CNAME must be alone (RFC 1034 §3.6.2).
    let hasAlias = false
    for (const record of at('', '', dnsType.CNAME)) {
      hasAlias = true
      yield record
    }
    for (const type of hasAlias ? [] : [dnsType.A, dnsType.AAAA, dnsType.SRV]) yield* at('', '', type)
    for (const port of namedPorts(service, states)) yield* at(port.name, port.protocol, dnsType.SRV)
  }

  function* at(port: string, protocol: string, type: number): Generator<ResourceRecord> {
    const clusterName = { ...serviceItself(service.namespace, service.name), port, protocol }
    const result = lookupSplit(context, zone, service, backends, clusterName, states)
    if (result.kind !== 'groups' || !result.split) return
    const owner = port === '' ? name : `_${port}._${protocol}.${name}`
    const sent = new Set<string>()
    for (const record of everyRecord(splitAnswer(result.split, type, result.ttl), owner, type, zone)) {
      const key = keyOf(record)
      if (sent.has(key)) continue
      sent.add(key)
      yield record
    }
  }
}

/** All that can be selected; a record may come several times. */
function* everyRecord(answer: SplitAnswer, owner: string, type: number, zone: string): Generator<ResourceRecord> {
  switch (answer.kind) {
    case 'addresses':
    case 'services':
    case 'records':
      yield* recordsOf(answer, owner, type, zone).answer
      return
    case 'variants':
    case 'choice':
      for (const variant of answer.variants) yield* everyRecord(variant.answer, owner, type, zone)
      return
    case 'services-choice':
      for (const set of answer.sets) yield* everyRecord(set.services(), owner, type, zone)
  }
}

/** Sets of SRV records with different parts of the endpoints give a target weights that differ by rounding: the first one counts. */
function keyOf({ type, rdata }: ResourceRecord): string {
  const octets = Buffer.from(rdata)
  return (type === dnsType.SRV ? octets.subarray(4) : octets).toString('latin1')
}
