import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import { messageOf } from '../../support/plugin-harness.ts'
import { createCacheHarness, type Said, seconds, soa } from './support.ts'

describe('prefetch of a cache', () => {
  it('a popular entry near its end is renewed once, as if by TCP, while the old one answers', async () => {
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
    assert.equal(made.asked[1].transport, 'tcp')
    made.held[0]()
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(await made.lines(question), ['www.example.org. 100 IN A 192.0.2.2'])
    assert.match(await made.plugin.metrics.text(), /coredns_cache_prefetch_total\{.*\} 2/)
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
})
