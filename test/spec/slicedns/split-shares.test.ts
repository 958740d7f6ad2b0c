/**
 * The shares that clients of a split see (docs/design.md §10), while pods come and go: 100,000 lookups of addresses by
 * a client that takes the first, and 100,000 of SRV records by clients that pick by weight (RFC 2782) or take the
 * first, too.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeMessage } from '../../../src/dns/encode.ts'
import { assertShare, fixedRandom } from '../../support/chance.ts'
import { runs } from '../../support/effort.ts'
import { createKubernetesHarness, type KubernetesHarness, question } from '../../support/kubernetes-harness.ts'

const lookups = runs(100_000)
/** Of a share: one per cent at 100,000 lookups. */
const tolerance = 0.01 * Math.sqrt(100_000 / lookups)
/** The cluster changes so often meanwhile. */
const changes = 50
const base = 'web.shop.svc.cluster.local.'
const questions = {
  a: encodeMessage(question(base, 'A'), { limit: 0xffff }),
  port: encodeMessage(question(`_http._tcp.${base}`, 'SRV'), { limit: 0xffff }),
  bare: encodeMessage(question(base, 'SRV'), { limit: 0xffff }),
}

const backends = ['stable', 'canary', 'third'] as const

/** A record of the answer section: for these questions owners are pointers to the question. */
interface Seen {
  readonly weight: number
  /** Index into `backends`. */
  readonly backend: number
}

/** By the second octet of an address, which says whose endpoint it is, or a ClusterIP. */
const backendOf = (octet: number): number => octet - 1

/** At most so many of the answer's records. */
function answers(reply: Uint8Array, asked: Uint8Array, most: number): Seen[] {
  const view = new DataView(reply.buffer, reply.byteOffset, reply.length)
  assert.equal(reply[3] & 15, 0, 'rcode')
  const count = Math.min(view.getUint16(6), most)
  const seen: Seen[] = []
  // Behind the question; the OPT of the request is not part of it.
  let at = 12
  while (asked[at] !== 0) at += asked[at] + 1
  at += 5
  for (let i = 0; i < count; i++) {
    const rdata = at + 12
    if (view.getUint16(at + 2) === 1) seen.push({ weight: 1, backend: backendOf(reply[rdata + 1]) })
    else {
      seen.push({ weight: view.getUint16(rdata + 2), backend: backendAt(reply, rdata + 7) })
    }
    at = rdata + view.getUint16(at + 10)
  }
  return seen
}

/** The target's first label is `10-N-…` of an endpoint, or the backend's own name. */
function backendAt(reply: Uint8Array, label: number): number {
  const digit = reply[label + 3] - 0x30
  return reply[label] === 0x31 ? backendOf(digit) : backends.findIndex((name) => name.charCodeAt(0) === reply[label])
}

/** RFC 2782: one of the records, by weight. */
function picked(seen: readonly Seen[], random: () => number): Seen {
  let left = random() * seen.reduce((sum, { weight }) => sum + weight, 0)
  for (const record of seen) {
    left -= record.weight
    if (left < 0) return record
  }
  return seen.at(-1)!
}

interface Client {
  readonly lookups: number
  /** The backend that it goes to. */
  readonly go: (cluster: KubernetesHarness, random: () => number) => number
}

function ask(cluster: KubernetesHarness, request: Uint8Array, most: number): Seen[] {
  const reply = cluster.askTableInOctets(request)
  assert.ok(reply, 'the table answers')
  return answers(reply, request, most)
}

const clients: Readonly<Record<string, Client>> = {
  'takes the first address': { lookups, go: (cluster) => ask(cluster, questions.a, 1)[0].backend },
  'picks SRV records by weight': {
    lookups: lookups / 2,
    go: (cluster, random) => picked(ask(cluster, questions.port, 0xffff), random).backend,
  },
  'takes the first SRV record': { lookups: lookups / 4, go: (cluster) => ask(cluster, questions.port, 1)[0].backend },
  'takes the first at the bare name': {
    lookups: lookups / 4,
    go: (cluster) => ask(cluster, questions.bare, 1)[0].backend,
  },
}

interface Backend {
  readonly share: number
  /** Endpoints in the mean; one comes or goes with each change. */
  readonly replicas: number
  readonly headless?: boolean
}

/** Endpoint `i` of a backend. */
const address = (backend: number, i: number): string => `10.${backend + 1}.${i >> 8}.${i & 255}`

function clusterOf(given: readonly Backend[]): string {
  const lines = ['service web shop 10.100.0.1']
  for (const [backend, { replicas, headless = true }] of given.entries()) {
    lines.push(`service ${backends[backend]} shop ${headless ? 'headless' : address(backend, 65_000)}`)
    for (let i = 0; i < replicas; i++) lines.push(`endpoint ${backends[backend]} shop ${address(backend, i)} ready`)
  }
  const shares = given.map(({ share }, backend) => `${backends[backend]}=${share}`)
  return `${lines.join('\n')}\nannotate service web shop slicedns.io/split ${shares.join(',')}`
}

/** One of the backend's endpoints more, and then away again. */
function churn(given: readonly Backend[], change: number): string {
  const backend = (change >> 1) % given.length
  const place = address(backend, 60_000)
  const name = backends[backend]
  return change % 2 === 0 ? `endpoint ${name} shop ${place} ready` : `remove endpoint ${name} shop ${place}`
}

