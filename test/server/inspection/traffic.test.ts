/** Queries by rcode, path and protocol, and their latency, as the console and `slicedns top` show them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DataPlaneSample } from '../../../src/plugin/contract.ts'
import { createChainCounts } from '../../../src/server/inspection/chain-counts.ts'
import { quantile } from '../../../src/server/inspection/quantile.ts'
import { createTraffic } from '../../../src/server/inspection/traffic.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

const buckets = 17

function counting(setBy = { milliseconds: 0 }) {
  const monotonic = createFakeClock({ wall: 1_000_000 })
  const clock = { ...monotonic, wall: () => monotonic.wall() + setBy.milliseconds }
  const chain = createChainCounts()
  const counts = { table: 0, nxdomain: 0, relayed: 0, bucket: 3 }
  const durations = new Array<number>(buckets).fill(0)
  function* dataPlane(): Iterable<DataPlaneSample> {
    const none = { counts: new Array<number>(buckets).fill(0), sum: 0 }
    yield {
      server: 'dns://:53',
      zone: '.',
      view: '',
      plugin: 'kubernetes',
      proto: 'udp',
      requests: new Map(),
      responses: new Map([
        ['NOERROR', counts.table + counts.relayed],
        ['NXDOMAIN', counts.nxdomain],
      ]),
      doRequests: 0,
      requestSize: none,
      responseSize: none,
      duration: { counts: [...durations], sum: 0 },
    }
  }
  const traffic = createTraffic({ clock, dataPlane, relayed: () => counts.relayed, chain })
  /** A second in which so many queries are answered from the table, in the bucket that is set. */
  function second(queries: number): void {
    counts.table += queries
    durations[counts.bucket] += queries
    clock.advance(1_000)
    traffic.sample()
  }
  return { clock, chain, counts, traffic, second }
}

describe('the traffic', () => {
  it('the traffic of the last seconds is a rate by path, rcode and protocol', () => {
    const { traffic, counts, chain, second } = counting()
    traffic.sample()
    for (let i = 0; i < 10; i++) {
      counts.nxdomain += 50
      counts.relayed += 20
      const refused = Uint8Array.of(0, 0, 0x80, 5)
      chain.count({ transport: 'tls' }, refused, 0.1)
      second(100)
    }
    const { queries, paths, rcodes, protocols } = traffic.state()
    assert.equal(queries, 171)
    assert.deepEqual(paths, { table: 150, relay: 20, chain: 1 })
    assert.deepEqual(rcodes, { REFUSED: 1, NOERROR: 120, NXDOMAIN: 50 })
    assert.deepEqual(protocols, { tls: 1, udp: 170 })
  })

  it('the traffic is nothing before two looks, and where nothing comes', () => {
    const { traffic, second } = counting()
    const none = { queries: 0, rcodes: {}, paths: { table: 0, relay: 0, chain: 0 }, protocols: {} }
    assert.deepEqual(traffic.state(), { ...none, latency: { p50: 0, p99: 0 }, history: [] })
    for (let i = 0; i < 7; i++) second(0)
    assert.deepEqual(traffic.state(), { ...none, latency: { p50: 0, p99: 0 }, history: [] })
  })

  it('the latency is that of the last minute', () => {
    const { traffic, counts, second } = counting()
    counts.bucket = 10
    for (let i = 0; i < 30; i++) second(100)
    const before = traffic.state().latency
    counts.bucket = 0
    for (let i = 0; i < 70; i++) second(100)
    const { p50, p99 } = traffic.state().latency
    assert.ok(before.p50 > 0.128 && before.p99 < 0.257, JSON.stringify(before))
    assert.ok(p50 < 0.00025 && p99 < 0.00026, JSON.stringify({ p50, p99 }))
  })

  it('the traffic an hour ago is not known because the clock was set an hour ahead', () => {
    const setBy = { milliseconds: 0 }
    const { traffic, second } = counting(setBy)
    for (let i = 0; i < 60; i++) second(10)
    setBy.milliseconds = 3_600_000
    for (let i = 0; i < 30; i++) second(10)
    assert.equal(traffic.state().hourAgo, undefined)
  })

  it('the history has a point for each ten seconds of the last hour, and the traffic an hour ago', () => {
    const { traffic, counts, second, clock } = counting()
    traffic.sample()
    for (let i = 0; i < 3_660; i++) {
      counts.bucket = i < 60 ? 8 : 1
      second(i < 60 ? 10 : 30)
    }
    const { history, hourAgo } = traffic.state()
    assert.equal(history.length, 360)
    assert.equal(history.at(-1)!.time, clock.wall())
    assert.deepEqual([history.at(-1)!.queries, history.at(-1)!.failures], [30, 0])
    assert.equal(hourAgo!.queries, 10)
    assert.ok(hourAgo!.p50 > 0.03 && history.at(-1)!.p50 < 0.001)
    for (let i = 0; i < 1_000; i++) second(1)
    assert.equal(traffic.state().history.length, 360)
  })

  it('the history begins anew after a gap', () => {
    const { traffic, second } = counting()
    for (let i = 0; i < 30; i++) second(10)
    traffic.restart()
    assert.deepEqual(traffic.state().history, [])
  })
})

describe('the quantile of a histogram', () => {
  const cases: readonly (readonly [number, readonly number[], number])[] = [
    [0.5, [], 0],
    [0.5, [0, 0, 0], 0],
    [0.5, [4], 0.000125],
    [0.99, [0, 100], 0.0004975],
    [0.5, [2, 2], 0.00025],
    [0.99, [...new Array<number>(16).fill(0), 1], 8.192],
  ]
  for (const [share, counts, expected] of cases)
    it(`the quantile ${share} of ${JSON.stringify(counts.slice(0, 4))}… is ${expected} s`, () =>
      assert.ok(Math.abs(quantile(share, counts) - expected) < 1e-9, `${quantile(share, counts)}`))
})
