/** Metadata of services as TXT records: annotations `txt.slicedns.io/KEY` (docs/design.md §10, RFC 6763 §6). */
import { soa, spec } from '../../support/cases.ts'

const web = 'web.shop.svc.cluster.local.'
const db = 'db.shop.svc.cluster.local.'
const long = 'x'.repeat(300)

spec('txt.slicedns.io/KEY: TXT records of a service', {
  cluster: `service web shop 10.0.0.1
            service db shop headless
            endpoint db shop 10.1.0.1 ready
            service api shop external api.example.org`,
  cases: [
    { name: 'without an annotation there is no TXT record', ask: `${web} TXT`, authority: [soa()], by: 'table' },
    {
      name: 'one record has a string for each key, in the order of the keys',
      when: `annotate service web shop txt.slicedns.io/model llama-3
             annotate service web shop txt.slicedns.io/gpu a100 80 GB
             annotate service web shop txt.slicedns.io/Area eu=west`,
      ask: `${web} TXT`,
      answer: [`${web} 5 IN TXT "Area=eu=west" "gpu=a100 80 GB" "model=llama-3"`],
      by: 'table',
    },
    {
      name: 'the addresses of a service with metadata are what they were',
      ask: `${web} A`,
      answer: [`${web} 5 IN A 10.0.0.1`],
      by: 'table',
    },
    {
      name: 'a TXT record has the TTL of the service',
      when: 'annotate service web shop slicedns.io/ttl 60',
      ask: `${web} TXT`,
      answer: [`${web} 60 IN TXT "Area=eu=west" "gpu=a100 80 GB" "model=llama-3"`],
    },
    { name: 'names of ports have no TXT record', ask: `_http._tcp.${web} TXT`, authority: [soa()] },
    {
      name: 'the first of keys that differ in case, in sort order, is the key (RFC 6763 §6.4)',
      when: `annotate service web shop slicedns.io/ttl
             annotate service web shop txt.slicedns.io/area south`,
      ask: `${web} TXT`,
      answer: [`${web} 5 IN TXT "Area=eu=west" "gpu=a100 80 GB" "model=llama-3"`],
    },
    {
      name: 'a key that no longer is there gives way at once',
      when: `annotate service web shop txt.slicedns.io/Area
             annotate service web shop txt.slicedns.io/model`,
      ask: `${web} TXT`,
      answer: [`${web} 5 IN TXT "area=south" "gpu=a100 80 GB"`],
    },
    {
      name: 'a value of more than 255 octets has a record of its own, whose strings are its parts',
      when: `annotate service web shop txt.slicedns.io/long ${long}
             annotate service web shop txt.slicedns.io/area ßüd`,
      ask: `${web} TXT`,
      answer: [
        `${web} 5 IN TXT "area=\\195\\159\\195\\188d" "gpu=a100 80 GB"`,
        `${web} 5 IN TXT "long=${long.slice(0, 250)}" "${long.slice(250)}"`,
      ],
      by: 'table',
    },
    {
      name: 'a headless service has TXT records beside its endpoints',
      when: 'annotate service db shop txt.slicedns.io/role primary',
      ask: `${db} TXT`,
      answer: [`${db} 5 IN TXT "role=primary"`],
      by: 'table',
    },
    {
      name: 'a headless service has TXT records without a ready endpoint too',
      when: 'endpoint db shop 10.1.0.1 notReady',
      ask: `${db} TXT`,
      answer: [`${db} 5 IN TXT "role=primary"`],
      by: 'table',
    },
    {
      name: 'a headless service with TXT records and no ready endpoint exists: A is NODATA',
      ask: `${db} A`,
      authority: [soa()],
    },
    {
      name: 'a headless service without metadata and endpoints does not exist, as in CoreDNS',
      when: 'annotate service db shop txt.slicedns.io/role',
      ask: `${db} A`,
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'an ExternalName has no TXT record: nothing stands beside a CNAME (RFC 1034 §3.6.2)',
      when: 'annotate service api shop txt.slicedns.io/role primary',
      ask: 'api.shop.svc.cluster.local. TXT',
      authority: [soa()],
    },
  ],
})

spec('a service that `ignore empty_service` hides', {
  options: 'ignore empty_service',
  cluster: `service web shop 10.0.0.1
            annotate service web shop txt.slicedns.io/model llama-3`,
  cases: [
    {
      name: 'a service that `ignore empty_service` hides has no TXT record',
      ask: `${web} TXT`,
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'a service that `ignore empty_service` hides has its TXT record with a ready endpoint',
      when: 'endpoint web shop 10.1.0.1 ready',
      ask: `${web} TXT`,
      answer: [`${web} 5 IN TXT "model=llama-3"`],
    },
  ],
})
