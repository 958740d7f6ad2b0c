/**
 * Clients mostly take the first address of an answer: under `loadbalance` each address of a set of fifteen is the first
 * equally often, under `loadbalance weighted` as often as its weight says, whichever way the answer comes from. Of SRV the
 * addresses that come with the records are meant: as in CoreDNS the records themselves are not shuffled, because RFC 2782
 * has clients choose among them.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { formatAddress, parseAddress } from '../../../src/dns/address.ts'
import { parseMessage } from '../../../src/dns/wire.ts'
import { assertShare } from '../../support/chance.ts'
import { runs } from '../../support/effort.ts'
import { type LoopbackServer, loopbackClient, startLoopbackServer } from '../../support/loopback-server.ts'
import { until } from '../../support/until.ts'

const endpoints = 15
/** TEST_EFFORT=5 asks 15,000 times. */
const answers = runs(3_000)
/** So many questions at a time that no socket's queue overflows. */
const atOnce = 25

const addresses = {
  A: Array.from({ length: endpoints }, (_, at) => `10.0.0.${at + 1}`),
  AAAA: Array.from({ length: endpoints }, (_, at) => `fd00::${(at + 1).toString(16)}`),
}
type Type = 'A' | 'AAAA' | 'SRV'

const name = 'set.apps.svc.cluster.local.'
/** The addresses that come with its SRV records are of one family. */
const single = 'single.apps.svc.cluster.local.'
const nameFor = (type: Type): string => (type === 'SRV' ? single : name)
/** 1, 2, … 15 parts of 120. */
const weightOf = (at: number): number => at + 1

const folder = mkdtempSync(join(tmpdir(), 'slicedns-first-'))
after(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'cluster.json'), cluster())
writeFileSync(join(folder, 'weights'), weights())

const corefile =
  (lines: string) =>
  (port: number): string =>
    `.:${port} {\nbind 127.0.0.1\n${lines}\nkubernetes cluster.local {\nmanifests ${folder}\n}\n}\n`

interface Way {
  readonly name: string
  readonly udp: 'auto' | 'dgram'
  readonly via: 'udp' | 'tcp'
  readonly by: 'table' | 'chain'
}

const ways: readonly Way[] = [
  { name: 'the table by UDP threads', udp: 'auto', via: 'udp', by: 'table' },
  { name: 'the table by node:dgram', udp: 'dgram', via: 'udp', by: 'table' },
  { name: 'the table over TCP', udp: 'auto', via: 'tcp', by: 'table' },
  { name: 'the chain by UDP threads', udp: 'auto', via: 'udp', by: 'chain' },
  { name: 'the chain by node:dgram', udp: 'dgram', via: 'udp', by: 'chain' },
]

for (const way of ways)
  describe(`the first record of a set, from ${way.name}`, () => {
    // `prefer` of a network without any address leaves each reply to the chain.
    const even = way.by === 'table' ? 'loadbalance' : 'loadbalance {\nprefer 192.0.2.0/24\n}'
    const server = started(even, way.udp)

    for (const type of ['A', 'AAAA', 'SRV'] as const)
      it(`each of ${endpoints} addresses is the first of ${type} answers equally often, from ${way.name}`, async () => {
        const before = server().answeredByTable()
        const counts = await firsts(server(), type, way.via)
        const byTable = server().answeredByTable() - before
        assert.equal(byTable, way.by === 'table' ? answers : 0, `who answers: ${way.by}`)
        assert.ok(chiSquare(counts, () => 1 / endpoints) < limit, [...counts].join(' '))
      })
  })

for (const way of ways.filter(({ by }) => by === 'chain'))
  describe(`the first record under weights, from ${way.name}`, () => {
    const server = started(`loadbalance weighted ${join(folder, 'weights')}`, way.udp)

    for (const type of ['A', 'AAAA', 'SRV'] as const)
      it(`each address is the first of ${type} answers as often as its weight says, from ${way.name}`, async () => {
        const counts = await firsts(server(), type, way.via)
        const total = (endpoints * (endpoints + 1)) / 2
        assert.ok(chiSquare(counts, (at) => weightOf(at) / total) < limit, [...counts].join(' '))
        assertShare(counts[endpoints - 1], answers, weightOf(endpoints - 1) / total, 'the heaviest')
      })
  })

