/** Random services in one etcd: `etcd` answers like CoreDNS's. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type } from '../../src/dns/codes.ts'
import type { ResourceRecord } from '../../src/dns/message.ts'
import { rdataText } from '../../src/dns/rdata.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import { fixedRandom } from '../support/chance.ts'
import { type Etcd, startEtcd } from '../support/etcd.ts'
import { loopbackClient } from '../support/loopback-server.ts'
import { without } from '../support/peers.ts'
import { until } from '../support/until.ts'
import { type NamedServer, startNamed } from './side-by-side.ts'

const seed = Number(process.env.SLICEDNS_SEED ?? 20261130)
const types = ['A', 'AAAA', 'SRV', 'TXT', 'MX', 'CNAME', 'PTR', 'NS', 'SOA', 'HTTPS']
const labels = ['a', 'b', 'c', 'www', 'x1', 'x-y', 'x', '_tcp']

const corefile = (etcd: Etcd) => (port: number) =>
  `
skydns.test:${port} 10.0.0.0/24:${port} {
  bind 127.0.0.1
  etcd {
    endpoint ${etcd.url}
    min-lease-ttl 1000
    max-lease-ttl 2000
  }
}
`

describe('random services in etcd', { skip: without('etcd', 'coredns') }, () => {
  const random = fixedRandom(seed)
  const below = (most: number): number => random() % most
  const pick = <T>(of: readonly T[]): T => of[below(of.length)] as T
  const path = (): string[] => Array.from({ length: 1 + below(3) }, () => pick(labels))

  let etcd: Etcd
  let servers: NamedServer[] = []
  before(async () => {
    etcd = await startEtcd()
    const lease = await etcd.grant(600)
    for (let n = 0; n < 80; n++) {
      const zone = pick(['test/skydns', 'test/skydns', 'test/skydns', 'arpa/in-addr/10/0/0'])
      await etcd.put(`/skydns/${zone}/${path().join('/')}`, service(), pick(['0', '0', lease]))
    }
    for (const special of ['apex/n', 'ns/n'])
      await etcd.put(`/skydns/test/skydns/dns/${special}`, { host: '10.0.0.77' })
    servers = await Promise.all((['slicedns', 'CoreDNS'] as const).map((name) => startNamed(name, corefile(etcd))))
    await until(() => assert.match((servers[0] as NamedServer).output(), /following .*\n.*following/s))
  })
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await etcd?.stop()
  })

  function service(): object {
    const host = pick([
      () => `10.0.0.${below(250)}`,
      () => `10.0.0.${below(250)}`,
      () => `fd00::${below(99)}`,
      () => `${path().join('.')}.skydns.test`,
      () => `${path().join('.')}.SKYDNS.test.`,
      () => `${pick(['a', 'b', 'c'])}.elsewhere.example`,
      () => '',
    ])()
    const maybe = (field: object): object => (below(3) === 0 ? field : {})
    return {
      host,
      ...maybe({ port: below(70_000) }),
      ...maybe({ priority: pick([0, 1, 10, 65_535]) }),
      ...maybe({ weight: pick([0, 1, 7, 500]) }),
      ...maybe({ text: pick(['hello', '', 'two words', 'y'.repeat(254), 'z'.repeat(400)]) }),
      ...maybe({ mail: true }),
      ...maybe({ ttl: pick([0, 1, 30, 5000]) }),
      ...maybe({ targetstrip: pick([1, 2, 9]) }),
      ...maybe({ group: pick(['g1', 'g2']) }),
    }
  }

  const name = (): string =>
    pick([
      () => `${path().join('.')}.skydns.test.`,
      () => `${path().join('.')}.skydns.test.`,
      () => `${pick(['*', 'any'])}.${path().join('.')}.skydns.test.`,
      () => `${pick(labels)}.*.skydns.test.`,
      () => 'skydns.test.',
      () => `${pick(labels)}.0.0.10.in-addr.arpa.`,
      () => 'dns.skydns.test.',
    ])()

  it(`1,500 questions have the same answers in both (seed ${seed})`, async () => {
    const questions = Array.from({ length: 1500 }, () => `${name()} ${pick(types)}`)
    const replies = await Promise.all(
      servers.map(async ({ port }) => {
        const client = loopbackClient('127.0.0.1', port)
        const all = []
        for (let at = 0; at < questions.length; at += 50)
          all.push(...(await client.ask(questions.slice(at, at + 50), 'tcp')))
        return all.map(({ reply }) => shown(reply as Uint8Array))
      }),
    )
    const [ours, theirs] = replies as [string[], string[]]
    const different = questions.flatMap((question, i) =>
      ours[i] === theirs[i] ? [] : [`${question}\n  ours   ${ours[i]}\n  theirs ${theirs[i]}`],
    )
    assert.equal(different.length, 0, different[0])
    assert.ok(ours.some((text) => text.includes('SRV')) && ours.some((text) => text.includes('CNAME')))
  })
})

/** Sections in any order; the SOA's serial is the time. */
function shown(octets: Uint8Array): string {
  const { rcode, authoritative, truncated, answer, authority, additional } = parseMessage(octets)
  const section = (records: readonly ResourceRecord[]): string => records.map(line).sort().join(', ')
  const flags = `${authoritative ? 'aa' : ''}${truncated ? 'tc' : ''}`
  return `${rcode} ${flags} [${section(answer)}] [${section(authority)}] [${section(additional)}]`
}

function line(record: ResourceRecord): string {
  const text = rdataText(record.type, record.rdata)
  const name = Object.entries(type).find(([, number]) => number === record.type)?.[0] ?? record.type
  return `${record.name} ${record.ttl} ${name} ${record.type === type.SOA ? text.replace(/ \d{10} /, ' N ') : text}`
}
