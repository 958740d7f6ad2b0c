/** Answers queries for external names: looks them up, follows host names of load balancers, makes the reply. */

import type { ClusterContext } from '../../cluster-dns/context.ts'
import { externalSoa, lookupExternal } from '../../cluster-dns/external/external-lookup.ts'
import {
  type ExternalRecords,
  externalPointers,
  externalRecords,
  externalServerRecords,
} from '../../cluster-dns/external/external-records.ts'
import { type as dnsType, rcode } from '../../dns/codes.ts'
import { infoCode, staleCode } from '../../dns/extended-error.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { below, innermostZone, isSubdomain } from '../../dns/name.ts'
import { readName } from '../../dns/rdata.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Handler, Next, Outcome, Query, Reply } from '../../plugin/query.ts'
import type { Settings } from './settings.ts'

export const plugin = 'k8s_external'

/** `current`: the settings with the TTL of now, which is lower while answers come from a snapshot. */
export function createHandler(current: () => Settings, context: () => ClusterContext): Handler {
  return (query, next) => {
    const settings = current()
    const zone = innermostZone(settings.zones, query.name)
    if (zone === undefined) return next(query)
    // The `transfer` plugin transfers zones.
    if (query.qtype === dnsType.AXFR || query.qtype === dnsType.IXFR) {
      return { kind: 'rcode', rcode: rcode.REFUSED, plugin, extendedError: { code: infoCode.prohibited } }
    }
    return answer(settings, context(), zone, query, next)
  }
}

function answer(
  settings: Settings,
  context: ClusterContext,
  zone: string,
  query: Query,
  next: Next,
): Outcome | Promise<Outcome> {
  const soa = externalSoa(context, settings, zone)
  const staleness = (code: number) => context.view.restored && { extendedError: { code: staleCode(code) } }
  const reply = ({ answer: records, additional }: Sections, truncated = false): Reply => {
    const authority = records.length > 0 ? [] : [soa]
    const message = replyTo(query.request, { authoritative: true, answer: records, authority, additional })
    return {
      kind: 'reply',
      plugin,
      message: truncated ? { ...message, truncated } : message,
      ...staleness(rcode.NOERROR),
    }
  }
  const denial = (code: number, error?: Error): Reply => ({
    kind: 'reply',
    plugin,
    message: replyTo(query.request, { rcode: code, authoritative: true, authority: [soa] }),
    ...(error ? { error, extendedError: { code: infoCode.notReady } } : staleness(code)),
  })
  const found = lookupExternal(context, settings, zone, query.name, query.qtype)
  switch (found.kind) {
    case 'missing':
      return !found.final && settings.fallthrough.some((falling) => isSubdomain(falling, query.name))
        ? next(query)
        : denial(rcode.NXDOMAIN)
    case 'unknown':
      // Neither NXDOMAIN nor the next plugin: a name that is not known yet may exist.
      return denial(rcode.SERVFAIL, new Error(`not listed yet: ${found.resources.join(', ')}`))
    case 'empty':
      return reply(nothing)
    case 'apex':
      return reply(apexSections(settings, context, zone, query, soa))
    case 'nameserver': {
      const { addresses } = externalServerRecords(context, settings, zone, query.qname)
      return reply({ answer: addresses.filter(({ type }) => type === query.qtype), additional: [] })
    }
    case 'pointers':
      return reply({ answer: externalPointers(settings, query.qname, found.names), additional: [] })
    case 'groups': {
      const records = externalRecords(context, settings, found.groups, query.qname, query.qtype)
      const leadsOn = records.elsewhere.length > 0 || records.answer.some(({ type }) => type === dnsType.CNAME)
      if (!leadsOn) return reply(records)
      return follow(records, query).then(({ truncated, ...sections }) => reply(sections, truncated))
    }
  }
}

interface Sections {
  readonly answer: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
}

const nothing: Sections = { answer: [], additional: [] }

function apexSections(
  settings: Settings,
  context: ClusterContext,
  zone: string,
  { qname, qtype }: Query,
  soa: ResourceRecord,
): Sections {
  if (qtype === dnsType.SOA) return { answer: [soa], additional: [] }
  if (qtype !== dnsType.NS) return nothing
  const { ns, addresses } = externalServerRecords(context, settings, zone, below(`ns1.${settings.apex}`, qname))
  return { answer: [ns], additional: addresses }
}

/** Adds the records of load balancers' host names: after their CNAME, or as the addresses of SRV targets. */
async function follow(
  { answer: records, additional, elsewhere }: ExternalRecords,
  query: Query,
): Promise<Sections & { readonly truncated: boolean }> {
  const followed: ResourceRecord[] = []
  let truncated = false
  for (const record of records) {
    followed.push(record)
    if (record.type !== dnsType.CNAME) continue
    const outcome = await query.lookup(readName(record.rdata), query.qtype)
    if (outcome.kind !== 'reply') continue
    followed.push(...outcome.message.answer)
    truncated ||= outcome.message.truncated
  }
  const addresses = [...additional]
  for (const target of elsewhere) {
    for (const type of [dnsType.A, dnsType.AAAA]) {
      const outcome = await query.lookup(target, type)
      if (outcome.kind === 'reply') addresses.push(...outcome.message.answer)
    }
  }
  return { answer: followed, additional: addresses, truncated }
}
