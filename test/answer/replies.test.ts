import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type TransportCode, transportCode } from '../../src/answer/api.ts'
import type { Message, ResourceRecord } from '../../src/dns/message.ts'
import { rdata, recordText } from '../../src/dns/rdata.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import { spaceCell } from '../../src/table/layout.ts'
import type { NodeSpec, ServicesSpec } from '../../src/table/spec.ts'
import { assertShare, fixedRandom } from '../support/chance.ts'
import {
  addressesSpec,
  nameInZone,
  nodeSpec,
  recordsSpec,
  servicesSpec,
  typeNumbers,
  zoneName,
  zoneSpec,
} from '../table/arbitraries.ts'
import { type Asked, createResponderHarness, ednsOf, inMixedCase, questionMessage, replyOf } from './harness.ts'
import { answerMeaning, meaningOf, type Sections } from './meaning.ts'

const empty: NodeSpec = { zone: zoneName, below: 'closed', otherTypes: 'nodata', answers: new Map() }

const asked: fc.Arbitrary<Asked> = fc.record(
  {
    by: fc.constantFrom<TransportCode>(transportCode.udp4, transportCode.udp6, transportCode.stream),
    recursionDesired: fc.boolean(),
    checkingDisabled: fc.boolean(),
    edns: fc.option(
      fc.record(
        {
          version: fc.constant(0),
          extendedRcode: fc.constant(0),
          payloadSize: fc.oneof(fc.nat(65_535), fc.constantFrom(0, 512, 1232, 4096)),
          dnssecOk: fc.boolean(),
          options: fc.array(
            fc.record(
              { code: fc.constantFrom(10, 12, 65_001), data: fc.uint8Array({ maxLength: 24 }) },
              { noNullPrototype: true },
            ),
            { maxLength: 2 },
          ),
        },
        { noNullPrototype: true },
      ),
      { nil: undefined },
    ),
  },
  { noNullPrototype: true },
)

/** What the chain would send: the meaning, through the encoder of src/dns. */
function throughTheEncoder(sections: Sections, request: Message, by: TransportCode | undefined): Message {
  const { edns } = request
  const limit = by === transportCode.stream ? 65_535 : Math.max(512, edns?.payloadSize ?? 0)
  const reply: Message = {
    ...request,
    ...sections,
    response: true,
    authoritative: true,
    edns: edns && { ...edns, options: [] },
  }
  return parseMessage(encodeMessage(reply, { limit }))
}

