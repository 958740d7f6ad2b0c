/** kubernetes/dns docs/specification.md §2.2. */
import { soa, spec } from '../../support/cases.ts'

spec('k8s-dns 1.1.0 §2.2: record for schema version', {
  cases: [
    {
      name: 'the TXT record of dns-version has the version of the specification that is followed',
      ask: 'dns-version.cluster.local. TXT',
      answer: ['dns-version.cluster.local. 28800 IN TXT "1.1.0"'],
      by: 'table',
    },
    {
      name: 'the name dns-version exists for TXT only (as CoreDNS)',
      ask: 'dns-version.cluster.local. A',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
    {
      name: 'the name dns-version has nothing below it',
      ask: 'a.dns-version.cluster.local. TXT',
      rcode: 'NXDOMAIN',
      authority: [soa()],
      by: 'table',
    },
  ],
})
