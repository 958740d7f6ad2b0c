import { rcode, type } from '../../dns/codes.ts'
import { isSubdomain } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import { record } from '../../dns/record.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Handler, Outcome, Query } from '../../plugin/query.ts'
import type { Lookup } from './lookup.ts'
import type { HostsSettings } from './settings.ts'

const plugin = 'hosts'

export function createHandler(settings: HostsSettings, lookup: Lookup): Handler {
  const fallsThrough = (name: string) => settings.fallthrough?.some((zone) => isSubdomain(zone, name)) ?? false

  return (query, next) => {
    const { name, qtype } = query
    // PTR queries are answered whatever the zones are.
    if (qtype === type.PTR) {
      const names = lookup.names(name)
      if (names.length > 0)
        return reply(
          query,
          names.map((target) => rdata.name(target)),
          settings.ttl,
        )
    }
    if (!settings.zones.some((zone) => isSubdomain(zone, name)) || qtype === type.PTR) return next(query)
    const isAddress = qtype === type.A || qtype === type.AAAA
    if (!isAddress && settings.fallthroughUnsupported && fallsThrough(name)) return next(query)
    const { a, aaaa } = lookup.addresses(name)
    if (a.length > 0 || aaaa.length > 0)
      return reply(query, qtype === type.A ? a : qtype === type.AAAA ? aaaa : [], settings.ttl)
    if (fallsThrough(name)) return next(query)
    // A hosts file has no SOA for a negative answer.
    return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin }
  }
}

function reply(query: Query, values: readonly Uint8Array[], ttl: number): Outcome {
  const answer = values.map((octets) => record(query.qname, query.qtype, ttl, octets))
  return { kind: 'reply', plugin, message: replyTo(query.request, { authoritative: true, answer }) }
}