describe('a reply from the table', () => {
  it('a reply from the table is what the chain would send for the same node, cut at the same record', () => {
    const { table, space, profileId, ask } = createResponderHarness()
    const type = fc.oneof({ arbitrary: fc.constantFrom(...Object.values(typeNumbers)), weight: 9 }, fc.constant(65))
    fc.assert(
      fc.property(nameInZone, nodeSpec, type, asked, fc.nat(), (name, node, qtype, how, salt) => {
        if (node.answers.get(qtype)?.kind === 'variants') return
        table.put(space, profileId, name, node)
        const request = questionMessage(inMixedCase(name, salt), qtype, how)
        const meaning = meaningOf(node, zoneSpec(), request.questions[0].name, qtype)
        const outcome = ask(request.questions[0].name, qtype, how)
        if (!meaning) return assert.match(String(outcome), /^miss: the plugins answer this type/)
        const wanted = throughTheEncoder(meaning, request, how.by)
        if (typeof outcome === 'string') {
          // Only records with names to compress are left to the chain, and only when they may have to be cut.
          assert.equal(outcome, 'miss: the answer is too large for the client, so the plugin chain cuts it')
          const plain = encodeMessage(wanted, { limit: 65_535 }).length
          assert.ok(node.answers.get(qtype)?.kind === 'records' && plain > 150)
          return
        }
        assert.deepEqual(outcome, wanted)
      }),
      { numRuns: 1500 },
    )
  })

  it('a reply from the table has 29 of 60 addresses and TC without EDNS, as CoreDNS', () => {
    const { table, space, profileId, ask } = createResponderHarness()
    const name = `web.default.svc.${zoneName}`
    const addresses = new Uint8Array(240)
    table.put(space, profileId, name, { ...empty, answers: new Map([[1, { kind: 'addresses', ttl: 5, addresses }]]) })
    const reply = replyOf(ask(name, 1))
    assert.equal(reply.answer.length, 29)
    assert.equal(reply.truncated, true)
    assert.equal(replyOf(ask(name, 1, { by: transportCode.stream })).answer.length, 60)
    assert.equal(replyOf(ask(name, 1, { edns: ednsOf() })).truncated, false)
  })

  it('a reply from the table points to what it can and copies what it cannot when 600 endpoints go beyond 16 KiB', () => {
    const { table, space, profileId, ask, answer } = createResponderHarness()
    const name = `web.default.svc.${zoneName}`
    for (const count of [250, 400, 600, 900, 1200]) {
      const spec: ServicesSpec = {
        kind: 'services',
        ttl: 5,
        targets: Array.from({ length: count }, (_, i) => ({
          name: `endpoint-${i}.${name}`,
          a: Uint8Array.of(10, 0, i >> 8, i),
          aaaa: new Uint8Array(0),
        })),
        records: Array.from({ length: count }, (_, target) => ({ priority: 0, weight: 1, port: 80, target })),
      }
      table.put(space, profileId, name, { ...empty, answers: new Map([[33, spec]]) })
      const request = questionMessage(`web.default.svc.Cluster.local.`, 33)
      const wanted = throughTheEncoder(
        answerMeaning(spec, zoneSpec(), request.questions[0].name, 33)!,
        request,
        transportCode.stream,
      )
      assert.deepEqual(replyOf(ask(request.questions[0].name, 33, { by: transportCode.stream })), wanted)
      assert.ok(answer(encodeMessage(request, { limit: 512 }), transportCode.stream) instanceof Uint8Array)
    }
  })

  it('a reply from the table copies the question in its case, and writes the zone in that case', () => {
    const { table, space, profileId, ask } = createResponderHarness()
    table.put(space, profileId, `web.${zoneName}`, empty)
    const reply = replyOf(ask('wEB.CLUSTER.local.', 1))
    assert.equal(reply.questions[0].name, 'wEB.CLUSTER.local.')
    assert.equal(
      recordText(reply.authority[0]),
      'CLUSTER.local. 5 IN SOA ns.dns.CLUSTER.local. hostmaster.CLUSTER.local. 1 7200 1800 86400 5',
    )
  })

  it('a reply from the table answers for the root, whose owner is no pointer', () => {
    const { table, space, profileId, ask } = createResponderHarness()
    table.zone(space, zoneSpec({}, '.'))
    const addresses = Uint8Array.of(1, 2, 3, 4)
    table.put(space, profileId, '.', {
      ...empty,
      zone: '.',
      answers: new Map([
        [1, { kind: 'addresses', ttl: 5, addresses }],
        [6, { kind: 'soa' }],
      ]),
    })
    assert.deepEqual(replyOf(ask('.', 1)).answer.map(recordText), ['. 5 IN A 1.2.3.4'])
    assert.equal(replyOf(ask('.', 6)).answer.length, 1)
    assert.equal(replyOf(ask('nothing.here.', 1)).rcode, 3)
  })

  it('a reply from the table echoes the advertised size as the class caps it', () => {
    const { table, space, profileId, ask } = createResponderHarness({ maxPayload: 1232 })
    table.put(space, profileId, `web.${zoneName}`, {
      ...empty,
      answers: new Map([[1, { kind: 'addresses', ttl: 5, addresses: new Uint8Array(800) }]]),
    })
    const large = replyOf(ask(`web.${zoneName}`, 1, { edns: ednsOf({ payloadSize: 4096 }) }))
    assert.equal(large.edns?.payloadSize, 1232)
    assert.equal(large.truncated, true)
    assert.equal(replyOf(ask(`web.${zoneName}`, 1, { edns: ednsOf({ payloadSize: 100 }) })).edns?.payloadSize, 100)
  })

  it('a reply from the table has no more octets than datagrams are limited to, until they no longer are', () => {
    const { table, space, profileId, ask, responder } = createResponderHarness()
    table.put(space, profileId, `web.${zoneName}`, {
      ...empty,
      answers: new Map([[1, { kind: 'addresses', ttl: 5, addresses: new Uint8Array(800) }]]),
    })
    const edns = ednsOf({ payloadSize: 4096 })
    responder.limitDatagrams(1232)
    const cut = replyOf(ask(`web.${zoneName}`, 1, { edns }))
    assert.equal(cut.truncated, true)
    assert.equal(cut.edns?.payloadSize, 1232)
    assert.equal(replyOf(ask(`web.${zoneName}`, 1, { edns, by: transportCode.stream })).truncated, false)
    assert.equal(replyOf(ask(`web.${zoneName}`, 1, { edns: ednsOf({ payloadSize: 600 }) })).edns?.payloadSize, 600)
    responder.limitDatagrams(65_535)
    assert.equal(replyOf(ask(`web.${zoneName}`, 1, { edns })).truncated, false)
  })

  it('a query is left to the chain when its transport has less room than the client', () => {
    const { table, space, profileId, ask } = createResponderHarness({}, { udpReplyOctets: 600 })
    table.put(space, profileId, `web.${zoneName}`, {
      ...empty,
      answers: new Map([[1, { kind: 'addresses', ttl: 5, addresses: new Uint8Array(800) }]]),
    })
    assert.match(String(ask(`web.${zoneName}`, 1, { edns: ednsOf() })), /^miss: the answer is too large/)
    assert.equal(replyOf(ask(`web.${zoneName}`, 1)).truncated, true)
    assert.equal(replyOf(ask(`web.${zoneName}`, 1, { by: transportCode.stream })).truncated, false)
  })
})

