/**
 * The responder alone, without sockets: nanoseconds of user CPU per answer, counting included, for the kinds of question that make up a
 * cluster's queries. `node bench/answer.ts [seconds per case]`.
 */

import { transportCode } from '../src/answer/api.ts'
import { createResponder, LOCAL } from '../src/answer/index.ts'
import { queryMessage } from '../src/dns/query.ts'
import { parseRecord } from '../src/dns/record-text.ts'
import { replyTo } from '../src/dns/reply.ts'
import { encodeMessage } from '../src/dns/wire.ts'
import { createTable } from '../src/table/index.ts'
import type { AnswerSpec, NodeSpec, ServicesSpec } from '../src/table/spec.ts'
import { monotonicMilliseconds } from '../src/table/writer.ts'

const zone = 'cluster.local.'
const seconds = Number(process.argv[2] ?? 0.5)
const table = createTable()
const space = table.createSpace()
const profileId = table.defineProfile(space, {
  server: 'dns://:53',
  zone: '.',
  view: '',
  plugin: 'kubernetes',
  shuffle: true,
  maxPayload: 0,
})

const node = (answers: [number, AnswerSpec][], below: NodeSpec['below'] = 'closed'): NodeSpec => ({
  zone,
  below,
  otherTypes: 'nodata',
  answers: new Map(answers),
})

function fill(): void {
  const soa = { serial: 1, refresh: 7200, retry: 1800, expire: 86400, minimum: 5, ttl: 5 }
  const names = { mname: `ns.dns.${zone}`, rname: `hostmaster.${zone}` }
  table.zone(space, { zone, open: false, soa: { ...names, ...soa } })
  for (const name of [zone, `svc.${zone}`, `ns.svc.${zone}`]) table.put(space, profileId, name, node([]))
  for (let i = 0; i < 8000; i++) {
    const address = Uint8Array.of(10, 96, i >> 8, i)
    const name = `service-${i}.ns.svc.${zone}`
    const one = services(name, 1)
    const a: AnswerSpec = { kind: 'addresses', ttl: 5, addresses: address }
    table.put(
      space,
      profileId,
      name,
      node([
        [1, a],
        [33, one],
      ]),
    )
    table.put(
      space,
      profileId,
      `_http._tcp.${name}`,
      node([
        [1, a],
        [33, one],
      ]),
    )
  }
  const twenty = services(`headless.ns.svc.${zone}`, 20)
  const addresses = Uint8Array.from({ length: 80 }, (_, i) => i)
  table.put(
    space,
    profileId,
    `headless.ns.svc.${zone}`,
    node([
      [1, { kind: 'addresses', ttl: 5, addresses }],
      [33, twenty],
    ]),
  )
  // Splits beside what is as large: of two ClusterIPs, and one over twenty endpoints of two backends.
  for (let i = 0; i < 1000; i++) {
    const name = `split-${i}.ns.svc.${zone}`
    const backend = (weight: number, octet: number) => {
      const addresses = Uint8Array.of(10, octet, i >> 8, i)
      return { weight, answer: { kind: 'addresses' as const, ttl: 5, addresses } }
    }
    const two: AnswerSpec = { kind: 'variants', variants: [backend(90, 1), backend(10, 2)] }
    table.put(space, profileId, name, node([[1, two]]))
  }
  const { records, ...rest } = twenty
  const weighted = records.map((record, i) => ({ ...record, weight: i < 10 ? 90 : 10 }))
  const split: AnswerSpec = { ...rest, order: 'weighted', records: weighted }
  table.put(space, profileId, `split.ns.svc.${zone}`, node([[33, split]]))
}

function services(name: string, count: number): ServicesSpec {
  return {
    kind: 'services',
    ttl: 5,
    targets: Array.from({ length: count }, (_, i) => ({
      name: count === 1 ? name : `10-0-0-${i}.${name}`,
      a: Uint8Array.of(10, 0, 0, i),
      aaaa: new Uint8Array(0),
    })),
    records: Array.from({ length: count }, (_, target) => ({ priority: 0, weight: 5, port: 80, target })),
  }
}

function question(name: string, type: number, edns: boolean): Uint8Array {
  return encodeMessage(
    {
      ...queryMessage(name, type, true),
      id: 1,
      edns: edns ? { version: 0, payloadSize: 1232, dnssecOk: false, extendedRcode: 0, options: [] } : undefined,
    },
    { limit: 512 },
  )
}

fill()
const responder = createResponder(table.handle, LOCAL)
const reply = new Uint8Array(65_535)
const client = Uint8Array.of(127, 0, 0, 1)

/** Of this thread alone: others on the machine do not count. */
const userMicroseconds = (): number => process.threadCpuUsage().user

