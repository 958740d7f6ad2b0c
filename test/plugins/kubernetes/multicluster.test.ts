/** Zones whose services are imported from a cluster set (docs/coredns-behaviour.md §4.2 and §4.3, KEP-1645). */
import { soa, spec } from '../../support/cases.ts'

const zones = 'cluster.local clusterset.local in-addr.arpa'
const options = 'multicluster clusterset.local'
const denial = soa(5, 'clusterset.local.')
const base = 'testns.svc.clusterset.local.'

const cluster = `
  service web testns 10.3.0.1
  service local testns 10.3.0.2
  import web testns 10.42.0.1 ports http:TCP:80,admin:TCP:8443
  import dual testns 10.42.0.2,fd00:42::2
  import bare testns 10.42.0.3 ports none
  endpoint web testns 10.7.0.1 ready cluster east
  endpoint web testns 10.7.0.2 ready cluster east hostname second
  endpoint bare testns 10.7.3.1 ready cluster east
  import db testns headless
  endpoint db testns 10.7.1.1 ready cluster east hostname db-0
  endpoint db testns 10.7.1.2 notReady cluster east hostname db-1
  endpoint db testns 10.8.1.1 ready cluster west hostname db-0
  endpoint db testns 10.8.1.2 ready cluster West slice db-more
  import empty testns headless
  endpoint orphan testns 10.9.0.1 ready cluster east`

spec('a service of the cluster set', {
  zones,
  options,
  cluster,
  cases: [
    {
      name: 'an imported service with an address of its own has that address',
      ask: `web.${base} A`,
      answer: [`web.${base} 5 IN A 10.42.0.1`],
      by: 'table',
    },
    {
      name: 'an imported service of one family answers in that family',
      ask: `web.${base} AAAA`,
      authority: [denial],
      by: 'table',
    },
    {
      name: 'an imported service of two families answers in both',
      ask: `dual.${base} AAAA`,
      answer: [`dual.${base} 5 IN AAAA fd00:42::2`],
      by: 'table',
    },
    {
      name: 'SRV of an imported service has all ports of the import',
      ask: `web.${base} SRV`,
      answer: [80, 8443].map((port) => `web.${base} 5 IN SRV 0 50 ${port} web.${base}`),
      additional: [`web.${base} 5 IN A 10.42.0.1`],
      by: 'table',
    },
    {
      name: 'an imported service has its ports by name',
      ask: `_admin._tcp.web.${base} SRV`,
      answer: [`_admin._tcp.web.${base} 5 IN SRV 0 100 8443 web.${base}`],
      additional: [`web.${base} 5 IN A 10.42.0.1`],
      by: 'table',
    },
    {
      name: 'a label with one underscore makes the name one of a port',
      ask: `_admin.tcp.web.${base} SRV`,
      answer: [`_admin.tcp.web.${base} 5 IN SRV 0 100 8443 web.${base}`],
      additional: [`web.${base} 5 IN A 10.42.0.1`],
    },
    {
      name: 'labels without underscore make the name one of an endpoint and its cluster',
      ask: `admin.tcp.web.${base} SRV`,
      rcode: 'NXDOMAIN',
      authority: [denial],
    },
    {
      name: 'an import without ports does not exist',
      ask: `bare.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
      by: 'table',
    },
    {
      name: 'the endpoints of an import without ports exist',
      ask: `10-7-3-1.east.bare.${base} A`,
      answer: [`10-7-3-1.east.bare.${base} 5 IN A 10.7.3.1`],
      by: 'table',
    },
    {
      name: 'an imported endpoint has a name with its cluster',
      ask: `second.east.web.${base} A`,
      answer: [`second.east.web.${base} 5 IN A 10.7.0.2`],
    },
    {
      name: 'an imported endpoint has no name without its cluster',
      ask: `second.web.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
    },
    {
      name: 'an imported endpoint has no name with another cluster',
      ask: `second.west.web.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
    },
    {
      name: 'a cluster of the set has no name itself',
      ask: `east.web.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
    },
    {
      name: 'a service that was not imported does not exist',
      ask: `local.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
      by: 'table',
    },
    {
      name: 'slices of no import do not make a service exist',
      ask: `orphan.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
      by: 'table',
    },
    {
      name: 'the own cluster’s service of the same name is another one',
      ask: 'web.testns.svc.cluster.local. A',
      answer: ['web.testns.svc.cluster.local. 5 IN A 10.3.0.1'],
      by: 'table',
    },
    {
      name: 'the address of an imported service has no PTR',
      ask: '1.0.42.10.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
    },
    {
      name: 'the endpoints of an imported service have no PTR',
      ask: '1.1.7.10.in-addr.arpa. PTR',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'in-addr.arpa.')],
    },
    {
      name: 'the namespace of an imported service has a name',
      ask: 'testns.svc.clusterset.local. A',
      authority: [denial],
      by: 'table',
    },
    {
      name: 'dns-version has the version of the specification',
      ask: 'dns-version.clusterset.local. TXT',
      answer: ['dns-version.clusterset.local. 28800 IN TXT "1.1.0"'],
    },
  ],
})

