import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import { queryMessage } from '../../../src/dns/query.ts'
import { finishReply } from '../../../src/dns/reply.ts'
import { parseMessage } from '../../../src/dns/wire.ts'
import { messageOf } from '../../support/plugin-harness.ts'
import { createCacheHarness, type Said, seconds, soa, www } from './support.ts'

describe('what a cache keeps', () => {
  const question = 'www.example.org. A'
  const cases: readonly (readonly [string, Said, boolean])[] = [
    ['an answer', { answer: [www] }, true],
    ['NODATA with SOA', { authority: [soa] }, true],
    ['NXDOMAIN with SOA', { rcode: 'NXDOMAIN', authority: [soa] }, true],
    ['SERVFAIL', { rcode: 'SERVFAIL' }, true],
    ['NOTIMP', { rcode: 'NOTIMP' }, true],
    ['a delegation', { authority: ['example.org. 60 IN NS ns.example.org.'] }, true],
    ['an empty answer without SOA', {}, true],
    ['an alias with its target', { answer: ['www.example.org. 60 IN CNAME a.org.', 'a.org. 60 IN A 192.0.2.1'] }, true],
    [
      'an alias without its target, but with SOA',
      { answer: ['www.example.org. 60 IN CNAME a.org.'], authority: [soa] },
      true,
    ],
    ['an alias without its target', { answer: ['www.example.org. 60 IN CNAME a.org.'] }, false],
    [
      'an alias with the address of another name',
      { answer: ['www.example.org. 60 IN CNAME a.org.', 'b.org. 60 IN A 192.0.2.1'] },
      false,
    ],
    [
      'an alias of itself',
      { answer: ['www.example.org. 60 IN CNAME a.org.', 'a.org. 60 IN CNAME www.example.org.'] },
      false,
    ],
    [
      'two aliases of one name',
      {
        answer: [
          'www.example.org. 60 IN CNAME a.org.',
          'www.example.org. 60 IN CNAME b.org.',
          'a.org. 60 IN A 192.0.2.1',
        ],
      },
      false,
    ],
    ['an answer for another name only', { answer: ['a.org. 60 IN A 192.0.2.1', 'b.org. 60 IN A 192.0.2.1'] }, false],
    ['a truncated answer', { answer: [www], with: { truncated: true } }, false],
    ['REFUSED', { rcode: 'REFUSED' }, false],
    ['FORMERR', { rcode: 'FORMERR' }, false],
    ['NXDOMAIN without SOA', { rcode: 'NXDOMAIN' }, false],
    ['NXDOMAIN with an answer', { rcode: 'NXDOMAIN', answer: [www], authority: [soa] }, false],
    [
      'an answer to another question',
      { answer: [www], with: { questions: [{ name: 'other.', type: 1, class: 1 }] } },
      false,
    ],
    ['a cluster answer', { answer: [www], plugin: 'kubernetes' }, false],
    ['a cluster answer for outside', { answer: [www], plugin: 'k8s_external' }, false],
    ['a cluster NXDOMAIN', { rcode: 'NXDOMAIN', authority: [soa], plugin: 'kubernetes' }, false],
  ]
  for (const [what, said, kept] of cases) {
    it(`${what}: ${kept ? 'kept' : 'not kept'}`, async () => {
      const { ask, asked } = createCacheHarness('cache', said)
      await ask(question)
      await ask(question)
      assert.equal(asked.length, kept ? 1 : 2)
    })
  }

  it('zone transfers, notifications and names outside ZONES pass by', async () => {
    const { ask, asked } = createCacheHarness('cache example.org')
    for (const [name, settings] of [
      ['www.example.org. AXFR', {}],
      ['www.example.org. SOA', { request: { opcode: 4 } }],
      ['www.example.com. A', {}],
    ] as const) {
      await ask(name, settings)
      await ask(name, settings)
    }
    assert.equal(asked.length, 6)
  })

  it('`disable` leaves the success or denial of zones out', async () => {
    const { ask, asked } = createCacheHarness('cache {\ndisable success org\ndisable denial net\n}')
    for (const name of ['www.example.org. A', 'www.example.net. A']) {
      await ask(name)
      await ask(name)
    }
    assert.deepEqual(
      asked.map(({ name }) => name),
      ['www.example.org.', 'www.example.org.', 'www.example.net.'],
    )
  })

  it('DO and CD make entries of their own; RD, AD, transport, client and case do not', async () => {
    const { ask, asked } = createCacheHarness()
    await ask('www.example.org. A')
    for (const same of [{ request: { recursionDesired: false } }, { request: { authenticData: true } }, { transport: 'tcp' }, { client: '192.0.2.9' }, { edns: {} }] as const) await ask('WWW.example.org. A', same) // biome-ignore format: one list
    assert.equal(asked.length, 1)
    await ask('www.example.org. A', { edns: { dnssecOk: true } })
    await ask('www.example.org. A', { request: { checkingDisabled: true } })
    await ask('www.example.org. AAAA')
    assert.equal(asked.length, 4)
  })
})