describe('a name that the table does not have', () => {
  function tree() {
    const made = createResponderHarness()
    const { table, space, profileId } = made
    const put = (name: string, change: Partial<NodeSpec> = {}) =>
      table.put(space, profileId, name, { ...empty, ...change })
    put(zoneName)
    put(`svc.${zoneName}`)
    put(`open.svc.${zoneName}`, { below: 'open' })
    return { ...made, put }
  }

  it('a name without a node is NXDOMAIN below a closed node, however far below', () => {
    const { ask } = tree()
    for (const name of [
      `nothing.svc.${zoneName}`,
      `a.b.c.svc.${zoneName}`,
      `www.example.com.svc.${zoneName}`,
      `x.${zoneName}`,
    ]) {
      const reply = replyOf(ask(name, 1))
      assert.equal(reply.rcode, 3)
      assert.equal(reply.authority.length, 1)
    }
  })

  it('a name without a node is left to the chain below an open node, and outside every zone', () => {
    const { ask } = tree()
    assert.match(String(ask(`x.open.svc.${zoneName}`, 1)), /closest name in the table/)
    assert.match(String(ask('example.com.', 1)), /neither the name nor a name above/)
  })

  it('a name without a node is left to the chain while its zone is not synced, and so is a name that answers NXDOMAIN', () => {
    const { ask, table, space, put } = tree()
    put(`gone.svc.${zoneName}`, { otherTypes: 'nxdomain' })
    table.zone(space, zoneSpec({}, zoneName, true))
    assert.match(String(ask(`nothing.svc.${zoneName}`, 1)), /not synced/)
    assert.match(String(ask(`gone.svc.${zoneName}`, 1)), /not synced/)
    assert.equal(replyOf(ask(`svc.${zoneName}`, 1)).rcode, 0, 'NODATA is known even so')
    table.zone(space, zoneSpec())
    assert.equal(replyOf(ask(`gone.svc.${zoneName}`, 1)).rcode, 3)
  })

  it('a query for SOA or ANY of a missing name is left to the chain: Kubernetes zones and the `any` plugin answer those', () => {
    const { ask } = tree()
    for (const type of [6, 255])
      assert.match(String(ask(`nothing.svc.${zoneName}`, type)), /the plugins answer this opcode, class or type/)
  })

  it('a denial from the table carries the serial and TTL of the zone as they are now', () => {
    const { ask, table, space } = tree()
    table.zone(space, zoneSpec({ serial: 4_000_000_000, ttl: 17 }))
    const [soa] = replyOf(ask(`nothing.svc.${zoneName}`, 1)).authority
    assert.equal(
      recordText(soa),
      'cluster.local. 17 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 4000000000 7200 1800 86400 5',
    )
  })

  it('a name that the table does not have is for the chain in a space that does not serve or is retired', () => {
    const { ask, table, space } = tree()
    // What the writer does when it has no memory left for a change.
    const words = new Int32Array(table.handle.memory)
    Atomics.store(words, spaceCell(space), 0)
    assert.match(String(ask(zoneName, 1)), /does not serve/)
    Atomics.store(words, spaceCell(space), space + 1)
    assert.equal(replyOf(ask(zoneName, 1)).rcode, 0)
    table.retireSpace(space)
    assert.match(String(ask(zoneName, 1)), /does not serve/)
  })
})

