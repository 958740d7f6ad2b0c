/** What the page says of a state: what is wrong, what search paths cost, figures as people read them, what the box asks. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConsoleState } from '../../../src/console/state.ts'
import { verdictOn } from '../../../src/plugins/console/page/findings.js'
import { bytes, count, latency, percent, span } from '../../../src/plugins/console/page/format.js'
import { ndotsCost } from '../../../src/plugins/console/page/ndots.js'
import { questionIn } from '../../../src/plugins/console/page/question.js'
import { emptyState, healthyState, now } from '../../support/console/states.ts'

const healthy = healthyState()
const [source] = healthy.api

describe('what is wrong, as the page says it', () => {
  it('a healthy server and one with nothing to serve have no trouble', () => {
    for (const state of [healthy, emptyState()]) assert.deepEqual(verdictOn(state), { state: 'healthy', word: 'Healthy', findings: [] }) // biome-ignore format: a line
  })

  const cases: readonly (readonly [what: string, change: Partial<ConsoleState>, severity: string, title: RegExp, detail: RegExp])[] = [
    ['a server that is not ready', { server: { ...healthy.server, ready: false, unready: ['kubernetes'] } }, 'critical', /^Not ready$/, /Waits for kubernetes\. \/ready answers 503/],
    ['reloads that fail', { server: { ...healthy.server, lastReload: { time: now, ok: false, error: 'x', since: now - 1 } } }, 'warning', /failed$/, /^x\. .* Reloads have failed since \d\d:\d\d:\d\d\.$/],
    ['a reload that failed', { server: { ...healthy.server, lastReload: { time: now, ok: false, error: 'Corefile:3:5: no' } } }, 'warning', /^The reload at \d\d:\d\d:\d\d failed$/, /^Corefile:3:5: no\. The previous configuration stays/],
    ['memory at 90 %', { server: { ...healthy.server, memory: { resident: 90, limit: 100 } } }, 'warning', /^Memory is near its limit$/, /90\s%/],
    ['memory at 96 %', { server: { ...healthy.server, memory: { resident: 96, limit: 100 } } }, 'critical', /^Memory is near its limit$/, /96\s%/],
    ['a thread without rest', { server: { ...healthy.server, threads: [{ name: 'udp 0', busy: 0.99 }] } }, 'warning', /^1 thread at the end/, /udp 0 99\s%/],
    ['an API server that is away', { api: [{ ...source, connected: false }] }, 'critical', /^The API server https:\/\/10\.96\.0\.1:443 is away$/, /cluster\.local\., .* stay as they were\. The last event came 0\.3\ss ago/],
    ['a folder that cannot be read', { api: [{ ...source, endpoint: 'examples', connected: false }] }, 'critical', /^The folder examples cannot be read$/, /stay as they were/],
    ['answers from a snapshot', { api: [{ ...source, snapshot: { age: 94 } }] }, 'warning', /snapshot$/, /^It is 1\smin 34\ss old/],
    ['data that is not proven fresh', { api: [{ ...source, freshness: { time: now, ok: false, detail: 'the list differs' } }] }, 'warning', /may not be fresh$/, /^the list differs$/],
    ['a watch that fails', { api: [{ ...source, watches: [{ ...source.watches[0], error: 'forbidden' }] }] }, 'warning', /^The watch of services fails$/, /^forbidden$/],
    ['a watch whose first list is under way', { api: [{ ...source, watches: [{ ...source.watches[0], synced: false }] }] }, 'warning', /^services are not read yet$/, /first list/],
    ['a watch without a bookmark', { api: [{ ...source, watches: [{ ...source.watches[0], age: 301 }] }] }, 'warning', /^The watch of services is silent$/, /5\smin 1\ss/],
    ['a twentieth of replies that are SERVFAIL', { traffic: { ...healthy.traffic, queries: 100, rcodes: { SERVFAIL: 5 } } }, 'warning', /^5\s% of replies are SERVFAIL$/, /traffic/],
    ['a third of replies that are SERVFAIL', { traffic: { ...healthy.traffic, queries: 100, rcodes: { SERVFAIL: 33 } } }, 'critical', /^33\s% of replies/, /traffic/],
    ['a p99 that is five times that of an hour ago', { traffic: { ...healthy.traffic, latency: { p50: 0, p99: 0.05 }, hourAgo: { queries: 1, p50: 0, p99: 0.01 } } }, 'warning', /^p99 is 5\.0 times/, /50\.0\sms now, 10\.0\sms then/],
    ['one upstream of two', { upstreams: healthy.upstreams.slice(0, 2).map((each, index) => ({ ...each, healthy: index > 0, fails: 1 })) }, 'warning', /^1 upstream of forward \. down$/, /10\.0\.0\.2:53 \(1 failed check\)/],
    ['all upstreams of a zone', { upstreams: healthy.upstreams.slice(0, 2).map((each) => ({ ...each, healthy: false })) }, 'critical', /^Every upstream of forward \. is down$/, /10\.0\.0\.3:53/],
    ['a service without a ready endpoint', { services: { total: 1, more: 0, list: [{ ...healthy.services.list[0], ready: 0 }] } }, 'warning', /^1 service has no ready endpoint$/, /^shop\/web-0\.$/],
    ['a backend without a ready endpoint', { splits: [{ namespace: 'a', name: 'b', backends: [{ name: 'c', weight: 1, share: 0, served: 0, ready: 0 }] }] }, 'warning', /^The split a\/b lacks 1 backend$/, /: c\.$/],
    ['an annotation that is ignored', { problems: [{ kind: 'Service', namespace: 'a', name: 'b', key: 'k', reason: 'must be c' }] }, 'warning', /^1 annotation is ignored or without effect$/, /^Service a\/b: k: must be c\.$/],
  ] // biome-ignore format: rows
  for (const [what, change, severity, title, detail] of cases)
    it(`${what} is one trouble, ${severity}`, () => {
      const { state, findings } = verdictOn({ ...healthy, ...change })
      assert.equal(findings.length, 1)
      assert.equal(findings[0].severity, severity)
      assert.match(findings[0].title, title)
      assert.match(findings[0].detail, detail)
      assert.equal(state, severity === 'critical' ? 'failing' : 'degraded')
    })

  it('an ExternalName, a split, a backend elsewhere and a ratio of few queries are no trouble', () => {
    const [service] = healthy.services.list
    const list = [
      { ...service, type: 'ExternalName', ready: 0 },
      { ...service, namespace: 'a', name: 'b', ready: 0 },
    ]
    const splits = [{ namespace: 'a', name: 'b', backends: [{ name: 'c', weight: 1, share: 1, served: 0, ready: 0 }] }]
    const traffic = { ...healthy.traffic, queries: 0.2, rcodes: { SERVFAIL: 0.2 } }
    const { findings } = verdictOn({ ...healthy, traffic, splits, services: { total: 2, more: 0, list } })
    assert.deepEqual(findings, [])
  })
})

describe('what ndots costs, as the page says it', () => {
  it('the words name the share, the queries and what would save them', () => {
    const { headline, advice } = ndotsCost(healthy.top.searchPath)
    assert.match(headline, /^38\s% of queries are search-path misses\.$/)
    assert.match(advice, /^4,724 of 12\.4\sk queries a second ask for an outside name/)
    assert.match(advice, /A trailing dot \(“api\.github\.com\.”\) or ndots:2 in the pod’s dnsConfig would save them\.$/)
  })

  it('few misses, and no queries, need no advice', () => {
    for (const searchPath of [
      { queries: 0, wasted: 0, share: 0 },
      { queries: 100, wasted: 1, share: 0.01 },
    ])
      assert.equal(ndotsCost({ ...searchPath, examples: [] }).advice, '')
  })
})

describe('figures as the page writes them', () => {
  const cases: readonly (readonly [write: (value: number) => string, pairs: readonly (readonly [number, string])[]])[] = [
    [count, [[0, '0'], [0.01, '<0.1'], [0.44, '0.4'], [7, '7'], [9999, '9,999'], [12_431, '12.4 k'], [999_499, '999 k'], [999_500, '1.00 M'], [Number.NaN, '–']]],
    [latency, [[0, '–'], [0.000_031, '31 µs'], [0.000_9996, '1.00 ms'], [0.0121, '12.1 ms'], [2.5, '2.50 s'], [Number.POSITIVE_INFINITY, '–']]],
    [span, [[0.44, '0.4 s'], [12.9, '12 s'], [184, '3 min 4 s'], [7500, '2 h 5 min'], [273_840, '3 d 4 h'], [-1, '0.0 s']]],
    [bytes, [[96 * 2 ** 20, '96.0 MiB'], [3 * 2 ** 30, '3.00 GiB']]],
    [percent, [[0, '0 %'], [0.0004, '<0.1 %'], [0.042, '4.2 %'], [0.384, '38 %'], [Number.NaN, '–']]],
  ] // biome-ignore format: rows
  for (const [write, pairs] of cases)
    it(`${write.name} keeps three digits at most and a unit`, () =>
      assert.deepEqual(pairs.map(([value]) => write(value).replaceAll('\u00a0', ' ')), pairs.map(([, text]) => text))) // biome-ignore format: a line
})

describe('what the search box asks', () => {
  const cases: readonly (readonly [text: string, question: readonly string[]])[] = [
    ['  ', []],
    ['shop.team-a.svc.cluster.local', ['shop.team-a.svc.cluster.local', 'A']],
    ['shop.example. aaaa', ['shop.example.', 'AAAA']],
    ['_http._tcp.shop.example.', ['_http._tcp.shop.example.', 'SRV']],
    ['10.96.0.10', ['10.0.96.10.in-addr.arpa.', 'PTR']],
    ['fd00::a', [`a.${'0.'.repeat(27)}0.0.d.f.ip6.arpa.`, 'PTR']],
    ['::', [`${'0.'.repeat(32)}ip6.arpa.`, 'PTR']],
    ['1:2', ['1:2', 'A']],
    ['::1::', ['::1::', 'A']],
    ['12345::', ['12345::', 'A']],
  ]
  for (const [text, question] of cases)
    it(`the text ${JSON.stringify(text)} asks for ${question.join(' ') || 'nothing'}`, () =>
      assert.deepEqual(questionIn(text), question))
})
