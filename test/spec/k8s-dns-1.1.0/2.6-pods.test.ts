/** kubernetes/dns docs/specification.md §2.6.1: pod A records, deprecated there and in wide use. */
import { soa, spec } from '../../support/cases.ts'

spec('k8s-dns 1.1.0 §2.6.1: pods disabled, which is the default', {
  cluster: 'pod one testns 10.0.0.1',
  cases: [
    {
      name: 'a pod has no name with pods disabled',
      ask: '10-0-0-1.testns.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'a namespace below pod.ZONE has no name with pods disabled',
      ask: 'testns.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'the name pod.ZONE exists with pods disabled',
      ask: 'pod.cluster.local. A',
      authority: [soa()],
      by: 'table',
    },
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
    {
      name: "the other family of a pod's address is NODATA",
      ask: '1-2-3-4.testns.pod.cluster.local. AAAA',
      authority: [soa()],
    },
    {
      name: 'IPv6 addresses of pods are written in dashes',
      ask: '2001-db8--1.testns.pod.cluster.local. AAAA',
      answer: ['2001-db8--1.testns.pod.cluster.local. 5 IN AAAA 2001:db8::1'],
    },
    {
      name: 'a label of three dashes, two of them together, is an IPv6 address',
      ask: '1--2-3.testns.pod.cluster.local. AAAA',
      answer: ['1--2-3.testns.pod.cluster.local. 5 IN AAAA 1::2:3'],
    },
    {
      name: 'SRV of a pod is port 0 of itself (as CoreDNS)',
      ask: '1-2-3-4.testns.pod.cluster.local. SRV',
      answer: ['1-2-3-4.testns.pod.cluster.local. 5 IN SRV 0 100 0 1-2-3-4.testns.pod.cluster.local.'],
      additional: ['1-2-3-4.testns.pod.cluster.local. 5 IN A 1.2.3.4'],
    },
    {
      name: "up to two labels in front of a pod's name are not looked at (as CoreDNS)",
      ask: 'a.b.1-2-3-4.testns.pod.cluster.local. A',
      answer: ['a.b.1-2-3-4.testns.pod.cluster.local. 5 IN A 1.2.3.4'],
    },
    {
      name: "three labels in front of a pod's name are too many",
      ask: 'a.b.c.1-2-3-4.testns.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: "a label that is not an address is no pod's name",
      ask: '1-2-3-400.testns.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'pods in a namespace that does not exist have no names',
      ask: '1-2-3-4.other.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    { name: "TXT of a pod's name is NODATA", ask: '1-2-3-4.testns.pod.cluster.local. TXT', authority: [soa()] },
    { name: 'the namespace of pods has a name', ask: 'testns.pod.cluster.local. A', authority: [soa()], by: 'table' },
    {
      name: 'the namespace of pods has no TXT record',
      ask: 'testns.pod.cluster.local. TXT',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
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
      name: 'an IPv6 address of a pod has a name, too',
      ask: '2001-db8--1.testns.pod.cluster.local. AAAA',
      answer: ['2001-db8--1.testns.pod.cluster.local. 5 IN AAAA 2001:db8::1'],
    },
    {
      name: 'an address without a pod has no name',
      ask: '10-0-0-3.testns.pod.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'an address whose pod is in another namespace has no name',
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
      name: "a pod's name is gone with the pod",
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
