import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import { parseMessage } from '../../../src/dns/wire.ts'
import { type ReplySink, replySource } from '../../../src/plugin/capabilities/reply-source.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { DataPlaneSample } from '../../../src/plugin/contract.ts'
import { messageOctets } from '../../../src/plugin/size.ts'
import { cache } from '../../../src/plugins/cache/index.ts'
import type { CachedEntry } from '../../../src/table/api.ts'
import { createPluginHarness, setUp } from '../../support/plugin-harness.ts'
import { createCacheHarness, seconds, soa } from './support.ts'

describe('the data plane behind a cache', () => {
  function sinkOf(entries: CachedEntry[], removed: string[] = []): ReplySink {
    return { put: (entry) => void entries.push(entry), remove: (name) => void removed.push(name) }
  }

  it('the data plane gets each entry with its expiry: a reply without OPT, its own AA, TTLs as of when it was stored', async () => {
    const { ask, instance, plugin } = createCacheHarness('cache 30')
    const entries: CachedEntry[] = []
    capabilityOf(instance, replySource)?.attach(sinkOf(entries))
    plugin.clock.advance(5 * seconds)
    await ask('WWW.example.org. A', { edns: { dnssecOk: true } })
    const [{ reply, ...facts }] = entries
    assert.deepEqual(facts, {
      name: 'www.example.org.',
      type: 1,
      dnssecOk: true,
      checkingDisabled: false,
      storedAt: 5 * seconds,
      expiresAt: 35 * seconds,
      keepTtl: false,
      authenticData: false,
      octets: messageOctets(parseMessage(reply)),
    })
    const message = parseMessage(reply)
    assert.deepEqual([message.authoritative, message.edns, message.answer[0].ttl], [false, undefined, 30])
  })

  it('a listener that comes later hears of an entry at its next hit, and how old it is', async () => {
    const { ask, instance, plugin } = createCacheHarness('cache 30')
    await ask('www.example.org. A')
    const entries: CachedEntry[] = []
    capabilityOf(instance, replySource)?.attach(sinkOf(entries))
    plugin.clock.advance(10 * seconds)
    await ask('www.example.org. A')
    await ask('www.example.org. A')
    assert.equal(entries.length, 1)
    const [{ reply, storedAt, expiresAt }] = entries
    assert.deepEqual([parseMessage(reply).answer[0].ttl, storedAt, expiresAt], [30, 0, 30 * seconds])
  })

  it('the data plane loses an entry that the cache loses', async () => {
    const { ask, instance, asked } = createCacheHarness('cache {\nsuccess 1\n}')
    const removed: string[] = []
    capabilityOf(instance, replySource)?.attach(sinkOf([], removed))
    for (let i = 0; i < 1025; i++) await ask(`n${i}.example.org. A`)
    assert.deepEqual(removed, ['n0.example.org.'])
    assert.equal(asked.length, 1025)
  })

  it('the data plane gets failures, which it leaves to the chain and does not relay', async () => {
    const { ask, instance, asked } = createCacheHarness('cache 30', { rcode: 'SERVFAIL' })
    const entries: CachedEntry[] = []
    capabilityOf(instance, replySource)?.attach(sinkOf(entries))
    await ask('www.example.org. A')
    await ask('www.example.org. A')
    assert.deepEqual([asked.length, entries.map(({ reply }) => reply[3] & 15)], [1, [rcode.SERVFAIL]])
  })

  /** What the data plane has of a question that was asked so often. */
  async function publishedOf(option: string, times: number, made = createCacheHarness(`cache 100 {\n${option}\n}`)) {
    const entries: CachedEntry[] = []
    capabilityOf(made.instance, replySource)?.attach(sinkOf(entries))
    for (let i = 0; i < times; i++) await made.ask('www.example.org. A')
    return entries.map(({ expiresAt, keepTtl }) => [expiresAt / seconds, keepTtl])
  }

  it('with serve_stale the data plane repeats an entry until it expires, with keepttl in its own TTL', async () => {
    assert.deepEqual(await publishedOf('serve_stale', 1), [[100, false]])
    assert.deepEqual(await publishedOf('keepttl', 1), [[100, true]])
  })

  it('with prefetch the data plane repeats an entry that is popular, until a hit renews it; before it is expired there', async () => {
    assert.deepEqual(await publishedOf('prefetch 2 1m 20%', 2), [[0, false]])
    assert.deepEqual(await publishedOf('prefetch 2 1m 20%', 3), [
      [0, false],
      [80, false],
    ])
  })

  it('a popular entry that the data plane repeats is renewed by the first hit near its end', async () => {
    const made = createCacheHarness('cache 100 {\nprefetch 2 10s\n}')
    await publishedOf('', 3, made)
    made.plugin.clock.advance(91 * seconds)
    await made.ask('www.example.org. A')
    assert.equal(made.asked.length, 2)
  })

  for (const [what, said] of [
    ['NXDOMAIN', { rcode: 'NXDOMAIN', authority: [soa] }],
    ['an empty reply', { answer: [] }],
  ] as const)
    it(`the data plane has a stale answer that is preferred to ${what} as one that has expired, and asks past nobody`, async () => {
      const made = createCacheHarness('cache 30 {\nserve_stale 1h\nserve_stale_policy prefer_positive\n}')
      const known = new Map<string, CachedEntry>()
      const sink: ReplySink = {
        put: (entry) => void known.set(entry.name, entry),
        remove: (name) => void known.delete(name),
      }
      capabilityOf(made.instance, replySource)?.attach(sink)
      await made.ask('www.example.org. A')
      made.plugin.clock.advance(40 * seconds)
      made.said = said
      await made.ask('www.example.org. A')
      await new Promise((resolve) => setImmediate(resolve))
      const kept = known.get('www.example.org.')!
      assert.deepEqual([made.asked.length, parseMessage(kept.reply).answer.length], [2, 1])
      assert.ok(kept.expiresAt <= made.plugin.clock.now())
    })

  it('the data plane gets nothing of class CH', async () => {
    const { ask, instance } = createCacheHarness()
    const entries: CachedEntry[] = []
    capabilityOf(instance, replySource)?.attach(sinkOf(entries))
    await ask('version.bind. TXT', { request: { questions: [{ name: 'version.bind.', type: 16, class: 3 }] } })
    assert.equal(entries.length, 0)
  })
})

