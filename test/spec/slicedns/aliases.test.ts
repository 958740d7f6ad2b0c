/**
 * Names that services take besides their own: annotation `slicedns.io/alias`, option `alias_zones`
 * (docs/design.md §10).
 */
import { soa, spec } from '../../support/cases.ts'

const zone = 'apps.example.'
const web = 'web.shop.svc.cluster.local.'
/** Of a zone for aliases: it has no names of its own. */
const aliasSoa = (name = zone): string =>
  `${name} 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1577836800 7200 1800 86400 5`

spec('an alias answers what the name of its service answers', {
  options: 'alias_zones apps.example',
  cluster: `service web shop 10.0.0.1,fd00::1 ports http:TCP:80
            endpoint web shop 10.1.0.1 ready
            service db shop headless ports sql:TCP:5432
            endpoint db shop 10.1.0.5 ready hostname db-0
            service api shop external api.example.org`,
  cases: [
    { name: 'names without an alias go on to the next plugin', ask: `web.${zone} A`, fallsThrough: true },
    {
      name: 'an alias has the A records of its service',
      when: 'annotate service web shop slicedns.io/alias web.apps.example, WWW.shop.apps.example.',
      ask: `web.${zone} A`,
      answer: [`web.${zone} 5 IN A 10.0.0.1`],
      by: 'table',
    },
    {
      name: 'an alias has the AAAA records of its service',
      ask: `web.${zone} AAAA`,
      answer: [`web.${zone} 5 IN AAAA fd00::1`],
      by: 'table',
    },
    {
      name: 'each of several aliases has the records of the service',
      ask: `www.shop.${zone} A`,
      answer: [`www.shop.${zone} 5 IN A 10.0.0.1`],
      by: 'table',
    },
    {
      name: 'SRV of an alias has the service as its target',
      ask: `web.${zone} SRV`,
      answer: [`web.${zone} 5 IN SRV 0 50 80 ${web}`],
      additional: [`${web} 5 IN A 10.0.0.1`, `${web} 5 IN AAAA fd00::1`],
      by: 'table',
    },
    {
      name: 'SRV of a port below an alias has the service as its target',
      ask: `_http._tcp.web.${zone} SRV`,
      answer: [`_http._tcp.web.${zone} 5 IN SRV 0 50 80 ${web}`],
      additional: [`${web} 5 IN A 10.0.0.1`, `${web} 5 IN AAAA fd00::1`],
      by: 'table',
    },
    {
      name: 'a port that the service of an alias has not is denied',
      ask: `_https._tcp.web.${zone} SRV`,
      rcode: 'NXDOMAIN',
      authority: [aliasSoa()],
    },
    {
      name: 'TXT of an alias without metadata is NODATA of the zone of the alias',
      ask: `web.${zone} TXT`,
      authority: [aliasSoa()],
      by: 'table',
    },
    {
      name: 'SOA, NS and other types of an alias are NODATA',
      ask: `web.${zone} SOA`,
      authority: [aliasSoa()],
      by: 'table',
    },
    {
      name: 'TXT of an alias is the metadata of its service',
      when: 'annotate service web shop txt.slicedns.io/model llama-3',
      ask: `web.${zone} TXT`,
      answer: [`web.${zone} 5 IN TXT "model=llama-3"`],
      by: 'table',
    },
    {
      name: 'the service of an alias keeps its name, and its address points there alone',
      ask: '1.0.0.10.in-addr.arpa. PTR',
      answer: [`1.0.0.10.in-addr.arpa. 5 IN PTR ${web}`],
    },
    {
      name: 'the gRPC service config of a service is below its alias, too',
      when: 'annotate service web shop slicedns.io/grpc-config {}',
      ask: `_grpc_config.web.${zone} TXT`,
      answer: [`_grpc_config.web.${zone} 5 IN TXT "grpc_config=[{\\"serviceConfig\\":{}}]"`],
      by: 'table',
    },
    {
      name: 'the endpoints that a service lists are below its alias, too',
      when: 'annotate service web shop slicedns.io/endpoints true',
      ask: `_endpoints.web.${zone} A`,
      answer: [`_endpoints.web.${zone} 5 IN A 10.1.0.1`],
    },
    {
      name: 'names below an alias that are no ports are the next plugin’s',
      ask: `a.web.${zone} A`,
      fallsThrough: true,
    },
    {
      name: 'an alias follows the address of its service',
      when: 'service web shop 10.0.0.2 ports http:TCP:8080',
      ask: `_http._tcp.web.${zone} SRV`,
      answer: [`_http._tcp.web.${zone} 5 IN SRV 0 100 8080 ${web}`],
      additional: [`${web} 5 IN A 10.0.0.2`],
      by: 'table',
    },
    {
      name: 'an alias of a headless service has its endpoints',
      when: 'annotate service db shop slicedns.io/alias db.apps.example',
      ask: `_sql._tcp.db.${zone} SRV`,
      answer: [`_sql._tcp.db.${zone} 5 IN SRV 0 100 5432 db-0.db.shop.svc.cluster.local.`],
      additional: ['db-0.db.shop.svc.cluster.local. 5 IN A 10.1.0.5'],
      by: 'table',
    },
    {
      name: 'an alias of a headless service follows the endpoints',
      when: 'endpoint db shop 10.1.0.6 ready',
      ask: `db.${zone} A`,
      answer: [`db.${zone} 5 IN A 10.1.0.5`, `db.${zone} 5 IN A 10.1.0.6`],
      by: 'table',
    },
    {
      name: 'an alias without a ready endpoint does not exist, as the headless service does not',
      when: `endpoint db shop 10.1.0.5 notReady
             endpoint db shop 10.1.0.6 notReady`,
      ask: `db.${zone} A`,
      rcode: 'NXDOMAIN',
      authority: [aliasSoa()],
    },
    {
      name: 'an alias of an ExternalName has its CNAME',
      when: 'annotate service api shop slicedns.io/alias api.apps.example',
      ask: `api.${zone} CNAME`,
      answer: [`api.${zone} 5 IN CNAME api.example.org.`],
      by: 'table',
    },
    {
      name: 'an alias of an ExternalName has what the CNAME leads to',
      ask: `api.${zone} A`,
      answer: [`api.${zone} 5 IN CNAME api.example.org.`, 'api.example.org. 60 IN A 192.0.2.7'],
      elsewhere: { 'api.example.org. A': ['api.example.org. 60 IN A 192.0.2.7'] },
    },
    {
      name: 'an alias that is taken back does not exist',
      when: 'annotate service web shop slicedns.io/alias web.apps.example',
      ask: `www.shop.${zone} A`,
      fallsThrough: true,
    },
    {
      name: 'all aliases of a service are gone with it',
      when: 'remove service web shop',
      ask: `web.${zone} A`,
      fallsThrough: true,
    },
    {
      name: 'the names below the aliases of a service are gone with it',
      ask: `_http._tcp.web.${zone} SRV`,
      fallsThrough: true,
    },
  ],
})

