/** Who is told of annotations that are ignored, and how often. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ObjectProblem } from '../../../src/cluster-dns/annotations/problems.ts'
import {
  type AnnotationReport,
  createAnnotationReport,
} from '../../../src/plugins/kubernetes/annotation-report/report.ts'
import { createMetrics } from '../../../src/telemetry/registry.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { collectingLog } from '../../support/plugin-harness.ts'

function createAnnotationReportHarness() {
  const lines: string[] = []
  const events: string[] = []
  const metrics = createMetrics()
  const clock = createFakeClock()
  const report = createAnnotationReport({
    log: collectingLog(lines),
    metrics,
    clock,
    events: {
      add: (_, { name, value }) => void events.push(`+ ${name} ${value}`),
      remove: () => void events.push('-'),
      stop: () => void events.push('stop'),
    },
  })
  const counted = async (): Promise<string[]> =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith('slicedns_annotation'))
  return { lines, events, metrics, clock, report, counted }
}

const key = 'slicedns.io/ttl'
const rule = 'must be a whole number of seconds from 0 to 3600'

const bad = (name: string, value: string, changes: Partial<ObjectProblem> = {}): ObjectProblem => ({
  kind: 'Service',
  namespace: 'shop',
  name,
  uid: undefined,
  value,
  problem: { key, reason: 'syntax', rule },
  ...changes,
})

const one = Symbol('one')
const other = Symbol('other')
const line = (name: string, value: string): string =>
  `[WARNING] Service shop/${name}: annotation ${key} "${value}" is ignored: ${rule}`

describe('an annotation that is ignored', () => {
  test('an ignored annotation is one line of the log and one count, however often its object is looked at', async () => {
    const { report, lines, counted } = createAnnotationReportHarness()
    for (let i = 0; i < 3; i++) report.update(one, 'shop/web', [bad('web', 'soon')])
    assert.deepEqual(lines, [line('web', 'soon')])
    assert.deepEqual(await counted(), [
      'slicedns_annotation_problem_objects 1',
      'slicedns_annotation_problems_total{reason="syntax"} 1',
    ])
  })

  test('an ignored annotation is reported again with another value, on another object, at another key', () => {
    const { report, lines } = createAnnotationReportHarness()
    report.update(one, 'shop/web', [bad('web', 'soon')])
    report.update(one, 'shop/web', [bad('web', 'later')])
    report.update(one, 'shop/db', [bad('db', 'soon')])
    report.update(one, 'shop/db', [bad('db', 'soon', { problem: { key: 'slicedns.io/x', reason: 'unknown', rule } })])
    assert.deepEqual(lines, [
      line('web', 'soon'),
      line('web', 'later'),
      line('db', 'soon'),
      line('db', 'soon').replace('ttl', 'x'),
    ])
  })

  test('an ignored annotation is not reported again when it comes back, and counts among the objects while it is there', async () => {
    const { report, lines, events, counted } = createAnnotationReportHarness()
    report.update(one, 'shop/web', [bad('web', 'soon')])
    report.update(one, 'shop/web', [])
    assert.match((await counted()).join(), /objects 0/)
    report.update(one, 'shop/web', [bad('web', 'soon')])
    assert.match((await counted()).join(), /objects 1/)
    assert.equal(lines.length, 1)
    assert.deepEqual(events, ['+ web soon', '-', '+ web soon'])
  })

  test('an ignored annotation that several find is reported once', async () => {
    const { report, lines, events, counted } = createAnnotationReportHarness()
    report.update(one, 'shop/web', [bad('web', 'soon')])
    report.update(other, 'shop/web', [bad('web', 'soon')])
    assert.equal(lines.length, 1)
    report.leave(one)
    assert.deepEqual(events, ['+ web soon'])
    assert.match((await counted()).join(), /objects 1/)
    report.leave(other)
    assert.deepEqual(events, ['+ web soon', '-'])
    assert.match((await counted()).join(), /objects 0/)
  })

  test('one object with the same problem twice counts as one object', async () => {
    const { report, counted } = createAnnotationReportHarness()
    const unknown = { key: 'slicedns.io/x', reason: 'unknown', rule } as const
    const slice = { kind: 'EndpointSlice', name: 'web-a' } as const
    report.update(one, 'shop/web', [bad('web', 'a'), bad('web', 'b', { problem: unknown }), bad('web', 'a', slice)])
    assert.match((await counted()).join(), /objects 2/)
  })

  test('an annotation of which the rest is in effect is reported as ignored in part', () => {
    const { report, lines } = createAnnotationReportHarness()
    report.update(one, 'shop/web', [
      bad('web', 'a.example,*', {
        problem: { key: 'slicedns.io/alias', reason: 'syntax', rule: 'no wildcard', inPart: true },
      }),
    ])
    assert.deepEqual(lines, [
      '[WARNING] Service shop/web: annotation slicedns.io/alias "a.example,*" is ignored in part: no wildcard',
    ])
  })

  test('an annotation that is in effect all the same is reported as advice', () => {
    const { report, lines } = createAnnotationReportHarness()
    report.update(one, 'shop/web', [
      bad('web', '2s', { problem: { key: 'slicedns.io/hold', reason: 'advice', rule: 'do' } }),
    ])
    assert.deepEqual(lines, ['[WARNING] Service shop/web: annotation slicedns.io/hold "2s": do'])
  })

  test('an ignored annotation cannot write lines of its own, and is cut short', () => {
    const { report, lines } = createAnnotationReportHarness()
    const value = `x\n[ERROR] all is lost ${'y'.repeat(256 * 1024)}`
    report.update(one, 'shop/web', [
      bad('web', value, { problem: { key: 'slicedns.io/a\nb', reason: 'unknown', rule: 'no\nsuch' } }),
    ])
    assert.equal(lines.length, 1)
    assert.match(
      lines[0],
      /annotation slicedns.io\/a\\nb "x\\n\[ERROR\] all is lost y{42}"… \(262166 characters\) is ignored: no\\nsuch$/,
    )
  })

  test('ignored annotations are sixty lines a minute at most; the rest is counted in one line', () => {
    const { report, lines, clock } = createAnnotationReportHarness()
    for (let i = 0; i < 100; i++) report.update(one, `shop/s${i}`, [bad(`s${i}`, 'soon')])
    assert.equal(lines.length, 60)
    clock.advance(60_000)
    report.update(one, 'shop/web', [bad('web', 'soon')])
    assert.deepEqual(lines.slice(60), [
      '[WARNING] 40 more annotations are ignored: see slicedns_annotation_problems_total',
      line('web', 'soon'),
    ])
  })

  test('an ignored annotation is remembered, with ten thousand others', () => {
    const { report, clock, lines } = createAnnotationReportHarness()
    const tell = (report: AnnotationReport, count: number): void => {
      for (let i = 0; i < count; i++) {
        if (i % 60 === 0) clock.advance(60_000)
        report.update(one, 'shop/web', [bad('web', String(i))])
      }
    }
    tell(report, 10_000)
    tell(report, 10_000)
    assert.equal(lines.length, 10_000)
    tell(report, 10_001)
    tell(report, 1)
    assert.equal(lines.length, 10_002)
  })
})

test('an end takes the metric of objects back, and ends the Events', async () => {
  const { report, counted, events } = createAnnotationReportHarness()
  report.update(one, 'shop/web', [bad('web', 'soon')])
  report.stop()
  assert.deepEqual(events, ['+ web soon', 'stop'])
  assert.match((await counted()).join(), /objects 0/)
})