describe('cluster answers behind a cache', () => {
  it('cluster answers pass untouched: TTLs, OPT and all', async () => {
    const edns = { version: 0, payloadSize: 4096, dnssecOk: false, extendedRcode: 0, options: [] }
    const said = { answer: ['a.svc.cluster.local. 1 IN A 10.0.0.1'], plugin: 'kubernetes', with: { edns } }
    const { ask } = createCacheHarness('cache 30', said)
    const message = messageOf(await ask('a.svc.cluster.local. A'))
    assert.equal(message.answer[0].ttl, 1)
    assert.deepEqual(message.edns, edns)
  })
})

describe('TTLs of cached answers', () => {
  const cases: readonly (readonly [string, string, Said, number])[] = [
    ['every record gets the lowest TTL of the message', 'cache', { answer: [www], additional: ['ns.example.org. 77 IN A 192.0.2.2'] }, 77],
    ['at least 5 seconds', 'cache', { answer: ['www.example.org. 1 IN A 192.0.2.1'] }, 5],
    ['0 stays 0', 'cache', { answer: ['www.example.org. 0 IN A 192.0.2.1'] }, 0],
    ['0 becomes a MINTTL that is written', 'cache {\nsuccess 100 60 3\n}', { answer: ['www.example.org. 0 IN A 192.0.2.1'] }, 3],
    ['at most the maximum', 'cache 30', { answer: [www] }, 30],
    ['at most an hour', 'cache', { answer: ['www.example.org. 9999 IN A 192.0.2.1'] }, 3600],
    ['at most the maximum, which may be more than an hour', 'cache 7200', { answer: ['www.example.org. 9999 IN A 192.0.2.1'] }, 7200],
    ['an alias without its target keeps its own', 'cache', { answer: ['www.example.org. 7 IN CNAME a.org.'] }, 7],
    ['denials: at most half an hour', 'cache', { rcode: 'NXDOMAIN', authority: [soa.replace(' 60 ', ' 9999 ')] }, 1800],
    ['denials: of the SOA record, not its MINIMUM', 'cache', { rcode: 'NXDOMAIN', authority: [soa] }, 60],
    ['limits of their own', 'cache 30 {\nsuccess 1000 200 90\ndenial 1000 20\n}', { answer: [www] }, 120],
    ['an answer that is not kept is flattened too', 'cache 30', { answer: [www], with: { truncated: true } }, 30],
  ] // biome-ignore format: rows
  for (const [what, directive, said, ttl] of cases) {
    it(`the TTL of a cached answer: ${what}`, async () => {
      const { ask } = createCacheHarness(directive, said)
      const { answer, authority, additional } = messageOf(await ask('www.example.org. A'))
      for (const record of [...answer, ...authority, ...additional]) assert.equal(record.ttl, ttl)
    })
  }

  it('cached TTLs run down by whole seconds, then the entry is gone', async () => {
    const { lines, asked, plugin } = createCacheHarness('cache 30')
    await lines('www.example.org. A')
    plugin.clock.advance(10.5 * seconds)
    assert.deepEqual(await lines('www.example.org. A'), ['www.example.org. 20 IN A 192.0.2.1'])
    plugin.clock.advance(19.4 * seconds)
    assert.deepEqual(await lines('www.example.org. A'), ['www.example.org. 1 IN A 192.0.2.1'])
    assert.equal(asked.length, 1)
    plugin.clock.advance(0.1 * seconds)
    assert.deepEqual(await lines('www.example.org. A'), ['www.example.org. 30 IN A 192.0.2.1'])
    assert.equal(asked.length, 2)
  })

  it('SERVFAIL holds for a second, or as long as `servfail` says', async () => {
    for (const [directive, holds] of [
      ['cache', 1],
      ['cache {\nservfail 5s\n}', 5],
      ['cache {\nservfail 2s\n}', 2],
      ['cache {\nservfail 0\n}', 0],
    ] as const) {
      // biome-ignore format: rows
      const { ask, asked, plugin } = createCacheHarness(directive, { rcode: 'SERVFAIL' })
      await ask('www.example.org. A')
      plugin.clock.advance(holds * seconds - 1)
      await ask('www.example.org. A')
      assert.equal(asked.length, holds === 0 ? 2 : 1, directive)
      plugin.clock.advance(2)
      await ask('www.example.org. A')
      assert.equal(asked.length, holds === 0 ? 3 : 2, directive)
    }
  })

  it('`keepttl` leaves them as they were', async () => {
    const { lines, plugin } = createCacheHarness('cache 30 {\nkeepttl\n}')
    await lines('www.example.org. A')
    plugin.clock.advance(10 * seconds)
    assert.deepEqual(await lines('www.example.org. A'), ['www.example.org. 30 IN A 192.0.2.1'])
  })
})

