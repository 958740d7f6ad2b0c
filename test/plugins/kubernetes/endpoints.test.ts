/** Endpoints: readiness, names, odd slices, and the events in which they come and go. */
import { type Case, soa, spec } from '../../support/cases.ts'

const name = 'hdls.testns.svc.cluster.local.'
const a = (...addresses: string[]): string[] => addresses.map((address) => `${name} 5 IN A ${address}`)
const missing = { rcode: 'NXDOMAIN', authority: [soa()] }

/** conditions.ready decides alone; serving and terminating are not looked at (docs/coredns-behaviour.md §4.3). */
const readiness = (['ready', 'notReady', 'unknown'] as const).flatMap((ready) =>
  ['', 'serving', 'terminating', 'serving terminating'].map(
    (also): Case => ({
      name: `ready: ${ready}${also && `, ${also}`}: ${ready === 'notReady' ? 'not there' : 'there'}`,
      when: `endpoint hdls testns 172.0.0.2 ${ready} ${also}`,
      ask: `${name} A`,
      ...(ready === 'notReady' ? missing : { answer: a('172.0.0.2') }),
      by: 'table',
    }),
  ),
)

spec('readiness', { cluster: 'service hdls testns headless', cases: readiness })

const moves = (title: string, first: string, second: string): void =>
  spec(`an endpoint that moves from one slice to another, ${title}`, {
    cluster: `
      service hdls testns headless
      endpoint hdls testns 172.0.0.2 ready slice one
      endpoint hdls testns 172.0.0.3 ready slice one
      endpoint hdls testns 172.0.0.4 ready slice two`,
    cases: [
      {
        name: 'the service has the endpoint before it moves',
        ask: `${name} A`,
        answer: a('172.0.0.2', '172.0.0.3', '172.0.0.4'),
      },
      {
        name: 'the endpoint has a name of its own before it moves',
        ask: `172-0-0-2.${name} A`,
        answer: [`172-0-0-2.${name} 5 IN A 172.0.0.2`],
        by: 'table',
      },
      {
        name: 'the service has the endpoint after both events',
        when: `${first}\n${second}`,
        ask: `${name} A`,
        answer: a('172.0.0.2', '172.0.0.3', '172.0.0.4'),
      },
      {
        name: 'the endpoint has a name of its own after both events',
        ask: `172-0-0-2.${name} A`,
        answer: [`172-0-0-2.${name} 5 IN A 172.0.0.2`],
        by: 'table',
      },
      {
        name: 'the PTR of the endpoint is there after both events',
        ask: '2.0.0.172.in-addr.arpa. PTR',
        answer: [`2.0.0.172.in-addr.arpa. 5 IN PTR 172-0-0-2.${name}`],
      },
    ],
  })

moves(
  'first there, then gone here',
  'endpoint hdls testns 172.0.0.2 ready slice two',
  'remove endpoint hdls testns 172.0.0.2 slice one',
)
moves(
  'first gone here, then there',
  'remove endpoint hdls testns 172.0.0.2 slice one',
  'endpoint hdls testns 172.0.0.2 ready slice two',
)

spec('names of IPv6 endpoints', {
  cluster: `
    service hdls testns headless
    endpoint hdls testns 2001:db8::1 ready
    endpoint hdls testns 2001:db8:: ready
    endpoint hdls testns ::1 ready`,
  cases: [
    {
      name: "the colons of an IPv6 address become dashes in its endpoint's name",
      ask: `2001-db8--1.${name} AAAA`,
      answer: [`2001-db8--1.${name} 5 IN AAAA 2001:db8::1`],
    },
    {
      name: 'a label cannot end in a dash: a 0 is added',
      ask: `2001-db8--0.${name} AAAA`,
      answer: [`2001-db8--0.${name} 5 IN AAAA 2001:db8::`],
    },
    { name: 'other spellings of an address are names of no endpoint', ask: `2001-db8-0-1.${name} AAAA`, ...missing },
    {
      name: 'the label of an endpoint may begin with a dash',
      ask: `--1.${name} AAAA`,
      answer: [`--1.${name} 5 IN AAAA ::1`],
    },
  ],
})