function started(lines: string, udp: 'auto' | 'dgram'): () => LoopbackServer {
  let server: LoopbackServer
  before(async () => {
    server = await startLoopbackServer(corefile(lines), { udp })
    // Once the cluster is read, and the endpoints' names are compiled, which a question for SRV asks for.
    await until(async () => {
      const [{ reply }] = await loopbackClient('127.0.0.1', server.port).ask([`${single} SRV`], 'tcp')
      assert.equal(parseMessage(reply!).answer.length, endpoints)
    })
  })
  after(() => server.stop())
  return () => server
}

/** How often each address was the first. */
async function firsts(server: LoopbackServer, type: Type, via: 'udp' | 'tcp'): Promise<readonly number[]> {
  const client = loopbackClient('127.0.0.1', server.port, { payloadSize: 4096 })
  const family = type === 'AAAA' ? 'AAAA' : 'A'
  const indexes = new Map(addresses[family].map((text, at) => [formatAddress(parseAddress(text)!), at]))
  const counts = Array.from({ length: endpoints }, () => 0)
  for (let left = answers; left > 0; left -= atOnce) {
    const questions = Array.from({ length: Math.min(left, atOnce) }, () => `${nameFor(type)} ${type}`)
    for (const { reply } of await client.ask(questions, via)) {
      const { answer, additional } = parseMessage(reply!)
      const found = (type === 'SRV' ? additional : answer).find(
        ({ rdata }) => rdata.length === 4 || rdata.length === 16,
      )!
      const index = indexes.get(formatAddress(found.rdata))
      if (index !== undefined) counts[index]++
    }
  }
  return counts
}

/**
 * Beyond it lies less than one in 10^9 of all runs of a right program, for 14 degrees of freedom: Laurent and Massart's
 * bound, k + 2 √(k x) + 2 x with x = ln 10^9. One in a thousand lies beyond 36.1.
 */
const limit = 14 + 2 * Math.sqrt(14 * 9 * Math.LN10) + 2 * 9 * Math.LN10

function chiSquare(counts: readonly number[], probability: (at: number) => number): number {
  const total = counts.reduce((sum, count) => sum + count, 0)
  assert.equal(total, answers, 'each answer has a first address')
  const square = counts.reduce((sum, count, at) => {
    const expected = total * probability(at)
    return sum + (count - expected) ** 2 / expected
  }, 0)
  return square
}

function cluster(): string {
  const metadata = { namespace: 'apps' }
  const ports = [{ name: 'http', port: 80, protocol: 'TCP' }]
  const slice = (service: string, family: 'IPv4' | 'IPv6', list: readonly string[]) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      ...metadata,
      name: `${service}-${family.toLowerCase()}`,
      labels: { 'kubernetes.io/service-name': service },
    },
    addressType: family,
    ports,
    endpoints: list.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  })
  const service = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, name },
    spec: { clusterIP: 'None', clusterIPs: ['None'], ports },
  })
  const items = [
    service('set'),
    service('single'),
    slice('set', 'IPv4', addresses.A),
    slice('set', 'IPv6', addresses.AAAA),
    slice('single', 'IPv4', addresses.A),
  ]
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
}

function weights(): string {
  const lines = [
    name,
    ...[addresses.A, addresses.AAAA].flatMap((list) => list.map((text, at) => `${text} ${weightOf(at)}`)),
  ]
  // The addresses that come with SRV records stand at names of their own.
  const hosts = addresses.A.flatMap((text, at) => [`${text.replaceAll('.', '-')}.${single}`, `${text} ${weightOf(at)}`])
  return `${[...lines, ...hosts].join('\n')}\n`
}
