/** What a router that finds its backends by DNS must not take for one another. */
import { soa, spec } from '../../support/cases.ts'

const name = (service: string): string => `${service}.shop.svc.cluster.local.`

spec('NXDOMAIN and NODATA for a router that finds its backends by DNS', {
  cluster: `namespace shop
    service headless shop headless
    endpoint headless shop 10.1.0.1 notReady
    service scaled shop headless
    service told shop headless
    annotate service told shop txt.slicedns.io/model a7
    service virtual shop 10.96.0.7`,
  cases: [
    {
      name: 'a Service that does not exist is NXDOMAIN',
      ask: `${name('unknown')} A`,
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'the ports of a Service that does not exist are NXDOMAIN',
      ask: `_http._tcp.${name('unknown')} SRV`,
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'a headless service without a ready pod is NXDOMAIN, as from CoreDNS',
      ask: `${name('headless')} A`,
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'a headless service scaled to nothing is NXDOMAIN',
      ask: `${name('scaled')} A`,
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'a headless service with metadata exists without an address',
      ask: `${name('told')} A`,
      authority: [soa()],
    },
    {
      name: 'a ClusterIP service without pods has its address',
      ask: `${name('virtual')} A`,
      answer: [`${name('virtual')} 5 IN A 10.96.0.7`],
    },
  ],
})

spec('SERVFAIL before the cluster has been read', {
  unsynced: true,
  cluster: `service virtual shop 10.96.0.7
    service headless shop headless`,
  cases: [
    {
      name: 'a Service that does not exist yet is SERVFAIL before the cluster has been read',
      ask: `${name('unknown')} A`,
      rcode: 'SERVFAIL',
      authority: [soa()],
    },
    {
      name: 'a headless service without a pod yet is SERVFAIL before the cluster has been read',
      ask: `${name('headless')} A`,
      rcode: 'SERVFAIL',
      authority: [soa()],
    },
  ],
})