spec('ports of slices', {
  cluster: `
    service hdls testns headless ports http:TCP:80,dns:UDP:53,dns-tcp:TCP:53
    slice one hdls testns IPv4 ports http:TCP:8080,dns:UDP:53,dns-tcp:TCP:53
    slice two hdls testns IPv4 ports http:TCP:9090
    slice three hdls testns IPv4 ports none
    endpoint hdls testns 172.0.0.1 ready slice one
    endpoint hdls testns 172.0.0.2 ready slice two
    endpoint hdls testns 172.0.0.3 ready slice three`,
  cases: [
    {
      name: 'each endpoint has the ports of its own slice; equal port numbers are one record, all count in the weights',
      ask: `${name} SRV`,
      answer: [
        `${name} 5 IN SRV 0 20 8080 172-0-0-1.${name}`,
        `${name} 5 IN SRV 0 20 53 172-0-0-1.${name}`,
        `${name} 5 IN SRV 0 20 9090 172-0-0-2.${name}`,
      ],
      additional: [`172-0-0-1.${name} 5 IN A 172.0.0.1`, `172-0-0-2.${name} 5 IN A 172.0.0.2`],
    },
    {
      name: 'a port name selects the endpoints that have it',
      ask: `_dns._udp.${name} A`,
      answer: [`_dns._udp.${name} 5 IN A 172.0.0.1`],
    },
    { name: 'all endpoints have addresses', ask: `${name} A`, answer: a('172.0.0.1', '172.0.0.2', '172.0.0.3') },
    {
      name: 'a slice without ports has no SRV: NODATA',
      ask: `172-0-0-3.${name} SRV`,
      authority: [soa()],
    },
  ],
})

spec('a port without number, which stands for every port', {
  cluster: `
    service hdls testns headless
    slice one hdls testns IPv4 ports http:TCP:any,known:TCP:80
    slice two hdls testns IPv4 ports :TCP:any
    endpoint hdls testns 172.0.0.1 ready slice one
    endpoint hdls testns 172.0.0.2 ready slice two`,
  cases: [
    {
      name: 'a port without number has no SRV record, and counts in the weights',
      ask: `${name} SRV`,
      answer: [`${name} 5 IN SRV 0 33 80 172-0-0-1.${name}`],
      additional: [`172-0-0-1.${name} 5 IN A 172.0.0.1`],
    },
    {
      name: 'a service whose port has no number has addresses',
      ask: `_http._tcp.${name} A`,
      answer: [`_http._tcp.${name} 5 IN A 172.0.0.1`],
    },
    { name: 'a port without number has a name without SRV: NODATA', ask: `_http._tcp.${name} SRV`, authority: [soa()] },
    {
      name: 'a port without number is found by its protocol',
      ask: `_._tcp.${name} SRV`,
      answer: [`_._tcp.${name} 5 IN SRV 0 33 80 172-0-0-1.${name}`],
      additional: [`172-0-0-1.${name} 5 IN A 172.0.0.1`],
    },
  ],
})

spec('FQDN slices', {
  cluster: `
    service hdls testns headless
    endpoint hdls testns a.example.com ready slice names
    endpoint hdls testns 172.0.0.2 ready slice addresses`,
  cases: [
    {
      name: 'the endpoints of FQDN slices are CNAMEs beside the addresses of others (as CoreDNS)',
      ask: `${name} A`,
      elsewhere: { 'a.example.com. A': ['a.example.com. 60 IN A 192.0.2.1'] },
      answer: [...a('172.0.0.2'), `${name} 5 IN CNAME a.example.com.`, 'a.example.com. 60 IN A 192.0.2.1'],
      by: 'chain',
    },
    {
      name: 'the endpoints of FQDN slices have no SRV and do not count in the weights',
      ask: `${name} SRV`,
      answer: [`${name} 5 IN SRV 0 100 80 172-0-0-2.${name}`],
      additional: [`172-0-0-2.${name} 5 IN A 172.0.0.2`],
    },
    {
      name: 'the endpoints of FQDN slices have names with dashes for dots',
      ask: `a-example-com.${name} CNAME`,
      answer: [`a-example-com.${name} 5 IN CNAME a.example.com.`],
    },
  ],
})

const many = Array.from({ length: 150 }, (_, i) => `172.0.1.${i + 1}`)

spec('more than a hundred endpoints', {
  cluster: `service hdls testns headless\n${many.map((address) => `endpoint hdls testns ${address} ready`).join('\n')}`,
  cases: [
    {
      name: 'the A records of a service list more than a hundred endpoints',
      ask: `${name} A`,
      answer: a(...many),
      by: 'table',
    },
    {
      name: 'no SRV weight is 0, which would mean "never" (RFC 2782)',
      ask: `_http._tcp.${name} SRV`,
      answer: many.map((address) => `_http._tcp.${name} 5 IN SRV 0 1 80 ${address.replaceAll('.', '-')}.${name}`),
      additional: many.map((address) => `${address.replaceAll('.', '-')}.${name} 5 IN A ${address}`),
    },
  ],
})