const cases: readonly { readonly name: string; readonly backends: readonly Backend[] }[] = [
  {
    name: '90/10 with 1 and 9 replicas',
    backends: [
      { share: 90, replicas: 1 },
      { share: 10, replicas: 9 },
    ],
  },
  {
    name: '90/10 with 9 and 1 replicas',
    backends: [
      { share: 90, replicas: 9 },
      { share: 10, replicas: 1 },
    ],
  },
  {
    name: '90/10 with 50 and 3 replicas',
    backends: [
      { share: 90, replicas: 50 },
      { share: 10, replicas: 3 },
    ],
  },
  {
    name: '90/10 with a ClusterIP and 9 replicas',
    backends: [
      { share: 90, replicas: 5, headless: false },
      { share: 10, replicas: 9 },
    ],
  },
  {
    name: '99.9/0.1 with 1 and 500 replicas',
    backends: [
      { share: 99.9, replicas: 1 },
      { share: 0.1, replicas: 500 },
    ],
  },
  {
    name: '99.9/0.1 with 20 and 1',
    backends: [
      { share: 99.9, replicas: 20 },
      { share: 0.1, replicas: 1 },
    ],
  },
  {
    name: '0/100',
    backends: [
      { share: 0, replicas: 3 },
      { share: 100, replicas: 2 },
    ],
  },
  {
    name: 'three backends',
    backends: [
      { share: 50, replicas: 7 },
      { share: 30, replicas: 1 },
      { share: 20, replicas: 13, headless: false },
    ],
  },
]

describe('the shares that a client of a split sees, while pods come and go', () => {
  for (const [i, { name, backends: given }] of cases.entries()) {
    test(`a client of a split sees the shares ${name}`, async () => {
      const cluster = createKubernetesHarness({ cluster: clusterOf(given) })
      const random = fixedRandom(i + 1)
      const draw = (): number => random() / 2 ** 32
      cluster.drawFrom(draw)
      const tally = new Map(Object.keys(clients).map((client) => [client, backends.map(() => 0)]))
      for (let change = 0; change < changes; change++) {
        cluster.apply(churn(given, change))
        await cluster.settled()
        for (const [client, { lookups, go }] of Object.entries(clients)) {
          const counts = tally.get(client)!
          for (let n = 0; n < lookups / changes; n++) counts[go(cluster, draw)]++
        }
      }
      const all = given.reduce((sum, { share }) => sum + share, 0)
      for (const [client, counts] of tally) {
        const { lookups } = clients[client]
        for (const [backend, { share }] of given.entries()) {
          const what = `${client}: ${backends[backend]}`
          assert.ok(Math.abs(counts[backend] / lookups - share / all) < tolerance, `${what}: ${counts}`)
          // Weights are rounded within 1 % of a share.
          assertShare(counts[backend], lookups, share / all, what, 0.01)
          if (share === 0) assert.equal(counts[backend], 0, what)
        }
      }
    })
  }

  test('the shares 90/10 hold while one backend loses all its endpoints and gets them back', async () => {
    const given = [
      { share: 90, replicas: 2 },
      { share: 10, replicas: 1 },
    ]
    const cluster = createKubernetesHarness({ cluster: clusterOf(given) })
    const random = fixedRandom(100)
    const draw = (): number => random() / 2 ** 32
    cluster.drawFrom(draw)
    const phases = [
      { when: '', shares: [0.9, 0.1] },
      {
        when: `endpoint stable shop ${address(0, 0)} notReady\nremove endpoint stable shop ${address(0, 1)}`,
        shares: [0, 1],
      },
      { when: `endpoint stable shop ${address(0, 1)} ready`, shares: [0.9, 0.1] },
      { when: `remove slice canary-ipv4 shop`, shares: [1, 0] },
      { when: `endpoint canary shop ${address(1, 7)} ready`, shares: [0.9, 0.1] },
      { when: 'annotate service web shop slicedns.io/split stable=1,canary=3', shares: [0.25, 0.75] },
    ]
    for (const { when, shares } of phases) {
      cluster.apply(when)
      // What happened is in the next answer.
      await cluster.settled()
      for (const [client, { lookups, go }] of Object.entries(clients)) {
        const counts = [0, 0]
        for (let n = 0; n < lookups / 10; n++) counts[go(cluster, draw)]++
        for (const [backend, share] of shares.entries()) {
          assertShare(counts[backend], lookups / 10, share, `${when}: ${client}: ${backends[backend]}`)
          if (share === 0) assert.equal(counts[backend], 0)
        }
      }
    }
  })
})

test('each endpoint of a backend gets as much as another, of a crowd listed in parts too', async () => {
  const given = [
    { share: 99.9, replicas: 1 },
    { share: 0.1, replicas: 499 },
  ]
  const cluster = createKubernetesHarness({ cluster: clusterOf(given) })
  await cluster.settled()
  const random = fixedRandom(200)
  cluster.drawFrom(() => random() / 2 ** 32)
  const seen = new Map<string, number>()
  const trials = 5000
  for (let i = 0; i < trials; i++) {
    const reply = cluster.askTableInOctets(questions.port)!
    // Each response has a part of the 499, of some 62 endpoints. Their labels are in it once each.
    for (const [label] of Buffer.from(reply)
      .toString('latin1')
      .matchAll(/10-2-\d+-\d+/g)) {
      seen.set(label, (seen.get(label) ?? 0) + 1)
    }
  }
  assert.equal(seen.size, 499)
  // Parts of 62 and of 63 are told in proportion to that, so an endpoint of either is in an eighth of the replies, nearly.
  for (const [label, count] of seen) assertShare(count, trials, 1 / 8, label, 0.02)
})
