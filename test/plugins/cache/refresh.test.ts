import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import { messageOf } from '../../support/plugin-harness.ts'
import { createCacheHarness, type Said, seconds, soa, www } from './support.ts'

describe('prefetch of a cache', () => {
  it('a popular entry near its end is renewed once, while the old one answers', async () => {
    const made = createCacheHarness('cache 100 {\nprefetch 2 1m 10%\n}', {
      answer: ['www.example.org. 100 IN A 192.0.2.1'],
    })
    const question = 'www.example.org. A'
    await made.ask(question)
    made.plugin.clock.advance(50 * seconds)
    await made.ask(question)
    made.plugin.clock.advance(41 * seconds)
    made.said = { answer: ['www.example.org. 100 IN A 192.0.2.2'] }
    made.held = []
    assert.deepEqual(await made.lines(question), ['www.example.org. 9 IN A 192.0.2.1'])
    await made.ask(question)
    assert.equal(made.asked.length, 2)
    made.held[0]()
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(await made.lines(question), ['www.example.org. 100 IN A 192.0.2.2'])
    assert.match(await made.plugin.metrics.text(), /coredns_cache_prefetch_total\{.*\} 1/)
  })

  it('no more than 64 renewals are under way; an entry that is put off is renewed on its next hit', async () => {
    const made = createCacheHarness('cache 100 {\nprefetch 1 1m 90%\n}', { answer: [] })
    const names = Array.from({ length: 100 }, (_, i) => `n${i}.example.org. A`)
    const ask = async () => {
      for (const name of names) await made.ask(name)
    }
    made.said = { answer: ['x.example.org. 100 IN A 192.0.2.1'] }
    await ask()
    made.plugin.clock.advance(15 * seconds)
    made.held = []
    await ask()
    assert.equal(made.asked.length, 164)
    assert.match(await made.plugin.metrics.text(), /^slicedns_cache_skipped_renewals_total\{.*\} 36$/m)
    for (const answer of made.held.splice(0)) answer()
    await new Promise((resolve) => setImmediate(resolve))
    await ask()
    assert.equal(made.asked.length, 200)
  })

  it('a renewal whose answer is cut over UDP is asked over TCP', async () => {
    const made = createCacheHarness('cache 30 {\nserve_stale 1h verify\n}')
    await made.ask('www.example.org. A')
    made.plugin.clock.advance(40 * seconds)
    made.said = { answer: [www], with: { truncated: true } }
    await made.ask('www.example.org. A')
    assert.deepEqual(
      made.asked.map(({ transport }) => transport),
      ['udp', 'udp', 'tcp'],
    )
  })

  it('hits that are too far apart do not count', async () => {
    const { ask, asked, plugin } = createCacheHarness('cache 100 {\nprefetch 2 10s\n}', {
      answer: ['www.example.org. 100 IN A 192.0.2.1'],
    })
    for (const pause of [0, 45, 46, 4]) {
      plugin.clock.advance(pause * seconds)
      await ask('www.example.org. A')
    }
    assert.equal(asked.length, 2)
  })
})

