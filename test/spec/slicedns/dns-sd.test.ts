/** Browsing for services: option `dns_sd` (RFC 6763). */
import { soa, spec } from '../../support/cases.ts'

const domain = 'shop.svc.cluster.local.'
const ptr = (owner: string, ...targets: string[]): string[] =>
  targets.map((target) => `${owner} 5 IN PTR ${target}.${domain}`)
const missing = { rcode: 'NXDOMAIN', authority: [soa()] }
const nothing = { authority: [soa()] }

const cluster = `service web shop 10.0.0.1 ports http:TCP:80,metrics:TCP:9090
                 service db shop headless ports sql:TCP:5432,gossip:UDP:7000
                 endpoint db shop 10.1.0.5 ready hostname db-0
                 service api shop external api.example.org ports http:TCP:80
                 service bare shop 10.0.0.9 ports TCP:80
                 service web other 10.0.0.7`

spec('without dns_sd the answers are those of CoreDNS', {
  cluster,
  cases: [
    `_services._dns-sd._udp.${domain} PTR`,
    `_http._tcp.${domain} PTR`,
    `web._http._tcp.${domain} SRV`,
    `_tcp.${domain} A`,
    `b._dns-sd._udp.${domain} PTR`,
    'b._dns-sd._udp.cluster.local. PTR',
    '_udp.cluster.local. A',
  ].map((ask) => ({ name: `${ask} is no name`, ask, ...missing })),
})

spec('dns_sd: services of a namespace can be browsed', {
  options: 'dns_sd',
  cluster,
  cases: [
    {
      name: 'RFC 6763 §9: the types of service that there are, one for each named port',
      ask: `_services._dns-sd._udp.${domain} PTR`,
      answer: ptr(`_services._dns-sd._udp.${domain}`, '_gossip._udp', '_http._tcp', '_metrics._tcp', '_sql._tcp'),
      by: 'table',
    },
    {
      name: 'RFC 6763 §4: the instances of a type; an ExternalName is none, for it has no SRV record',
      ask: `_http._tcp.${domain} PTR`,
      answer: ptr(`_http._tcp.${domain}`, 'web._http._tcp'),
      by: 'table',
    },
    { name: 'other types of record there are none', ask: `_http._tcp.${domain} A`, ...nothing, by: 'table' },
    {
      name: 'RFC 6763 §5: where the instance is, as its port says',
      ask: `web._http._tcp.${domain} SRV`,
      answer: [`web._http._tcp.${domain} 5 IN SRV 0 100 80 web.${domain}`],
      additional: [`web.${domain} 5 IN A 10.0.0.1`],
    },
    {
      name: 'from the table, once it was asked for',
      ask: `web._http._tcp.${domain} SRV`,
      answer: [`web._http._tcp.${domain} 5 IN SRV 0 100 80 web.${domain}`],
      additional: [`web.${domain} 5 IN A 10.0.0.1`],
      by: 'table',
    },
    {
      name: 'RFC 6763 §6.1: a TXT record that says nothing',
      ask: `web._http._tcp.${domain} TXT`,
      answer: [`web._http._tcp.${domain} 5 IN TXT ""`],
    },
    {
      name: 'or the metadata of the service',
      when: 'annotate service web shop txt.slicedns.io/path /v1',
      ask: `web._http._tcp.${domain} TXT`,
      answer: [`web._http._tcp.${domain} 5 IN TXT "path=/v1"`],
      by: 'table',
    },
    { name: 'an instance has no addresses of its own', ask: `web._http._tcp.${domain} A`, ...nothing },
    {
      name: 'a headless service: its endpoints',
      ask: `db._sql._tcp.${domain} SRV`,
      answer: [`db._sql._tcp.${domain} 5 IN SRV 0 100 5432 db-0.db.${domain}`],
      additional: [`db-0.db.${domain} 5 IN A 10.1.0.5`],
    },
    {
      name: 'which stays an instance without any: NODATA',
      when: 'endpoint db shop 10.1.0.5 notReady',
      ask: `db._sql._tcp.${domain} SRV`,
      ...nothing,
    },
    { name: 'and in the list', ask: `_sql._tcp.${domain} PTR`, answer: ptr(`_sql._tcp.${domain}`, 'db._sql._tcp') },
    { name: 'a type that nobody offers is no name', ask: `_ftp._tcp.${domain} PTR`, ...missing, by: 'table' },
    { name: 'nor is an instance of another type', ask: `web._sql._tcp.${domain} SRV`, ...missing },
    { name: 'nor one of no service', ask: `nosuch._http._tcp.${domain} SRV`, ...missing },
    {
      name: 'names above those of browsing are there, without records',
      ask: `_tcp.${domain} A`,
      ...nothing,
      by: 'table',
    },
    { name: 'the enumeration too', ask: `_dns-sd._udp.${domain} TXT`, ...nothing, by: 'table' },
    { name: 'other protocols are not', ask: `_sctp.${domain} A`, ...missing },
    {
      name: 'RFC 6763 §11: a search domain of pods is a domain to browse',
      ask: `b._dns-sd._udp.${domain} PTR`,
      answer: [`b._dns-sd._udp.${domain} 5 IN PTR ${domain}`],
      by: 'table',
    },
    {
      name: 'by default',
      ask: `lb._dns-sd._udp.${domain} PTR`,
      answer: [`lb._dns-sd._udp.${domain} 5 IN PTR ${domain}`],
      by: 'table',
    },
    {
      name: 'the zone lists its namespaces',
      ask: 'b._dns-sd._udp.cluster.local. PTR',
      answer: ['default', 'other', 'shop'].map(
        (name) => `b._dns-sd._udp.cluster.local. 5 IN PTR ${name}.svc.cluster.local.`,
      ),
      by: 'chain',
    },
    { name: 'but none by default', ask: 'lb._dns-sd._udp.cluster.local. PTR', ...missing },
    {
      name: 'a service that comes is listed at once',
      when: 'service shop shop 10.0.0.11 ports http:TCP:8080,ssh:TCP:22',
      ask: `_http._tcp.${domain} PTR`,
      answer: ptr(`_http._tcp.${domain}`, 'shop._http._tcp', 'web._http._tcp'),
      by: 'table',
    },
    {
      name: 'with a type that was not there before',
      ask: `_ssh._tcp.${domain} PTR`,
      answer: ptr(`_ssh._tcp.${domain}`, 'shop._ssh._tcp'),
      by: 'table',
    },
    {
      name: 'one that changes its ports changes its types',
      when: 'service shop shop 10.0.0.11 ports web:SCTP:8080',
      ask: `_services._dns-sd._udp.${domain} PTR`,
      answer: ptr(
        `_services._dns-sd._udp.${domain}`,
        '_gossip._udp',
        '_http._tcp',
        '_metrics._tcp',
        '_sql._tcp',
        '_web._sctp',
      ),
      by: 'table',
    },
    { name: 'a type that nobody offers any longer is gone', ask: `_ssh._tcp.${domain} PTR`, ...missing, by: 'table' },
    { name: 'and a protocol that somebody offers there', ask: `_sctp.${domain} A`, ...nothing, by: 'table' },
    {
      name: 'a service that goes is gone from the lists',
      when: 'remove service web shop',
      ask: `_http._tcp.${domain} PTR`,
      ...missing,
      by: 'table',
    },
    { name: 'and its instance', ask: `web._http._tcp.${domain} SRV`, ...missing, by: 'table' },
    {
      name: 'other namespaces have their own',
      ask: '_http._tcp.other.svc.cluster.local. PTR',
      answer: ['_http._tcp.other.svc.cluster.local. 5 IN PTR web._http._tcp.other.svc.cluster.local.'],
    },
    {
      name: 'a namespace that goes takes its names along',
      when: 'remove namespace other',
      ask: '_http._tcp.other.svc.cluster.local. PTR',
      ...missing,
      by: 'table',
    },
    { name: 'those above them too', ask: '_udp.other.svc.cluster.local. A', ...missing, by: 'table' },
    {
      name: 'and brings them back',
      when: 'namespace other',
      ask: '_http._tcp.other.svc.cluster.local. PTR',
      answer: ['_http._tcp.other.svc.cluster.local. 5 IN PTR web._http._tcp.other.svc.cluster.local.'],
      by: 'table',
    },
  ],
})