describe('random order', () => {
  const key = (record: ResourceRecord): string => recordText(record)

  it('random order permutes addresses and glue and nothing else, before the reply is cut', () => {
    const { table, space, profileId, ask } = createResponderHarness({ shuffle: true })
    const spec = fc.oneof(
      addressesSpec(1).map((answer) => ({ type: 1, answer })),
      addressesSpec(28).map((answer) => ({ type: 28, answer })),
      servicesSpec.map((answer) => ({ type: 33, answer })),
      recordsSpec.map((answer) => ({ type: 16, answer })),
    )
    fc.assert(
      fc.property(nameInZone, spec, asked, (name, { type, answer }, how) => {
        table.put(space, profileId, name, { ...empty, answers: new Map([[type, answer]]) })
        const outcome = ask(name, type, how)
        if (typeof outcome === 'string') return
        const meaning = answerMeaning(answer, zoneSpec(), name, type)!
        const isAddress = ({ type }: ResourceRecord): boolean => type === 1 || type === 28
        for (const section of ['answer', 'additional'] as const) {
          const all = meaning[section].map(key)
          const got: string[] = outcome[section].map(key)
          for (const record of new Set(got)) {
            const times = (list: string[]) => list.filter((other) => other === record).length
            assert.ok(times(got) <= times(all), `${record} is said too often`)
          }
          // All that is no address keeps its order; CNAMEs come first, addresses last.
          const fixed = meaning[section]
            .filter((r) => !isAddress(r))
            .sort((a, b) => Number(b.type === 5) - Number(a.type === 5))
          const kept: ResourceRecord[] = outcome[section].filter((r) => !isAddress(r))
          assert.deepEqual(kept.map(key), fixed.slice(0, kept.length).map(key))
          if (!outcome.truncated) assert.equal(got.length, all.length)
        }
      }),
      { numRuns: 600 },
    )
  })

  it('random order gives each of 40 addresses the same chance to be among the first 28, and each position', () => {
    const { table, space, profileId, ask } = createResponderHarness({ shuffle: true })
    const name = `web.default.svc.${zoneName}`
    const addresses = Uint8Array.from({ length: 160 }, (_, i) => (i % 4 === 3 ? i >> 2 : 10))
    table.put(space, profileId, name, { ...empty, answers: new Map([[1, { kind: 'addresses', ttl: 5, addresses }]]) })
    const first = new Array<number>(40).fill(0)
    const among = new Array<number>(40).fill(0)
    const rounds = 4000
    let size = 0
    for (let i = 0; i < rounds; i++) {
      const { answer } = replyOf(ask(name, 1))
      size = answer.length
      first[answer[0].rdata[3]]++
      for (const { rdata } of answer) among[rdata[3]]++
    }
    // Six standard deviations of a binomial count.
    const near = (count: number, p: number) => Math.abs(count - rounds * p) < 6 * Math.sqrt(rounds * p * (1 - p))
    for (const count of first) assert.ok(near(count, 1 / 40), `first: ${first}`)
    for (const count of among) assert.ok(near(count, size / 40), `among: ${among}`)
  })
})