describe('metrics of a cache', () => {
  const histogram = { counts: [], sum: 0 }
  /** What the data plane has counted of the cached replies of one zone. */
  const hitsOfTable = (cacheHits: { success: number; denial: number }, zone = '.'): DataPlaneSample => ({
    server: 'dns://:53',
    zone,
    view: '',
    plugin: 'cache',
    proto: 'udp',
    requests: new Map(),
    responses: new Map(),
    doRequests: 0,
    cacheHits,
    requestSize: histogram,
    responseSize: histogram,
    duration: histogram,
  })

  it('requests, hits, misses, drops and entries are counted, and what the data plane answered', async () => {
    const made = createCacheHarness()
    await made.ask('www.example.org. A')
    await made.ask('www.example.org. A')
    made.said = { rcode: 'NXDOMAIN', authority: [soa] }
    await made.ask('gone.example.org. A')
    await made.ask('gone.example.org. A')
    made.said = { with: { questions: [] } }
    await made.ask('odd.example.org. A')
    made.plugin.samples = [hitsOfTable({ success: 10, denial: 3 })]
    await made.plugin.metrics.text()
    const text = await made.plugin.metrics.text()
    for (const line of [
      'coredns_cache_requests_total{server="dns://:53",view="",zones="."} 18',
      'coredns_cache_misses_total{server="dns://:53",view="",zones="."} 3',
      'coredns_cache_hits_total{server="dns://:53",type="success",view="",zones="."} 11',
      'coredns_cache_hits_total{server="dns://:53",type="denial",view="",zones="."} 4',
      'coredns_cache_drops_total{server="dns://:53",view="",zones="."} 1',
      'coredns_cache_entries{server="dns://:53",type="success",view="",zones="."} 1',
      'coredns_cache_entries{server="dns://:53",type="denial",view="",zones="."} 1',
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`)
    }
  })

  it('hits of the data plane are counted once, whatever configurations come and go', async () => {
    const plugin = createPluginHarness()
    const old = setUp(cache, 'cache', plugin)
    plugin.samples = [hitsOfTable({ success: 10, denial: 0 })]
    await plugin.metrics.text()
    const next = setUp(cache, 'cache', plugin)
    plugin.samples = [hitsOfTable({ success: 14, denial: 0 })]
    await plugin.metrics.text()
    await old.stop?.()
    const text = await plugin.metrics.text()
    assert.match(text, /^coredns_cache_hits_total\{.*type="success".*\} 14$/m)
    await next.stop?.()
  })

  it('hits of the data plane count for the block whose zone they were in', async () => {
    const plugin = createPluginHarness()
    setUp(cache, 'cache', plugin, { zones: ['a.'] })
    setUp(cache, 'cache', plugin, { zones: ['b.'] })
    plugin.samples = [hitsOfTable({ success: 10, denial: 0 }, 'a.'), hitsOfTable({ success: 3, denial: 0 }, 'b.')]
    const text = await plugin.metrics.text()
    assert.match(text, /^coredns_cache_hits_total\{.*zones="a\."\} 10$/m)
    assert.match(text, /^coredns_cache_hits_total\{.*zones="b\."\} 3$/m)
  })

  it('a cache that is gone has no entries any more', async () => {
    const plugin = createPluginHarness()
    const instance = setUp(cache, 'cache', plugin)
    assert.match(await plugin.metrics.text(), /^coredns_cache_entries/m)
    await instance.stop?.()
    assert.doesNotMatch(await plugin.metrics.text(), /^coredns_cache_entries/m)
  })
})
