import type { Query } from '../plugin/query.ts'
import type { MetricsRegistry } from '../observe/metrics.ts'
import { rcodeName, typeName } from '../dns/codes.ts'

/** Types that have a label value of their own in CoreDNS's metrics; the rest is `other` (coredns-behaviour §8). */
const labelledTypes = new Set(
  'A AAAA CNAME DNSKEY DS MX NSEC3 NSEC NS PTR RRSIG SOA SRV TXT HTTPS SVCB IXFR AXFR ANY'.split(' '),
)

/** Counts queries that no server block takes under the zone label `dropped`, in the families of the prometheus plugin. */
export function droppedCounter(metrics: MetricsRegistry): (query: Query, rcode: number) => void {
  const requests = metrics.counter('coredns_dns_requests_total', 'Counter of DNS requests made per zone, protocol and family.', [
    'server',
    'zone',
    'view',
    'proto',
    'family',
    'type',
  ])
  const responses = metrics.counter('coredns_dns_responses_total', 'Counter of response status codes.', [
    'server',
    'zone',
    'view',
    'rcode',
    'plugin',
  ])
  return (query, rcode) => {
    const type = typeName(query.qtype)
    const proto = query.transport === 'udp' ? 'udp' : 'tcp'
    const family = query.client.address.includes(':') ? '2' : '1'
    requests.with(query.server, 'dropped', '', proto, family, labelledTypes.has(type) ? type : 'other').inc()
    responses.with(query.server, 'dropped', '', rcodeName(rcode), '').inc()
  }
}