spec('of services that want the same alias the oldest has it', {
  options: 'alias_zones apps.example',
  cluster: `service new shop 10.0.0.1 created 2025
            annotate service new shop slicedns.io/alias web.apps.example
            service a zoo 10.0.0.3 created 2024
            service b app 10.0.0.4 created 2024`,
  cases: [
    {
      name: 'the first service that wants an alias has it while no other does',
      ask: `web.${zone} A`,
      answer: [`web.${zone} 5 IN A 10.0.0.1`],
      by: 'table',
    },
    {
      name: 'an older service has the alias, whenever it asks',
      when: 'annotate service a zoo slicedns.io/alias web.apps.example',
      ask: `web.${zone} A`,
      answer: [`web.${zone} 5 IN A 10.0.0.3`],
      by: 'table',
    },
    {
      name: 'the first by namespace and name of two services of the same second has the alias',
      when: 'annotate service b app slicedns.io/alias web.apps.example',
      ask: `web.${zone} A`,
      answer: [`web.${zone} 5 IN A 10.0.0.4`],
      by: 'table',
    },
    {
      name: 'the next service takes the alias over when the oldest goes',
      when: 'remove service b app',
      ask: `web.${zone} A`,
      answer: [`web.${zone} 5 IN A 10.0.0.3`],
      by: 'table',
    },
    {
      name: 'the next service takes the alias over when the oldest gives it up',
      when: 'annotate service a zoo slicedns.io/alias',
      ask: `_http._tcp.web.${zone} SRV`,
      answer: [`_http._tcp.web.${zone} 5 IN SRV 0 100 80 new.shop.svc.cluster.local.`],
      additional: ['new.shop.svc.cluster.local. 5 IN A 10.0.0.1'],
      by: 'table',
    },
    {
      name: 'the next service takes the alias over when the namespace of the oldest does not exist',
      when: `annotate service a zoo slicedns.io/alias web.apps.example
             remove namespace zoo`,
      ask: `web.${zone} A`,
      answer: [`web.${zone} 5 IN A 10.0.0.1`],
      by: 'table',
    },
  ],
})