describe('flags of cached answers', () => {
  it('a hit has the stored AA, RA and rcode, the ID and the case of its own question', async () => {
    const { ask } = createCacheHarness('cache', {
      rcode: 'NXDOMAIN',
      authority: [soa],
      with: { recursionAvailable: true },
    })
    assert.equal(messageOf(await ask('gone.example.org. A')).authoritative, false)
    const hit = messageOf(await ask('GONE.example.org. A', { request: { id: 99 } }))
    assert.deepEqual(
      [hit.authoritative, hit.recursionAvailable, hit.rcode, hit.questions[0].name],
      [false, true, rcode.NXDOMAIN, 'gone.example.org.'.replace('gone', 'GONE')],
    )
  })

  it('a hit of an authoritative reply is authoritative', async () => {
    const { ask } = createCacheHarness('cache', { answer: [www], with: { authoritative: true } })
    await ask('www.example.org. A')
    assert.equal(messageOf(await ask('www.example.org. A')).authoritative, true)
  })

  it('the next plugin is asked with AD; AD goes to those alone who set AD or DO', async () => {
    const { ask, asked } = createCacheHarness('cache', { answer: [www], with: { authenticData: true } })
    const wantsAd = { request: { authenticData: true } }
    assert.equal(messageOf(await ask('www.example.org. A')).authenticData, false)
    assert.equal(asked[0].request.authenticData, true)
    assert.equal(messageOf(await ask('www.example.org. A')).authenticData, false)
    assert.equal(messageOf(await ask('www.example.org. A', wantsAd)).authenticData, true)
    assert.equal(messageOf(await ask('www.example.org. A', { edns: { dnssecOk: true } })).authenticData, true)
  })

  it('an extended rcode (BADVERS) stays an error: it never becomes NOERROR without records', async () => {
    const { ask } = createCacheHarness('cache', { with: { rcode: 16 } })
    const message = messageOf(await ask('www.example.org. A', { edns: {} }))
    assert.equal(message.rcode, 16)
    const request = { ...queryMessage('www.example.org.', 1, true), id: message.id }
    assert.equal(parseMessage(finishReply(message, request, { transport: 'udp' })).rcode, rcode.SERVFAIL)
  })

  it('the OPT of an answer is dropped, on a miss as well', async () => {
    const edns = { version: 0, payloadSize: 4096, dnssecOk: false, extendedRcode: 0, options: [] }
    const { ask } = createCacheHarness('cache', { answer: [www], with: { edns } })
    for (let i = 0; i < 2; i++) assert.equal(messageOf(await ask('www.example.org. A', { edns: {} })).edns, undefined)
  })
})

describe('simultaneous questions to a cache', () => {
  it('a thousand for one cold name make one question downstream, whatever their case', async () => {
    const made = createCacheHarness()
    made.held = []
    const answers = Array.from({ length: 1000 }, (_, i) =>
      made.ask(i % 2 ? 'www.example.org. A' : 'WWW.example.org. A'),
    )
    assert.equal(made.asked.length, 1)
    for (const answer of made.held) answer()
    for (const [i, outcome] of (await Promise.all(answers)).entries()) {
      assert.equal(messageOf(outcome).questions[0].name, i % 2 ? 'www.example.org.' : 'WWW.example.org.')
      assert.equal(messageOf(outcome).answer.length, 1)
    }
    assert.equal(made.asked.length, 1)
  })

  it('a failure is shared as well, and the next question asks anew', async () => {
    const made = createCacheHarness('cache', { rcode: 'REFUSED' })
    made.held = []
    const answers = [made.ask('www.example.org. A'), made.ask('www.example.org. A', { request: { id: 5 } })]
    for (const answer of made.held) answer()
    const [, second] = await Promise.all(answers)
    assert.deepEqual([messageOf(second).rcode, messageOf(second).id], [rcode.REFUSED, 5])
    made.held = undefined
    await made.ask('www.example.org. A')
    assert.equal(made.asked.length, 2)
  })

  it('UDP questions that differ in their EDNS size share one; those without EDNS, which may be truncated, another', async () => {
    const made = createCacheHarness()
    made.held = []
    const answers = Array.from({ length: 300 }, (_, i) => made.ask('b.org. A', { edns: { payloadSize: 512 + i } }))
    answers.push(made.ask('b.org. A'), made.ask('b.org. A'))
    assert.equal(made.asked.length, 2)
    for (const answer of made.held) answer()
    await Promise.all(answers)
  })

  it('cluster answers, transports and the HINFO of `loop` are never shared', async () => {
    const made = createCacheHarness('cache', { answer: [www], plugin: 'kubernetes' })
    made.held = []
    const answers = [made.ask('a.cluster.local. A'), made.ask('a.cluster.local. A')]
    const others = [
      made.ask('b.org. A'),
      made.ask('b.org. A', { transport: 'tcp' }),
      made.ask('c. HINFO'),
      made.ask('c. HINFO'),
    ]
    assert.equal(made.asked.length, 5)
    for (const answer of made.held.splice(0)) answer()
    await answers[0]
    await new Promise((resolve) => setImmediate(resolve))
    for (const answer of made.held.splice(0)) answer()
    await Promise.all([...answers, ...others])
    assert.equal(made.asked.length, 6)
  })
})
