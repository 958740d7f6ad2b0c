/** kubernetes/dns docs/specification.md §2.6.1: pod A records, deprecated there and in wide use. */
import { soa, spec } from '../../support/cases.ts'

spec('k8s-dns 1.1.0 §2.6.1: pods disabled, which is the default', {
  cluster: 'pod one testns 10.0.0.1',
  cases: [
    {
      name: 'no pod has a name',
      ask: '10-0-0-1.testns.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    { name: 'nor has the namespace', ask: 'testns.pod.cluster.local. A', rcode: 'NXDOMAIN', authority: [soa()] },
    { name: 'pod.ZONE exists all the same', ask: 'pod.cluster.local. A', authority: [soa()], by: 'table' },
  ],
})

spec('k8s-dns 1.1.0 §2.6.1: pods insecure', {
  options: 'pods insecure',
  cluster: 'namespace testns',
  cases: [
    {
      name: 'any address in a namespace that exists has a name, whether or not there is such a pod',
      ask: '1-2-3-4.testns.pod.cluster.local. A',
      answer: ['1-2-3-4.testns.pod.cluster.local. 5 IN A 1.2.3.4'],
    },
    { name: 'the other family: NODATA', ask: '1-2-3-4.testns.pod.cluster.local. AAAA', authority: [soa()] },
    {
      name: 'IPv6 addresses in dashes',
      ask: '2001-db8--1.testns.pod.cluster.local. AAAA',
      answer: ['2001-db8--1.testns.pod.cluster.local. 5 IN AAAA 2001:db8::1'],
    },
    {
      name: 'three dashes, two of them together: IPv6',
      ask: '1--2-3.testns.pod.cluster.local. AAAA',
      answer: ['1--2-3.testns.pod.cluster.local. 5 IN AAAA 1::2:3'],
    },
    {
      name: 'SRV: port 0 of itself (as CoreDNS)',
      ask: '1-2-3-4.testns.pod.cluster.local. SRV',
      answer: ['1-2-3-4.testns.pod.cluster.local. 5 IN SRV 0 100 0 1-2-3-4.testns.pod.cluster.local.'],
      additional: ['1-2-3-4.testns.pod.cluster.local. 5 IN A 1.2.3.4'],
    },
    {
      name: 'up to two labels in front are not looked at (as CoreDNS)',
      ask: 'a.b.1-2-3-4.testns.pod.cluster.local. A',
      answer: ['a.b.1-2-3-4.testns.pod.cluster.local. 5 IN A 1.2.3.4'],
    },
    {
      name: 'three are too many',
      ask: 'a.b.c.1-2-3-4.testns.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'what is no address has no name',
      ask: '1-2-3-400.testns.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'nothing in a namespace that does not exist',
      ask: '1-2-3-4.other.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    { name: 'TXT: NODATA', ask: '1-2-3-4.testns.pod.cluster.local. TXT', authority: [soa()] },
    { name: 'the namespace has a name', ask: 'testns.pod.cluster.local. A', authority: [soa()], by: 'table' },
    { name: 'but no TXT', ask: 'testns.pod.cluster.local. TXT', rcode: 'NXDOMAIN', authority: [soa()], by: 'table' },
  ],
})

spec('k8s-dns 1.1.0 §2.6.1: pods verified', {
  options: 'pods verified',
  cluster: `
    pod one testns 10.0.0.1
    pod two testns 10.0.0.2
    pod host-a testns 10.0.0.9
    pod host-b testns 10.0.0.9
    pod six testns 2001:db8::1
    namespace other`,
  cases: [
    {
      name: "a pod's address has a name",
      ask: '10-0-0-1.testns.pod.cluster.local. A',
      answer: ['10-0-0-1.testns.pod.cluster.local. 5 IN A 10.0.0.1'],
    },
    {
      name: 'an IPv6 one too',
      ask: '2001-db8--1.testns.pod.cluster.local. AAAA',
      answer: ['2001-db8--1.testns.pod.cluster.local. 5 IN AAAA 2001:db8::1'],
    },
    {
      name: 'an address without pod has none',
      ask: '10-0-0-3.testns.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'nor one whose pod is in another namespace',
      ask: '10-0-0-1.other.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'pods that share an address share the weight (as CoreDNS)',
      ask: '10-0-0-9.testns.pod.cluster.local. SRV',
      answer: ['10-0-0-9.testns.pod.cluster.local. 5 IN SRV 0 50 0 10-0-0-9.testns.pod.cluster.local.'],
      additional: ['10-0-0-9.testns.pod.cluster.local. 5 IN A 10.0.0.9'],
    },
    {
      name: 'the name is gone with the pod',
      when: 'remove pod one testns',
      ask: '10-0-0-1.testns.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'pods that may not be listed are not denied: SERVFAIL',
      when: 'forbidden pods',
      ask: '10-0-0-3.testns.pod.cluster.local. A',
      rcode: 'SERVFAIL',
      authority: [soa()],
      by: 'chain',
    },
  ],
})