spec('where an alias may be', {
  zones: 'cluster.local in-addr.arpa ip6.arpa',
  options: `alias_zones apps.example local svc.cluster.local in-addr.arpa
            fallthrough in-addr.arpa`,
  cluster: `service web shop 10.0.0.1
            service evil bad 10.6.6.6
            annotate service evil bad slicedns.io/alias web.shop.svc.cluster.local,nosuch.shop.svc.cluster.local,google.com.bad.svc.cluster.local,google.com.svc.cluster.local,google.com.cluster.local,cluster.local,svc.cluster.local,shop.svc.cluster.local,1-2-3-4.shop.pod.cluster.local,dns-version.cluster.local,ns.dns.cluster.local,1.0.0.10.in-addr.arpa,google.com,apps.example,*.apps.example,_http._tcp.web.apps.example,evil.example,evil.local,good.apps.example`,
  cases: [
    {
      name: 'an alias may be in a zone of alias_zones',
      ask: `good.${zone} A`,
      answer: [`good.${zone} 5 IN A 10.6.6.6`],
      by: 'table',
    },
    {
      name: 'an alias may be outside of a cluster zone that its zone holds',
      ask: 'evil.local. A',
      answer: ['evil.local. 5 IN A 10.6.6.6'],
    },
    {
      name: 'an alias must not be at the name of another service',
      ask: `${web} A`,
      answer: [`${web} 5 IN A 10.0.0.1`],
    },
    ...[
      'nosuch.shop.svc.cluster.local.',
      'google.com.bad.svc.cluster.local.',
      'google.com.svc.cluster.local.',
      'google.com.cluster.local.',
      '1-2-3-4.shop.pod.cluster.local.',
    ].map((name) => ({
      name: `an alias must not be at ${name}: search paths lead there`,
      ask: `${name} A`,
      rcode: 'NXDOMAIN',
      authority: [soa()],
    })),
    ...['cluster.local.', 'svc.cluster.local.', 'shop.svc.cluster.local.'].map((name) => ({
      name: `an alias must not be at ${name}`,
      ask: `${name} A`,
      authority: [soa()],
    })),
    {
      name: 'an alias must not be at dns-version',
      ask: 'dns-version.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    ...['google.com.', 'evil.example.', 'apps.example.', `*.${zone}`, `_http._tcp.web.${zone}`, 'local.'].map(
      (name) => ({
        name: `an alias must not be at ${name}`,
        ask: `${name} A`,
        fallsThrough: true,
      }),
    ),
    {
      name: 'an alias must not be at a reverse name',
      ask: '1.0.0.10.in-addr.arpa. PTR',
      answer: ['1.0.0.10.in-addr.arpa. 5 IN PTR web.shop.svc.cluster.local.'],
    },
  ],
})

spec('a zone for aliases in the cluster’s own zone', {
  options: 'alias_zones cluster.local in.cluster.local',
  cluster: `service web shop 10.0.0.1
            annotate service web shop slicedns.io/alias web.cluster.local, a.in.cluster.local, google.com.svc.cluster.local, api.stripe.com.cluster.local, c.b.in.cluster.local`,
  cases: [
    {
      name: 'a zone for aliases in the cluster’s own zone has aliases',
      ask: 'web.cluster.local. A',
      answer: ['web.cluster.local. 5 IN A 10.0.0.1'],
      by: 'table',
    },
    {
      name: 'a zone for aliases in the cluster’s own zone denies with its SOA',
      ask: 'web.cluster.local. AAAA',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'a zone for aliases in the cluster’s own zone denies what has no alias',
      ask: 'nosuch.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'a zone for aliases in the cluster’s own zone opens no name of services',
      ask: 'google.com.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'a zone inside a zone for aliases has aliases too',
      ask: 'a.in.cluster.local. A',
      answer: ['a.in.cluster.local. 5 IN A 10.0.0.1'],
      by: 'table',
    },
    {
      name: 'an alias in the cluster’s own zone has one label: search paths lead lookups of outside names there',
      ask: 'api.stripe.com.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'an alias of two labels in a zone inside the cluster’s own zone is the next plugin’s',
      ask: 'c.b.in.cluster.local. A',
      fallsThrough: true,
    },
    {
      name: 'other names of a zone inside a zone for aliases are the next plugin’s',
      ask: 'b.in.cluster.local. A',
      fallsThrough: true,
    },
    {
      name: 'the apex of a zone inside a zone for aliases is the next plugin’s',
      ask: 'in.cluster.local. A',
      fallsThrough: true,
    },
  ],
})

