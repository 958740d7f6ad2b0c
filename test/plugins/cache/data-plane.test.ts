import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseMessage } from '../../../src/dns/wire.ts'
import type { ReplySink } from '../../../src/plugin/contract.ts'
import type { CachedEntry } from '../../../src/table/api.ts'
import { scene, seconds, soa } from './support.ts'

describe('the data plane', () => {
  function sinkOf(entries: CachedEntry[], removed: string[] = []): ReplySink {
    return { put: (entry) => void entries.push(entry), remove: (name) => void removed.push(name) }
  }

  it('gets each entry with its expiry: a reply without OPT, AA set, TTLs as of now', async () => {
    const { ask, instance, rig } = scene('cache 30')
    const entries: CachedEntry[] = []
    instance.replies?.attach(sinkOf(entries))
    rig.clock.move(5 * seconds)
    await ask('WWW.example.org. A', { edns: { dnssecOk: true } })
    const [{ reply, ...facts }] = entries
    assert.deepEqual(facts, {
      name: 'www.example.org.',
      type: 1,
      dnssecOk: true,
      checkingDisabled: false,
      expiresAt: 35 * seconds,
      authenticData: false,
    })
    const message = parseMessage(reply)
    assert.deepEqual([message.authoritative, message.edns, message.answer[0].ttl], [true, undefined, 30])
  })

  it('a listener that comes later is told of an entry at its next hit, with the TTL that is left', async () => {
    const { ask, instance, rig } = scene('cache 30')
    await ask('www.example.org. A')
    const entries: CachedEntry[] = []
    instance.replies?.attach(sinkOf(entries))
    rig.clock.move(10 * seconds)
    await ask('www.example.org. A')
    await ask('www.example.org. A')
    assert.equal(entries.length, 1)
    assert.equal(parseMessage(entries[0].reply).answer[0].ttl, 20)
    assert.equal(entries[0].expiresAt, 30 * seconds)
  })

  it('loses an entry that the cache loses', async () => {
    const { ask, instance, asked } = scene('cache {\nsuccess 1\n}')
    const removed: string[] = []
    instance.replies?.attach(sinkOf([], removed))
    for (let i = 0; i < 1025; i++) await ask(`n${i}.example.org. A`)
    assert.deepEqual(removed, ['n0.example.org.'])
    assert.equal(asked.length, 1025)
  })

  it('gets nothing where every hit has to be seen, and nothing of class CH', async () => {
    for (const option of ['prefetch 2', 'serve_stale', 'keepttl']) {
      assert.equal(scene(`cache {\n${option}\n}`).instance.replies, undefined, option)
    }
    const { ask, instance } = scene()
    const entries: CachedEntry[] = []
    instance.replies?.attach(sinkOf(entries))
    await ask('version.bind. TXT', { request: { questions: [{ name: 'version.bind.', type: 16, class: 3 }] } })
    assert.equal(entries.length, 0)
  })
})

describe('metrics', () => {
  it('requests, hits, misses, drops and entries are counted, and what the data plane answered', async () => {
    const made = scene()
    await made.ask('www.example.org. A')
    await made.ask('www.example.org. A')
    made.said = { rcode: 'NXDOMAIN', authority: [soa] }
    await made.ask('gone.example.org. A')
    await made.ask('gone.example.org. A')
    made.said = { with: { questions: [] } }
    await made.ask('odd.example.org. A')
    const histogram = { counts: [], sum: 0 }
    made.rig.samples = [
      {
        server: 'dns://:53',
        zone: '.',
        view: '',
        plugin: 'cache',
        proto: 'udp',
        requests: new Map(),
        responses: new Map([['NOERROR', 10]]),
        doRequests: 0,
        requestSize: histogram,
        responseSize: histogram,
        duration: histogram,
      },
    ]
    await made.rig.metrics.text()
    const text = await made.rig.metrics.text()
    for (const line of [
      'coredns_cache_requests_total{server="dns://:53",view="",zones="."} 15',
      'coredns_cache_misses_total{server="dns://:53",view="",zones="."} 3',
      'coredns_cache_hits_total{server="dns://:53",type="success",view="",zones="."} 11',
      'coredns_cache_hits_total{server="dns://:53",type="denial",view="",zones="."} 1',
      'coredns_cache_drops_total{server="dns://:53",view="",zones="."} 1',
      'coredns_cache_entries{server="dns://:53",type="success",view="",zones="."} 1',
      'coredns_cache_entries{server="dns://:53",type="denial",view="",zones="."} 1',
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`)
    }
  })
})