spec('a headless service of the cluster set', {
  zones,
  options,
  cluster,
  cases: [
    {
      name: 'an imported headless service lists the ready endpoints of all clusters',
      ask: `db.${base} A`,
      answer: ['10.7.1.1', '10.8.1.1', '10.8.1.2'].map((address) => `db.${base} 5 IN A ${address}`),
      by: 'table',
    },
    {
      name: 'SRV of an imported headless service names endpoints with their clusters',
      ask: `db.${base} SRV`,
      answer: ['db-0.east', 'db-0.west', '10-8-1-2.West'].map(
        (name) => `db.${base} 5 IN SRV 0 33 80 ${name}.db.${base}`,
      ),
      additional: ['db-0.east 10.7.1.1', 'db-0.west 10.8.1.1', '10-8-1-2.West 10.8.1.2'].map((pair) => {
        const [name, address] = pair.split(' ')
        return `${name}.db.${base} 5 IN A ${address}`
      }),
      by: 'table',
    },
    {
      name: 'an endpoint of an imported headless service has a name with its cluster',
      ask: `db-0.west.db.${base} A`,
      answer: [`db-0.west.db.${base} 5 IN A 10.8.1.1`],
      by: 'table',
    },
    {
      name: 'the cluster in a name is found in any case',
      ask: `10-8-1-2.west.db.${base} A`,
      answer: [`10-8-1-2.west.db.${base} 5 IN A 10.8.1.2`],
      by: 'table',
    },
    {
      name: 'an imported endpoint that is not ready does not exist',
      ask: `db-1.east.db.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
    },
    {
      name: 'an imported headless service without endpoints does not exist',
      ask: `empty.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
    },
  ],
})