describe('serve_stale of a cache', () => {
  const question = 'www.example.org. A'
  const failure: Said = { rcode: 'SERVFAIL' }

  it('serve_stale immediate answers with the expired entry and TTL 0, and renews it behind that', async () => {
    const made = createCacheHarness('cache 30 {\nserve_stale 1m\n}')
    await made.ask(question)
    made.plugin.clock.advance(40 * seconds)
    made.said = { answer: ['www.example.org. 120 IN A 192.0.2.2'] }
    assert.deepEqual(await made.lines(question), ['www.example.org. 0 IN A 192.0.2.1'])
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(await made.lines(question), ['www.example.org. 30 IN A 192.0.2.2'])
    assert.match(await made.plugin.metrics.text(), /coredns_cache_served_stale_total\{.*\} 1/)
  })

  for (const [said, code] of [
    [{ answer: ['www.example.org. 30 IN A 192.0.2.1'] }, 3],
    [{ rcode: 'NXDOMAIN', authority: ['example.org. 30 IN SOA ns.example.org. host.example.org. 1 2 3 4 30'] }, 19],
  ] as const)
    it(`a stale ${code === 3 ? 'answer' : 'NXDOMAIN'} says so by the code ${code} (RFC 8914 §4.4, §4.20), a fresh one does not`, async () => {
      const made = createCacheHarness('cache 30 {\nserve_stale 1m\n}')
      made.said = said
      await made.ask(question)
      assert.equal((await made.ask(question)).extendedError, undefined)
      made.plugin.clock.advance(40 * seconds)
      assert.equal((await made.ask(question)).extendedError?.code, code)
    })

  it('a stale answer is served only within the window, with the configured TTL', async () => {
    const made = createCacheHarness('cache 30 {\nserve_stale 1m immediate 7s\nservfail 0\n}')
    await made.ask(question)
    made.said = failure
    made.plugin.clock.advance(89 * seconds)
    assert.deepEqual(await made.lines(question), ['www.example.org. 7 IN A 192.0.2.1'])
    made.plugin.clock.advance(1 * seconds)
    assert.equal(messageOf(await made.ask(question)).rcode, rcode.SERVFAIL)
  })

  it('serve_stale verify gives a fresh answer when there is one, and else the old one', async () => {
    const made = createCacheHarness('cache 30 {\nserve_stale 1h verify\nservfail 0\n}')
    await made.ask(question)
    made.plugin.clock.advance(40 * seconds)
    made.said = failure
    assert.deepEqual(await made.lines(question), ['www.example.org. 0 IN A 192.0.2.1'])
    made.said = { answer: ['www.example.org. 120 IN A 192.0.2.2'] }
    assert.deepEqual(await made.lines(question), ['www.example.org. 30 IN A 192.0.2.2'])
  })

  it('serve_stale verify with a timeout gives the old answer when the fresh one is late, which still renews it', async () => {
    const made = createCacheHarness('cache 30 {\nserve_stale 1h verify 100ms\n}')
    await made.ask(question)
    made.plugin.clock.advance(40 * seconds)
    made.said = { answer: ['www.example.org. 120 IN A 192.0.2.2'] }
    made.held = []
    const answer = made.lines(question)
    made.plugin.clock.advance(100)
    assert.deepEqual(await answer, ['www.example.org. 0 IN A 192.0.2.1'])
    made.held[0]()
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(await made.lines(question), ['www.example.org. 30 IN A 192.0.2.2'])
  })

  it('RECHECK: after a failed renewal none is tried for a while', async () => {
    const made = createCacheHarness('cache 30 {\nserve_stale 1h verify 0 0s 10s\nservfail 0\n}')
    await made.ask(question)
    made.plugin.clock.advance(40 * seconds)
    made.said = failure
    await made.ask(question)
    await made.ask(question)
    assert.equal(made.asked.length, 2)
    made.plugin.clock.advance(10 * seconds)
    await made.ask(question)
    assert.equal(made.asked.length, 3)
  })

  it('prefer_positive: an old answer comes before a fresh denial', async () => {
    for (const [policy, wanted] of [
      ['', rcode.NXDOMAIN],
      ['serve_stale_policy prefer_positive', rcode.NOERROR],
    ] as const) {
      // biome-ignore format: rows
      const made = createCacheHarness(`cache 30 {\nserve_stale 1h\n${policy}\n}`)
      await made.ask(question)
      made.plugin.clock.advance(40 * seconds)
      made.said = { rcode: 'NXDOMAIN', authority: [soa] }
      await made.ask(question)
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(messageOf(await made.ask(question)).rcode, wanted, policy)
    }
  })

  const failures: readonly (readonly [string, string, Said])[] = [
    ['SERVFAIL', '', failure],
    ['NOTIMP', '', { rcode: 'NOTIMP' }],
    ['REFUSED', '', { rcode: 'REFUSED' }],
    ['FORMERR', '', { rcode: 'FORMERR' }],
    ['a cut answer', '', { answer: [www], with: { truncated: true } }],
    ['an answer to another question', '', { answer: [www], with: { questions: [] } }],
    ['NXDOMAIN with an alias', '', { rcode: 'NXDOMAIN', answer: ['www.example.org. 60 IN CNAME a.org.'] }],
    ['NXDOMAIN, with prefer_positive', 'serve_stale_policy prefer_positive', { rcode: 'NXDOMAIN', authority: [soa] }],
    ['NODATA, with prefer_positive', 'serve_stale_policy prefer_positive', { authority: [soa] }],
    [
      'an alias alone, with prefer_positive',
      'serve_stale_policy prefer_positive',
      { answer: ['x. 60 IN CNAME a.org.'] },
    ],
    ['nothing, with prefer_positive', 'serve_stale_policy prefer_positive', {}],
  ]
  for (const [what, policy, said] of failures) {
    it(`a renewal that brings ${what} hides a stale answer at no time of its window`, async () => {
      for (const mode of ['immediate', 'immediate 0s 3s', 'verify', 'verify 100ms', 'verify 0 5s 3s']) {
        const made = createCacheHarness(`cache 30 {\nserve_stale 1m ${mode}\n${policy}\n}`)
        await made.ask(question)
        made.said = said
        made.plugin.clock.advance(30 * seconds)
        for (let second = 0; second < 60; second++) {
          const { rcode: code, answer } = messageOf(await made.ask(question))
          assert.deepEqual([code, answer.length], [rcode.NOERROR, 1], `${mode}, after ${second} s`)
          await new Promise((resolve) => setImmediate(resolve))
          made.plugin.clock.advance(1 * seconds)
        }
        assert.ok(made.asked.length > 20, `${made.asked.length} questions with ${mode}`)
        const after = messageOf(await made.ask(question))
        assert.deepEqual(after.rcode, rcode[said.rcode ?? 'NOERROR'], mode)
      }
    })
  }

  it('a failed renewal hides no stale denial either', async () => {
    for (const policy of ['', 'serve_stale_policy prefer_positive']) {
      const made = createCacheHarness(`cache 30 {\nserve_stale 1m\n${policy}\n}`, {
        rcode: 'NXDOMAIN',
        authority: [soa],
      })
      await made.ask(question)
      made.said = failure
      for (let second = 0; second < 89; second++) {
        made.plugin.clock.advance(1 * seconds)
        assert.equal(messageOf(await made.ask(question)).rcode, rcode.NXDOMAIN, `${policy} ${second}`)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
  })

  it('a failure is not served stale: the next question is answered anew', async () => {
    const made = createCacheHarness('cache 30 {\nserve_stale 1h\nservfail 2s\n}', failure)
    await made.ask(question)
    made.plugin.clock.advance(2 * seconds)
    made.said = { answer: [www] }
    assert.equal(messageOf(await made.ask(question)).rcode, rcode.NOERROR)
  })

  it('a fresh answer that must not be kept ends a stale one', async () => {
    const made = createCacheHarness('cache 30 {\nsuccess 9984 30 0\nserve_stale 1h\n}')
    await made.ask(question)
    made.plugin.clock.advance(40 * seconds)
    made.said = { answer: ['www.example.org. 0 IN A 192.0.2.2'] }
    await made.ask(question)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(await made.lines(question), ['www.example.org. 0 IN A 192.0.2.2'])
  })

  it('keepttl: a stale answer has its own TTL, unless serve_stale gives it one', async () => {
    for (const [mode, ttl] of [
      ['', 30],
      ['immediate 7s', 7],
    ] as const) {
      const made = createCacheHarness(`cache 30 {\nserve_stale 1h ${mode}\nkeepttl\n}`)
      await made.ask(question)
      made.plugin.clock.advance(40 * seconds)
      assert.deepEqual(await made.lines(question), [`www.example.org. ${ttl} IN A 192.0.2.1`])
    }
  })
})