describe('an answer with variants', () => {
  it('an answer with variants is drawn by weight for each query, whole', () => {
    const { table, space, profileId, ask } = createResponderHarness()
    const name = `split.default.svc.${zoneName}`
    const variant = (weight: number, octet: number, count: number) => ({
      weight,
      answer: { kind: 'addresses' as const, ttl: 5, addresses: new Uint8Array(4 * count).fill(octet) },
    })
    const variants = [variant(90, 1, 40), variant(10, 2, 1)]
    table.put(space, profileId, name, { ...empty, answers: new Map([[1, { kind: 'variants', variants }]]) })
    let canary = 0
    for (let i = 0; i < 5000; i++) {
      const { answer } = replyOf(ask(name, 1, { by: transportCode.stream }))
      const backend = answer[0].rdata[0]
      assert.ok(answer.every(({ rdata }) => rdata[0] === backend))
      assert.equal(answer.length, backend === 1 ? 40 : 1)
      if (backend === 2) canary++
    }
    assert.ok(canary > 350 && canary < 650, `${canary} of 5000`)
  })

  it('an answer with variants has the addresses that fit a datagram and no TC, because TCP would draw again', () => {
    const { table, space, profileId, ask } = createResponderHarness({}, { random: fixedRandom(5) })
    const name = `split.default.svc.${zoneName}`
    const variant = (weight: number, octet: number, count: number) => {
      const addresses = Uint8Array.from({ length: 4 * count }, (_, i) => (i % 4 === 3 ? i >> 2 : octet))
      return { weight, answer: { kind: 'addresses' as const, ttl: 5, addresses } }
    }
    const variants = [variant(90, 1, 50), variant(10, 2, 3)]
    table.put(space, profileId, name, { ...empty, answers: new Map([[1, { kind: 'variants', variants }]]) })
    const trials = 5000
    const among = new Array<number>(50).fill(0)
    let large = 0
    for (let i = 0; i < trials; i++) {
      const { answer, truncated } = replyOf(ask(name, 1))
      assert.ok(!truncated)
      if (answer[0].rdata[0] === 2) continue
      large++
      assert.equal(answer.length, 28)
      for (const { rdata } of answer) among[rdata[3]]++
    }
    assertShare(large, trials, 0.9, 'the backend with 50 addresses')
    for (const [i, count] of among.entries()) assertShare(count, large, 28 / 50, `address ${i}`)
  })

  it('a draw can select each variant of an answer, of every kind', () => {
    const { table, space, profileId, ask } = createResponderHarness()
    fc.assert(
      fc.property(nameInZone, servicesSpec, recordsSpec, (name, services, records) => {
        const variants = [
          { weight: 1, answer: services },
          { weight: 2, answer: records },
          { weight: 1, answer: services },
        ]
        table.put(space, profileId, name, { ...empty, answers: new Map([[33, { kind: 'variants', variants }]]) })
        const request = questionMessage(name, 33)
        const possible = variants.map(({ answer }) =>
          throughTheEncoder(answerMeaning(answer, zoneSpec(), name, 33)!, request, transportCode.stream),
        )
        for (let i = 0; i < 6; i++) {
          const reply = replyOf(ask(name, 33, { by: transportCode.stream }))
          assert.ok(
            possible.some((wanted) => wanted.answer.map(recordText).join() === reply.answer.map(recordText).join()),
          )
        }
      }),
      { numRuns: 100 },
    )
  })

  it('an answer with variants obeys the random source: every draw from the first to the last', () => {
    const draws = [0, 0x3fffffff, 0x40000000, 0xffffffff]
    const { table, space, profileId, ask } = createResponderHarness({}, { random: () => draws.shift()! })
    const name = `split.${zoneName}`
    const text = (word: string) => ({
      kind: 'records' as const,
      answer: [{ owner: '', type: 16, ttl: 5, rdata: rdata.txt([word]) }],
      additional: [],
    })
    const variants = [
      { weight: 1, answer: text('a') },
      { weight: 3, answer: text('b') },
    ]
    table.put(space, profileId, name, { ...empty, answers: new Map([[16, { kind: 'variants', variants }]]) })
    const heard = [1, 2, 3, 4].map(() => String.fromCharCode(replyOf(ask(name, 16)).answer[0].rdata[1]))
    assert.deepEqual(heard, ['a', 'a', 'b', 'b'])
  })
})
