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
  ].map((ask) => ({ name: `the name ${ask} does not exist without dns_sd`, ask, ...missing })),
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
      name: 'RFC 6763 §4: the instances of a type, without ExternalName services, which have no SRV record',
      ask: `_http._tcp.${domain} PTR`,
      answer: ptr(`_http._tcp.${domain}`, 'web._http._tcp'),
      by: 'table',
    },
    {
      name: 'other types of record are NODATA at the names of browsing',
      ask: `_http._tcp.${domain} A`,
      ...nothing,
      by: 'table',
    },
    {
      name: 'RFC 6763 §5: where the instance is, as its port says',
      ask: `web._http._tcp.${domain} SRV`,
      answer: [`web._http._tcp.${domain} 5 IN SRV 0 100 80 web.${domain}`],
      additional: [`web.${domain} 5 IN A 10.0.0.1`],
    },
    {
      name: 'an instance is answered from the table, once it was asked for',
      ask: `web._http._tcp.${domain} SRV`,
      answer: [`web._http._tcp.${domain} 5 IN SRV 0 100 80 web.${domain}`],
      additional: [`web.${domain} 5 IN A 10.0.0.1`],
      by: 'table',
    },
    {
      name: 'RFC 6763 §6.1: an instance without metadata has an empty TXT record',
      ask: `web._http._tcp.${domain} TXT`,
      answer: [`web._http._tcp.${domain} 5 IN TXT ""`],
    },
    {
      name: 'an instance has the metadata of its service as TXT record',
      when: 'annotate service web shop txt.slicedns.io/path /v1',
      ask: `web._http._tcp.${domain} TXT`,
      answer: [`web._http._tcp.${domain} 5 IN TXT "path=/v1"`],
      by: 'table',
    },
    { name: 'an instance has no addresses of its own', ask: `web._http._tcp.${domain} A`, ...nothing },
    {
      name: 'an instance of a headless service has its endpoints as targets',
      ask: `db._sql._tcp.${domain} SRV`,
      answer: [`db._sql._tcp.${domain} 5 IN SRV 0 100 5432 db-0.db.${domain}`],
      additional: [`db-0.db.${domain} 5 IN A 10.1.0.5`],
    },
    {
      name: 'a headless service without endpoints stays an instance: NODATA',
      when: 'endpoint db shop 10.1.0.5 notReady',
      ask: `db._sql._tcp.${domain} SRV`,
      ...nothing,
    },
    {
      name: 'a headless service without endpoints stays in the list of instances',
      ask: `_sql._tcp.${domain} PTR`,
      answer: ptr(`_sql._tcp.${domain}`, 'db._sql._tcp'),
    },
    { name: 'a type that nobody offers does not exist', ask: `_ftp._tcp.${domain} PTR`, ...missing, by: 'table' },
    { name: 'an instance does not exist below another type', ask: `web._sql._tcp.${domain} SRV`, ...missing },
    { name: 'an instance of no service does not exist', ask: `nosuch._http._tcp.${domain} SRV`, ...missing },
    {
      name: 'names above those of browsing are there, without records',
      ask: `_tcp.${domain} A`,
      ...nothing,
      by: 'table',
    },
    {
      name: 'the enumeration of services has no records of another type',
      ask: `_dns-sd._udp.${domain} TXT`,
      ...nothing,
      by: 'table',
    },
    { name: 'names of other protocols do not exist', ask: `_sctp.${domain} A`, ...missing },
    {
      name: 'RFC 6763 §11: a search domain of pods is a domain to browse',
      ask: `b._dns-sd._udp.${domain} PTR`,
      answer: [`b._dns-sd._udp.${domain} 5 IN PTR ${domain}`],
      by: 'table',
    },
    {
      name: 'the default search domain is a domain to browse',
      ask: `lb._dns-sd._udp.${domain} PTR`,
      answer: [`lb._dns-sd._udp.${domain} 5 IN PTR ${domain}`],
      by: 'table',
    },
    {
      name: 'the zone lists its namespaces as domains to browse',
      ask: 'b._dns-sd._udp.cluster.local. PTR',
      answer: ['default', 'other', 'shop'].map(
        (name) => `b._dns-sd._udp.cluster.local. 5 IN PTR ${name}.svc.cluster.local.`,
      ),
      by: 'chain',
    },
    { name: 'the zone lists no namespace by default', ask: 'lb._dns-sd._udp.cluster.local. PTR', ...missing },
    {
      name: 'a service that comes is listed at once',
      when: 'service shop shop 10.0.0.11 ports http:TCP:8080,ssh:TCP:22',
      ask: `_http._tcp.${domain} PTR`,
      answer: ptr(`_http._tcp.${domain}`, 'shop._http._tcp', 'web._http._tcp'),
      by: 'table',
    },
    {
      name: 'a type that was not there before comes with its service',
      ask: `_ssh._tcp.${domain} PTR`,
      answer: ptr(`_ssh._tcp.${domain}`, 'shop._ssh._tcp'),
      by: 'table',
    },
    {
      name: 'a service that changes its ports changes its types',
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
    { name: 'a protocol that somebody offers is still there', ask: `_sctp.${domain} A`, ...nothing, by: 'table' },
    {
      name: 'a service that goes is gone from the lists',
      when: 'remove service web shop',
      ask: `_http._tcp.${domain} PTR`,
      ...missing,
      by: 'table',
    },
    {
      name: 'the instance of a service that goes is gone',
      ask: `web._http._tcp.${domain} SRV`,
      ...missing,
      by: 'table',
    },
    {
      name: 'other namespaces have their own types',
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
    {
      name: 'names above those of browsing go with their namespace',
      ask: '_udp.other.svc.cluster.local. A',
      ...missing,
      by: 'table',
    },
    {
      name: 'a namespace that comes back brings its names back',
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
      name: 'a service that `ignore empty_service` hides is listed when it has an endpoint',
      when: 'endpoint web shop 10.1.0.9 ready',
      ask: `_http._tcp.${domain} PTR`,
      answer: ptr(`_http._tcp.${domain}`, 'web._http._tcp'),
      by: 'table',
    },
    {
      name: 'a service is listed as long as it has an endpoint, with `ignore empty_service`',
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
      name: 'namespaces that are not shown are not among the domains',
      ask: 'b._dns-sd._udp.cluster.local. PTR',
      answer: [`b._dns-sd._udp.cluster.local. 5 IN PTR ${domain}`],
    },
    {
      name: 'multicluster zones have no names of browsing',
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
    {
      name: 'lists of browsing are SERVFAIL until the cluster has been read',
      ask: `_http._tcp.${domain} PTR`,
      rcode: 'SERVFAIL',
      authority: [soa()],
    },
    {
      name: 'lists of browsing are answered when the cluster has been read',
      when: `synced services
             synced namespaces
             synced endpointslices`,
      ask: `_http._tcp.${domain} PTR`,
      answer: ptr(`_http._tcp.${domain}`, 'web._http._tcp'),
      by: 'table',
    },
  ],
})
