/**
 * Traffic splits: which Services can be backends, and which splits must not be (docs/design.md §10, Split semantics).
 */
import { soa, spec } from '../../support/cases.ts'
import { a, ask, missing, name, releases, split } from '../../support/split-cases.ts'

const elsewhere = { 'standby.example.org. A': ['standby.example.org. 60 IN A 192.0.2.1'] }

spec('a split: backends elsewhere', {
  options: 'namespaces shop other',
  cluster: `namespace shop
            namespace other
            namespace hidden
            ${releases}
            service web other 10.0.1.1
            endpoint web other 10.1.1.1 ready
            service web hidden 10.0.2.1
            endpoint web hidden 10.1.2.1 ready
            ${split('stable=50,web.other=25,web.hidden=20,web.nowhere=5')}`,
  cases: [
    {
      name: 'the backends of a split are in the namespace that they name',
      ask,
      drawn: 0.67,
      answer: [a('web.shop', '10.0.1.1')],
      by: 'table',
    },
    {
      name: 'the backends of a split are passed over where the Corefile hides it',
      ask,
      drawn: 0.66,
      answer: [a('web.shop', '10.0.0.2')],
    },
    {
      name: 'the backends of a split are passed over when their namespace goes',
      when: 'remove namespace other',
      ask,
      drawn: 0.99,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'the backends of a split are there again when it comes back',
      when: 'namespace other',
      ask,
      drawn: 0.99,
      answer: [a('web.shop', '10.0.1.1')],
      by: 'table',
    },
    {
      name: 'the backends of a split do not keep it when its own namespace goes',
      when: 'remove namespace shop',
      ask,
      ...missing,
    },
  ],
})

spec('a split with an ExternalName', {
  cluster: `${releases}
            service standby shop external standby.example.org ports none
            ${split('stable=100,standby=0')}`,
  cases: [
    {
      name: 'a split is the table’s while its ExternalName is not drawn',
      ask,
      drawn: 0.9,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'a split is a CNAME to the other place when only an ExternalName is left',
      when: 'endpoint stable shop 10.1.0.2 notReady',
      ask,
      elsewhere,
      answer: [`${name('web.shop')} 5 IN CNAME standby.example.org.`, 'standby.example.org. 60 IN A 192.0.2.1'],
      by: 'chain',
    },
    {
      name: 'a CNAME question gets the CNAME of a split whose ExternalName alone is left',
      ask: `${name('web.shop')} CNAME`,
      answer: [`${name('web.shop')} 5 IN CNAME standby.example.org.`],
      by: 'table',
    },
    {
      name: 'a split comes back to addresses with the first ready endpoint',
      when: 'endpoint stable shop 10.1.0.2 ready',
      ask,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'a split is the chain’s while an ExternalName and others can be drawn',
      when: split('stable=70,standby=30'),
      ask,
      drawn: 0.69,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'chain',
    },
    {
      name: 'an ExternalName is drawn on the chain like any other backend',
      ask,
      drawn: 0.71,
      elsewhere,
      answer: [`${name('web.shop')} 5 IN CNAME standby.example.org.`, 'standby.example.org. 60 IN A 192.0.2.1'],
      by: 'chain',
    },
    {
      name: 'a split with an ExternalName has no CNAME while it is more than that',
      ask: `${name('web.shop')} CNAME`,
      authority: [soa()],
    },
    {
      name: 'an ExternalName that leads to a split draws there',
      when: 'service alias shop external web.shop.svc.cluster.local',
      ask: `${name('alias.shop')} A`,
      drawn: 0,
      answer: [`${name('alias.shop')} 5 IN CNAME ${name('web.shop')}`, a('web.shop', '10.0.0.2')],
      by: 'chain',
    },
    {
      name: 'an ExternalName that leads back to the split ends there',
      when: 'service standby shop external web.shop.svc.cluster.local',
      ask,
      drawn: 0.9,
      authority: [soa()],
    },
    {
      name: 'an ExternalName whose name is an address is passed over',
      when: 'service standby shop external 192.0.2.1',
      ask,
      drawn: 0.9,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
  ],
})

spec('a split that must not be one', {
  cluster: `${releases}
            ${split('stable=90,canary=10')}
            annotate service canary shop slicedns.io/split stable=1`,
  cases: [
    {
      name: 'a split whose backend is a split answers as if it had no annotation',
      ask,
      answer: [a('web.shop', '10.0.0.1')],
      by: 'table',
    },
    {
      name: 'a split whose backend is a split leaves that backend a split',
      ask: `${name('canary.shop')} A`,
      answer: [a('canary.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'a split is one when its backend is no split any more',
      when: 'annotate service canary shop slicedns.io/split',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.1.0.3'), a('web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'a split is one when its backend’s annotation is invalid',
      when: 'annotate service canary shop slicedns.io/split nonsense',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.1.0.3'), a('web.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'two services that have each other for a backend are no splits',
      when: 'annotate service canary shop slicedns.io/split web=1',
      ask,
      answer: [a('web.shop', '10.0.0.1')],
      by: 'table',
    },
    {
      name: 'the other of two services that have each other for a backend is no split, either',
      ask: `${name('canary.shop')} A`,
      answer: [a('canary.shop', '10.1.0.3'), a('canary.shop', '10.1.0.4')],
      by: 'table',
    },
    {
      name: 'a service that has itself for a backend is no split',
      when: `annotate service canary shop slicedns.io/split
             ${split('web=50,canary=50')}`,
      ask,
      answer: [a('web.shop', '10.0.0.1')],
    },
    {
      name: 'a service whose backend is there twice, with and without its namespace, is no split',
      when: split('canary=50,canary.shop=50'),
      ask,
      answer: [a('web.shop', '10.0.0.1')],
    },
    {
      name: 'a service whose annotation cannot be read is no split',
      when: split('canary'),
      ask,
      answer: [a('web.shop', '10.0.0.1')],
    },
  ],
})

spec('a split while EndpointSlices may not be read', {
  cluster: `${releases}
            ${split('stable=90,canary=10')}
            forbidden endpointslices`,
  cases: [
    {
      name: 'a split without EndpointSlices has the backends that have a ClusterIP',
      ask,
      drawn: 0.95,
      answer: [a('web.shop', '10.0.0.2')],
      by: 'table',
    },
    {
      name: 'a split without EndpointSlices does not give to a backend of share 0 what it cannot see is another’s',
      when: split('canary=100,stable=0'),
      ask,
      rcode: 'SERVFAIL',
      authority: [soa()],
      by: 'chain',
    },
  ],
})