spec('dns_sd with other options', {
  options: `dns_sd
            ignore empty_service
            namespaces shop
            multicluster clusterset.local`,
  zones: 'cluster.local clusterset.local in-addr.arpa',
  cluster: `service web shop 10.0.0.1
            service web other 10.0.0.2
            endpoint web other 10.1.0.1 ready
            import web shop 10.0.0.3`,
  cases: [
    { name: 'a service that `ignore empty_service` hides is not listed', ask: `_http._tcp.${domain} PTR`, ...missing },
    {
      name: 'until it has an endpoint',
      when: 'endpoint web shop 10.1.0.9 ready',
      ask: `_http._tcp.${domain} PTR`,
      answer: ptr(`_http._tcp.${domain}`, 'web._http._tcp'),
      by: 'table',
    },
    {
      name: 'and as long as it has one',
      when: 'endpoint web shop 10.1.0.9 notReady',
      ask: `_services._dns-sd._udp.${domain} PTR`,
      ...nothing,
      by: 'table',
    },
    {
      name: 'namespaces that are not shown cannot be browsed',
      ask: '_http._tcp.other.svc.cluster.local. PTR',
      ...missing,
    },
    {
      name: 'nor are they among the domains',
      ask: 'b._dns-sd._udp.cluster.local. PTR',
      answer: [`b._dns-sd._udp.cluster.local. 5 IN PTR ${domain}`],
    },
    {
      name: 'multicluster zones have none',
      ask: '_http._tcp.shop.svc.clusterset.local. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'clusterset.local.', 0)],
    },
  ],
})

spec('dns_sd while the cluster has not been read', {
  options: 'dns_sd',
  unsynced: true,
  cluster: 'service web shop 10.0.0.1',
  cases: [
    { name: 'no list is told', ask: `_http._tcp.${domain} PTR`, rcode: 'SERVFAIL', authority: [soa()] },
    {
      name: 'until it is whole',
      when: `synced services
             synced namespaces
             synced endpointslices`,
      ask: `_http._tcp.${domain} PTR`,
      answer: ptr(`_http._tcp.${domain}`, 'web._http._tcp'),
      by: 'table',
    },
  ],
})