/** Different names in turn, so that no cache holds just one entry. */
function measure(label: string, questions: readonly Uint8Array[]): void {
  const run = (rounds: number): void => {
    for (let round = 0; round < rounds; round++) {
      responder.startBatch(monotonicMilliseconds())
      for (let i = 0; i < 64; i++) {
        const request = questions[(round * 64 + i) % questions.length]
        responder.from(client, 0, 4)
        const length = responder.answer(request, 0, request.length, space, transportCode.udp4, reply, 0)
        if (length > 0) responder.count(transportCode.udp4, 1, 0.0001)
      }
      responder.offline()
    }
  }
  run(3000)
  let rounds = 0
  const before = userMicroseconds()
  for (const until = performance.now() + seconds * 1000; performance.now() < until; rounds += 200) run(200)
  const nanoseconds = ((userMicroseconds() - before) * 1e3) / (rounds * 64)
  console.log(`${label.padEnd(34)} ${nanoseconds.toFixed(0).padStart(6)} ns`)
}

const ask = (name: (i: number) => string, type: number, edns: boolean): Uint8Array[] =>
  Array.from({ length: 1000 }, (_, i) => question(name(i * 8), type, edns))

measure(
  'A',
  ask((i) => `service-${i}.ns.svc.${zone}`, 1, false),
)
measure(
  'A, EDNS',
  ask((i) => `service-${i}.ns.svc.${zone}`, 1, true),
)
measure(
  'A, 20 endpoints, EDNS',
  ask(() => `headless.ns.svc.${zone}`, 1, true),
)
measure(
  'SRV with port labels, EDNS',
  ask((i) => `_http._tcp.service-${i}.ns.svc.${zone}`, 33, true),
)
measure(
  'SRV, 20 endpoints, EDNS',
  ask(() => `headless.ns.svc.${zone}`, 33, true),
)
measure(
  'A of a split, EDNS',
  ask((i) => `split-${i % 1000}.ns.svc.${zone}`, 1, true),
)
measure(
  'SRV of a split, 20 endpoints, EDNS',
  ask(() => `split.ns.svc.${zone}`, 33, true),
)
measure(
  'NXDOMAIN by search path, EDNS',
  ask((i) => `www.example-${i}.com.ns.svc.${zone}`, 1, true),
)
measure(
  'NODATA, EDNS',
  ask((i) => `service-${i}.ns.svc.${zone}`, 28, true),
)
/** One address, as an upstream has sent it ten seconds ago. */
function fillCache(): void {
  const now = monotonicMilliseconds()
  for (let i = 0; i < 1000; i++) {
    const name = `www.cached-${i * 8}.com.`
    const query = queryMessage(name, 1, true)
    const answer = [parseRecord(`${name} 3600 IN A 192.0.2.1`)]
    const reply = encodeMessage(replyTo(query, { answer }), { limit: 0xffff })
    const times = { storedAt: now - 10_000, expiresAt: now + 3_600_000 }
    const flags = { dnssecOk: false, checkingDisabled: false, authenticData: false }
    table.putCached(space, profileId, { name, type: 1, reply, ...flags, ...times })
  }
}

fillCache()
measure(
  'A, cached, EDNS',
  ask((i) => `www.cached-${i}.com.`, 1, true),
)
measure(
  'miss',
  ask((i) => `www.example-${i}.com.`, 1, true),
)

/** As one block each of `acl` (by network), `template` (AAAA, a guard) and `rewrite` (regex) have it, beside a server block. */
function addRules(): void {
  const about = (zone: string, types: readonly number[] = []) => ({ zone, names: 'zone' as const, texts: [], types })
  const local = [
    { address: Uint8Array.of(127, 0, 0, 0), bits: 8 },
    { address: Uint8Array.of(10, 0, 0, 0), bits: 8 },
  ]
  const records = { kind: 'records' as const, answer: [], additional: [] }
  const reply = (rcode: number) => ({ kind: 'reply' as const, profileId, rcode, records, unless: [] })
  table.rules(space, {
    first: [
      { questions: about('view.example.'), action: { kind: 'skip', rules: 4 } },
      { questions: about('.'), clients: local, action: { kind: 'skip', rules: 1 } },
      { questions: about('.'), action: 'chain' },
      { questions: about('.', [28]), action: reply(0) },
      { questions: about('internal.example.'), action: reply(3) },
    ],
    missing: [{ ...about('.'), texts: [{ at: 'anywhere', text: '-us-west-1.corp.example' }] }],
  })
}

addRules()
measure(
  'A, EDNS, beside rules',
  ask((i) => `service-${i}.ns.svc.${zone}`, 1, true),
)
measure(
  'NXDOMAIN, EDNS, beside rules',
  ask((i) => `www.example-${i}.com.ns.svc.${zone}`, 1, true),
)
measure(
  'AAAA by a rule, EDNS',
  ask((i) => `www.example-${i}.com.`, 28, true),
)
const stats = table.stats()
console.log(
  `8,000 services: ${(stats.liveBytes / 2 ** 20).toFixed(1)} MiB live in ${stats.entries} entries, ${(stats.committedBytes / 2 ** 20).toFixed(1)} MiB committed`,
)