spec('changes of the cluster set', {
  zones,
  options,
  cluster,
  cases: [
    {
      name: 'a new import is in the next answer',
      when: 'import fresh testns 10.42.0.9',
      ask: `fresh.${base} A`,
      answer: [`fresh.${base} 5 IN A 10.42.0.9`],
      by: 'table',
    },
    {
      name: 'an import that changes its address has the new one',
      when: 'import fresh testns 10.42.0.10',
      ask: `fresh.${base} A`,
      answer: [`fresh.${base} 5 IN A 10.42.0.10`],
      by: 'table',
    },
    {
      name: 'an imported endpoint that leaves after it was asked for does not exist',
      when: 'remove endpoint db testns 10.8.1.1 slice db-ipv4-west',
      ask: `db-0.west.db.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
    },
    {
      name: 'an import that is withdrawn does not exist',
      when: 'remove import web testns',
      ask: `web.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
      by: 'table',
    },
    {
      name: 'the ports of a withdrawn import go with it',
      ask: `_http._tcp.web.${base} SRV`,
      rcode: 'NXDOMAIN',
      authority: [denial],
    },
    {
      name: 'an import does not exist without its namespace',
      when: 'remove namespace testns',
      ask: `dual.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
      by: 'table',
    },
    {
      name: 'an import exists again as soon as its namespace does',
      when: 'namespace testns',
      ask: `dual.${base} A`,
      answer: [`dual.${base} 5 IN A 10.42.0.2`],
      by: 'table',
    },
  ],
})

spec('the serial of a multicluster zone', {
  zones,
  options,
  cases: [
    {
      name: 'the serial of a multicluster zone is a clock of its own that additions do not move',
      when: `namespace testns
             import web testns 10.42.0.1
             endpoint web testns 10.7.0.1 ready cluster east`,
      ask: `web.${base} AAAA`,
      authority: [soa(5, 'clusterset.local.', 0)],
      by: 'table',
    },
    {
      name: 'the serial of the cluster’s own zone moves by such an addition',
      ask: 'testns.svc.cluster.local. A',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'the serial of a multicluster zone moves by updates',
      when: 'import web testns 10.42.0.1 ports http:TCP:81',
      ask: `web.${base} AAAA`,
      authority: [denial],
      by: 'table',
    },
  ],
})

spec('a cluster set that has not been read', {
  zones,
  options,
  unsynced: true,
  cluster,
  cases: [
    {
      name: 'a name of a cluster set that has not been read is not denied',
      when: `synced services
             synced namespaces
             synced endpointslices`,
      ask: `missing.${base} A`,
      rcode: 'SERVFAIL',
      authority: [denial],
      by: 'chain',
    },
    {
      name: 'a name of the cluster’s own zone is denied while the cluster set has not been read',
      ask: 'missing.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'imports with addresses answer before their slices have been read',
      when: 'synced serviceimports',
      ask: `web.${base} A`,
      answer: [`web.${base} 5 IN A 10.42.0.1`],
      by: 'table',
    },
    {
      name: 'missing names are denied before the slices of imports have been read',
      ask: `missing.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [denial],
      by: 'table',
    },
    {
      name: 'headless imports are not known before their slices have been read',
      ask: `db.${base} A`,
      rcode: 'SERVFAIL',
      authority: [denial],
      by: 'chain',
    },
    {
      name: 'headless imports are answered once their slices have been read',
      when: 'synced importedslices',
      ask: `db-0.east.db.${base} A`,
      answer: [`db-0.east.db.${base} 5 IN A 10.7.1.1`],
    },
  ],
})

spec('imports that may not be listed', {
  zones,
  options,
  cluster: `${cluster}
    forbidden serviceimports`,
  cases: [
    {
      name: 'imports that may not be listed are SERVFAIL',
      ask: `missing.${base} A`,
      rcode: 'SERVFAIL',
      authority: [denial],
      by: 'chain',
    },
    {
      name: 'imports that may not be listed harm no other zone',
      ask: 'missing.testns.svc.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
  ],
})

spec('multicluster with other options', {
  zones,
  options: `${options}\nignore empty_service\nnamespaces testns\nfallthrough clusterset.local\npods insecure`,
  cluster: `${cluster}
    import web elsewhere 10.42.1.1
    import idle testns 10.42.0.5`,
  cases: [
    {
      name: 'an import in a hidden namespace falls through',
      ask: 'web.elsewhere.svc.clusterset.local. A',
      fallsThrough: true,
    },
    {
      name: 'an import without endpoints falls through with ignore empty_service',
      ask: `idle.${base} A`,
      fallsThrough: true,
    },
    {
      name: 'an import with endpoints answers with ignore empty_service',
      ask: `web.${base} A`,
      answer: [`web.${base} 5 IN A 10.42.0.1`],
      by: 'table',
    },
    {
      name: 'pods have names in a multicluster zone too',
      ask: '10-0-0-1.testns.pod.clusterset.local. A',
      answer: ['10-0-0-1.testns.pod.clusterset.local. 5 IN A 10.0.0.1'],
    },
  ],
})
