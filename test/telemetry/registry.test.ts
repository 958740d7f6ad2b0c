import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createMetrics } from '../../src/telemetry/registry.ts'

describe('the metrics registry', () => {
  it('the metrics registry writes families by name, labels by name, and nothing for families without a series', async () => {
    const metrics = createMetrics()
    metrics.counter('b_total', 'Second.', ['zone', 'server']).with('z.', 'dns://:53').inc(2)
    metrics.gauge('a', 'First.', []).with().set(-1.5)
    metrics.gauge('unused', 'Nobody sets it.', ['x'])
    assert.equal(
      await metrics.text(),
      [
        '# HELP a First.',
        '# TYPE a gauge',
        'a -1.5',
        '# HELP b_total Second.',
        '# TYPE b_total counter',
        'b_total{server="dns://:53",zone="z."} 2',
        '',
      ].join('\n'),
    )
  })

  it('the metrics registry writes histograms cumulatively, a value on a bound belonging to its bucket', async () => {
    const metrics = createMetrics()
    const cell = metrics.histogram('h', 'H.', ['to'], [0.1, 1]).with('x')
    for (const value of [0.1, 0.5, 1, 7]) cell.observe(value)
    cell.add([1, 0, 2], 0.5)
    assert.equal(
      (await metrics.text()).split('\n').slice(2).join('\n'),
      [
        'h_bucket{to="x",le="0.1"} 2',
        'h_bucket{to="x",le="1"} 4',
        'h_bucket{to="x",le="+Inf"} 7',
        'h_sum{to="x"} 9.1',
        'h_count{to="x"} 7',
        '',
      ].join('\n'),
    )
  })

  it('the metrics registry gives the cells of a histogram or a counter with their labels by name', () => {
    const metrics = createMetrics()
    metrics.histogram('h', 'H.', ['to', 'rcode'], [1]).with('x', 'NOERROR').add([2, 1], 5)
    const counter = metrics.counter('c_total', 'C.', ['to'])
    counter.with('x').inc(3)
    counter.with('y').inc()
    counter.forget('y')
    const [histogram] = metrics.histograms('h')
    assert.deepEqual(histogram!.labels, { to: 'x', rcode: 'NOERROR' })
    assert.deepEqual([histogram!.totals.counts, histogram!.totals.sum], [[2, 1], 5])
    assert.deepEqual(
      metrics.counters('c_total').map(({ labels, totals }) => [labels, totals.value]),
      [[{ to: 'x' }, 3]],
    )
    assert.deepEqual([metrics.counters('h'), metrics.histograms('nobody')], [[], []])
  })

  it('the metrics registry keeps any label value apart from others, and escapes it so that it can be read back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(fc.string(), fc.string()), { selector: String, maxLength: 8 }),
        async (all) => {
          const metrics = createMetrics()
          const family = metrics.counter('c_total', 'C.', ['a', 'b'])
          const distinct = new Map(all.map((pair) => [JSON.stringify(pair), pair]))
          for (const [a, b] of distinct.values()) family.with(a, b).inc()
          const read = [
            ...(await metrics.text()).matchAll(/^c_total\{a="((?:[^"\\]|\\.)*)",b="((?:[^"\\]|\\.)*)"\} 1$/gms),
          ]
          const unescaped = (text: string) => text.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped))
          assert.deepEqual(
            new Set(read.map(([, a, b]) => JSON.stringify([unescaped(a), unescaped(b)]))),
            new Set(distinct.keys()),
          )
        },
      ),
    )
  })

  it('the metrics registry goes on counting when a reload registers a name again', async () => {
    const metrics = createMetrics()
    metrics.counter('c_total', 'C.', []).with().inc()
    metrics.counter('c_total', 'C.', []).with().inc()
    assert.match(await metrics.text(), /^c_total 2$/m)
  })

  it('the metrics registry refuses one name for two things', () => {
    const metrics = createMetrics()
    metrics.counter('c_total', 'C.', ['a'])
    metrics.histogram('h', 'H.', [], [1])
    const again = /registered already/
    assert.throws(() => metrics.gauge('c_total', 'C.', ['a']), again)
    assert.throws(() => metrics.counter('c_total', 'C.', ['b']), again)
    assert.throws(() => metrics.histogram('h', 'H.', [], [2]), again)
    assert.throws(() => metrics.counter('has space', 'C.', []), /is not a valid metric name/)
    assert.throws(() => metrics.counter('d_total', 'D.', ['__x']), /is not a valid label name/)
  })

  it('the metrics registry lets no wrong number into a counter or a histogram', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter('c_total', 'C.', []).with()
    counter.inc(-1)
    counter.inc(Number.NaN)
    metrics.histogram('h', 'H.', [], [1]).with().observe(Number.NaN)
    assert.equal(counter.value, 0)
    assert.match(await metrics.text(), /^h_sum 0$/m)
  })

  it('the metrics registry forgets a series, and fills those that are read off something else at each scrape', async () => {
    const metrics = createMetrics()
    const gauge = metrics.gauge('g', 'G.', ['name'])
    let age = 0
    const collecting = metrics.onCollect(() => gauge.with('a').set(++age))
    assert.match(await metrics.text(), /^g\{name="a"\} 1$/m)
    assert.match(await metrics.text(), /^g\{name="a"\} 2$/m)
    collecting.remove()
    gauge.forget('a')
    assert.equal(await metrics.text(), '')
  })

  it('the metrics registry lets other work have its turn during a long scrape, and loses nothing', async () => {
    const metrics = createMetrics()
    const family = metrics.histogram('h', 'H.', ['n'], [1, 2, 3, 4, 5, 6, 7, 8])
    for (let n = 0; n < 20_000; n++) family.with(String(n)).observe(n)
    let turns = 0
    let scraping = true
    const turn = () => {
      turns++
      if (scraping) setImmediate(turn)
    }
    setImmediate(turn)
    const pieces: string[] = []
    for await (const piece of metrics.pieces()) pieces.push(piece)
    scraping = false
    assert.ok(pieces.length > 2 && turns > 2, `${pieces.length} pieces, ${turns} turns`)
    assert.equal(pieces.join('').match(/^h_count/gm)?.length, 20_000)
  })
})