spec('the root as a zone for aliases opens every name but those of Kubernetes', {
  options: 'alias_zones .',
  cluster: `service web shop 10.0.0.1
            annotate service web shop slicedns.io/alias web.example, com, google.com.svc.cluster.local, google.com.cluster.local`,
  cases: [
    {
      name: 'an alias in the root zone may be outside of the cluster’s zone',
      ask: 'web.example. A',
      answer: ['web.example. 5 IN A 10.0.0.1'],
      by: 'table',
    },
    {
      name: 'an alias in the root zone may have one label',
      ask: '_http._tcp.com. SRV',
      by: 'table',
      answer: ['_http._tcp.com. 5 IN SRV 0 100 80 web.shop.svc.cluster.local.'],
      additional: ['web.shop.svc.cluster.local. 5 IN A 10.0.0.1'],
    },
    {
      name: 'an alias in the root zone is denied with the SOA of the root',
      ask: 'web.example. TXT',
      authority: [aliasSoa('.')],
      by: 'table',
    },
    {
      name: 'an alias in the root zone must not be a name of services',
      ask: 'google.com.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'an alias in the root zone must not be the zone of the cluster',
      ask: 'google.com.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    { name: 'names without an alias in the root zone are the next plugin’s', ask: 'google.com. A', fallsThrough: true },
  ],
})

spec('the alias of a split', {
  options: 'alias_zones apps.example',
  cluster: `service web shop 10.0.0.1
            service stable shop 10.0.0.2
            endpoint stable shop 10.1.0.2 ready
            service canary shop headless
            endpoint canary shop 10.1.0.1 ready
            annotate service web shop slicedns.io/alias web.apps.example
            annotate service web shop slicedns.io/split stable=100,canary=0`,
  cases: [
    {
      name: 'the alias of a split is the split',
      ask: `web.${zone} A`,
      answer: [`web.${zone} 5 IN A 10.0.0.2`],
      by: 'table',
    },
    {
      name: 'the alias of a split follows its weights',
      when: 'annotate service web shop slicedns.io/split stable=0,canary=100',
      ask: `web.${zone} A`,
      answer: [`web.${zone} 5 IN A 10.1.0.1`],
      by: 'table',
    },
    {
      name: 'the alias of a split follows its backends',
      when: 'endpoint canary shop 10.1.0.1 notReady',
      ask: `web.${zone} A`,
      answer: [`web.${zone} 5 IN A 10.0.0.2`],
      by: 'table',
    },
  ],
})

spec('without alias_zones', {
  cluster: `service web shop 10.0.0.1
            annotate service web shop slicedns.io/alias web.apps.example,google.com.cluster.local`,
  cases: [
    { name: 'aliases do not exist without alias_zones', ask: `web.${zone} A`, fallsThrough: true },
    {
      name: 'aliases in the cluster’s zone do not exist without alias_zones',
      ask: 'google.com.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
  ],
})

spec('while the cluster has not been read', {
  unsynced: true,
  options: `alias_zones apps.example
            startup_timeout 5s`,
  cluster: `service web shop 10.0.0.1
            annotate service web shop slicedns.io/alias web.apps.example`,
  cases: [
    {
      name: 'a name in a zone for aliases may be one: SERVFAIL',
      ask: `web.${zone} A`,
      rcode: 'SERVFAIL',
      authority: [aliasSoa()],
    },
    { name: 'zones without aliases do not wait for the cluster', ask: 'web.example. A', fallsThrough: true },
    {
      name: 'a name in a zone for aliases is the next plugin’s once the startup timeout is over',
      passed: 5000,
      ask: `web.${zone} A`,
      fallsThrough: true,
    },
    {
      name: 'an alias is answered when the cluster has been read',
      when: `synced services
             synced namespaces
             synced endpointslices`,
      ask: `web.${zone} A`,
      answer: [`web.${zone} 5 IN A 10.0.0.1`],
      by: 'table',
    },
  ],
})
