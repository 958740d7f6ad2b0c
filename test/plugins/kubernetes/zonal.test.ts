/** Names of a headless service's endpoints in one topology zone (docs/coredns-behaviour.md §4.2 and §4.3). */
import { soa, spec } from '../../support/cases.ts'

const base = 'hdls.testns.svc.cluster.local.'
const cluster = `
  service hdls testns headless
  endpoint hdls testns 172.0.0.2 ready zone us-east-1a
  endpoint hdls testns 172.0.0.3 ready zone us-east-1b hostname pet
  endpoint hdls testns 172.0.0.4 notReady zone us-east-1c
  endpoint hdls testns 172.0.0.5 ready
  endpoint hdls testns fd00::2 ready zone us-east-1a
  endpoint hdls testns 172.0.1.1 ready zone dc.one.example slice hdls-more
  service web testns 10.3.0.1
  endpoint web testns 172.0.0.9 ready zone us-east-1a
  service ext testns external www.example.com
  service bare testns headless`

spec('zonal', {
  options: 'zonal',
  cluster,
  cases: [
    {
      name: 'the mode pin has the ready endpoints of that zone',
      ask: `us-east-1a.pin._zone.${base} A`,
      answer: [`us-east-1a.pin._zone.${base} 5 IN A 172.0.0.2`],
    },
    {
      name: 'the mode pin has endpoints in both families',
      ask: `us-east-1a.pin._zone.${base} AAAA`,
      answer: [`us-east-1a.pin._zone.${base} 5 IN AAAA fd00::2`],
    },
    {
      name: 'SRV of a topology zone has the usual names of the endpoints',
      ask: `us-east-1b.pin._zone.${base} SRV`,
      answer: [`us-east-1b.pin._zone.${base} 5 IN SRV 0 100 80 pet.${base}`],
      additional: [`pet.${base} 5 IN A 172.0.0.3`],
    },
    {
      name: 'the name of a topology zone may have dots',
      ask: `dc.one.example.pin._zone.${base} A`,
      answer: [`dc.one.example.pin._zone.${base} 5 IN A 172.0.1.1`],
    },
    {
      name: 'the mode prefer has the ready endpoints of that zone',
      ask: `us-east-1b.prefer._zone.${base} A`,
      answer: [`us-east-1b.prefer._zone.${base} 5 IN A 172.0.0.3`],
    },
    ...['A', 'AAAA', 'SRV', 'TXT', 'CNAME', 'HTTPS'].map((type) => ({
      name: `the mode pin without a ready endpoint in the zone is NODATA for ${type}`,
      ask: `us-east-1c.pin._zone.${base} ${type}`,
      authority: [soa()],
    })),
    {
      name: 'the mode pin to a zone that nobody has heard of is NODATA',
      ask: `nowhere.pin._zone.${base} A`,
      authority: [soa()],
    },
    {
      name: 'the mode prefer without an endpoint in the zone has all of the service',
      ask: `us-east-1c.prefer._zone.${base} A`,
      answer: ['172.0.0.2', '172.0.0.3', '172.0.0.5', '172.0.1.1'].map(
        (address) => `us-east-1c.prefer._zone.${base} 5 IN A ${address}`,
      ),
    },
    ...['pin', 'prefer'].map((mode) => ({
      name: `the mode ${mode} of a service without endpoints: the name exists all the same`,
      ask: `us-east-1a.${mode}._zone.bare.testns.svc.cluster.local. A`,
      authority: [soa()],
    })),
    {
      name: 'the mode prefer without an endpoint of one family in the zone is NODATA for it',
      ask: `us-east-1b.prefer._zone.${base} AAAA`,
      authority: [soa()],
    },
    {
      name: 'TXT of a topology zone with endpoints is NODATA',
      ask: `us-east-1a.pin._zone.${base} TXT`,
      authority: [soa()],
    },
    ...[
      `_zone.${base}`,
      `pin._zone.${base}`,
      `us-east-1a.only._zone.${base}`,
      `us-east-1a.pin.zone.${base}`,
      'us-east-1a.pin._zone.web.testns.svc.cluster.local.',
      'us-east-1a.prefer._zone.ext.testns.svc.cluster.local.',
      'us-east-1a.pin._zone.missing.testns.svc.cluster.local.',
      'us-east-1a.pin._zone.hdls.elsewhere.svc.cluster.local.',
    ].map((name) => ({
      name: `the name ${name} does not exist`,
      ask: `${name} A`,
      rcode: 'NXDOMAIN',
      authority: [soa()],
    })),
    {
      name: 'an endpoint that comes to a topology zone is in the next answer',
      when: 'endpoint hdls testns 172.0.0.4 ready zone us-east-1c',
      ask: `us-east-1c.prefer._zone.${base} A`,
      answer: [`us-east-1c.prefer._zone.${base} 5 IN A 172.0.0.4`],
    },
    {
      name: 'an endpoint that moves to another topology zone is in the next answer',
      when: 'endpoint hdls testns 172.0.0.4 ready zone us-east-1d',
      ask: `us-east-1c.pin._zone.${base} A`,
      authority: [soa()],
    },
    {
      name: 'usual names stay in the table beside those of topology zones',
      ask: 'web.testns.svc.cluster.local. AAAA',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'names of topology zones are SERVFAIL before EndpointSlices have been read',
      when: 'pending endpointslices',
      ask: `us-east-1a.pin._zone.${base} A`,
      rcode: 'SERVFAIL',
      authority: [soa()],
    },
  ],
})

spec('without zonal', {
  cluster,
  cases: [
    {
      name: 'names of topology zones do not exist without the option zonal',
      ask: `us-east-1a.pin._zone.${base} A`,
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
  ],
})

spec('zonal beside multicluster', {
  zones: 'cluster.local clusterset.local',
  options: 'zonal\nmulticluster clusterset.local',
  cluster: `${cluster}
    import hdls testns headless
    endpoint hdls testns 10.9.0.1 ready zone us-east-1a cluster east`,
  cases: [
    {
      name: 'zonal holds for the cluster’s own zone',
      ask: `us-east-1a.pin._zone.${base} A`,
      answer: [`us-east-1a.pin._zone.${base} 5 IN A 172.0.0.2`],
    },
    {
      name: 'zonal does not hold for imported services',
      ask: 'us-east-1a.pin._zone.hdls.testns.svc.clusterset.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa(5, 'clusterset.local.', 0)],
    },
  ],
})
