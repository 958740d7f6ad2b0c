/** SRV records in the order that RFC 2782 has clients draw, made by the data plane for each reply. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { transportCode } from '../../src/answer/api.ts'
import { selectVariant } from '../../src/cluster-dns/records/selection.ts'
import { recordText } from '../../src/dns/rdata.ts'
import type { NodeSpec, ServicesSpec } from '../../src/table/spec.ts'
import { assertShare, fixedRandom } from '../support/chance.ts'
import { readSrv } from '../support/record.ts'
import { inspect } from '../support/table.ts'
import { nameInZone, weightedServicesSpec, zoneName, zoneSpec } from '../table/arbitraries.ts'
import { createResponderHarness, ednsOf, replyOf } from './harness.ts'
import { answerMeaning } from './meaning.ts'

const node = (answer: ServicesSpec): NodeSpec => ({
  zone: zoneName,
  below: 'closed',
  otherTypes: 'nodata',
  answers: new Map([[33, answer]]),
})

/** Weights of targets `t0`, `t1`, …, all of one priority unless there are more. */
const services = (weights: readonly number[], priorities: readonly number[] = []): ServicesSpec => ({
  kind: 'services',
  ttl: 5,
  order: 'weighted',
  targets: weights.map((_, i) => ({
    name: `t${i}.${zoneName}`,
    a: Uint8Array.of(10, 0, i >> 8, i),
    aaaa: new Uint8Array(0),
  })),
  records: weights.map((weight, target) => ({ priority: priorities[target] ?? 0, weight, port: 80, target })),
})

describe('SRV records in weighted order', () => {
  it('SRV records in weighted order are kept by the table, sorted by priority and weight', () => {
    const { table, space, profileId } = createResponderHarness()
    fc.assert(
      fc.property(nameInZone, weightedServicesSpec, (name, spec) => {
        table.put(space, profileId, name, node(spec))
        assert.deepEqual(inspect(table, space, name)?.node, structuredClone(node(spec)))
      }),
      { numRuns: 200 },
    )
  })

  it('SRV records in weighted order are all in a reply that is not cut, once each, by priority, with their addresses', () => {
    for (const shuffle of [false, true]) {
      const { table, space, profileId, ask } = createResponderHarness({ shuffle })
      fc.assert(
        fc.property(nameInZone, weightedServicesSpec, (name, spec) => {
          table.put(space, profileId, name, node(spec))
          const wanted = answerMeaning(spec, zoneSpec(), name, 33)!
          // Twice: what was drawn for a reply must not be left over for the next.
          for (let again = 0; again < 2; again++) {
            const reply = replyOf(ask(name, 33, { by: transportCode.stream }))
            assert.deepEqual(reply.answer.map(recordText).sort(), wanted.answer.map(recordText).sort())
            assert.deepEqual(reply.additional.map(recordText).sort(), wanted.additional.map(recordText).sort())
            const priorities = reply.answer.map(({ rdata }) => readSrv(rdata).priority)
            assert.deepEqual(
              priorities,
              priorities.toSorted((a, b) => a - b),
            )
          }
        }),
        { numRuns: 100 },
      )
    }
  })

  it('SRV records in weighted order are cut after they are drawn: what is left is drawn by weight, too', () => {
    const { table, space, profileId, ask } = createResponderHarness({}, { random: fixedRandom(1) })
    const name = `split.${zoneName}`
    // 60 light ones would fill the reply before the heavy one, were it cut in the order stored.
    table.put(space, profileId, name, node(services([...new Array<number>(60).fill(1), 540])))
    let first = 0
    let among = 0
    const trials = 3000
    for (let i = 0; i < trials; i++) {
      const { answer, truncated } = replyOf(ask(name, 33))
      assert.ok(truncated && answer.length > 5 && answer.length < 30)
      const targets = answer.map(({ rdata }) => readSrv(rdata).target)
      assert.equal(new Set(targets).size, targets.length)
      if (targets[0] === `t60.${zoneName}`) first++
      if (targets.includes(`t60.${zoneName}`)) among++
    }
    assertShare(first, trials, 0.9, 'first')
    assert.ok(among > first)
  })

  for (const [title, make] of [
    [
      'the data plane',
      (spec: ServicesSpec) => {
        const { table, space, profileId, ask } = createResponderHarness({}, { random: fixedRandom(2) })
        const name = `split.${zoneName}`
        table.put(space, profileId, name, node(spec))
        return () => replyOf(ask(name, 33, { edns: ednsOf() })).answer.map(({ rdata }) => readSrv(rdata).target[1])
      },
    ],
    [
      'the chain',
      (spec: ServicesSpec) => {
        const random = fixedRandom(3)
        return () => {
          const answer = selectVariant(spec, () => random() / 2 ** 32) as ServicesSpec
          return answer.records.map(({ target }) => String(target))
        }
      },
    ],
  ] as const) {
    it(`SRV records come in each order with the probability of drawing it without putting back: ${title}`, () => {
      const weights = [6, 3, 3, 1, 0]
      const draw = make(services(weights))
      const counts = new Map<string, number>()
      const trials = 20_000
      for (let i = 0; i < trials; i++) {
        const order = draw().join('')
        counts.set(order, (counts.get(order) ?? 0) + 1)
      }
      assert.equal(
        [...counts.values()].reduce((a, b) => a + b),
        trials,
      )
      for (const [order, probability] of orders(weights)) {
        assertShare(counts.get(order) ?? 0, trials, probability, order)
      }
    })
  }

  it('SRV records in weighted order are drawn among those of one priority, and of no weight at last', () => {
    const { table, space, profileId, ask } = createResponderHarness({}, { random: fixedRandom(4) })
    const name = `split.${zoneName}`
    table.put(space, profileId, name, node(services([1, 3, 0, 0, 5], [0, 0, 0, 1, 1])))
    let second = 0
    const trials = 2000
    for (let i = 0; i < trials; i++) {
      const order = replyOf(ask(name, 33))
        .answer.map(({ rdata }) => readSrv(rdata).target[1])
        .join('')
      assert.match(order, /^(01|10)243$/)
      if (order[0] === '1') second++
    }
    assertShare(second, trials, 3 / 4, 't1 first')
  })

  it('SRV records of more different weights than a draw should look at are refused', () => {
    const { table, space, profileId } = createResponderHarness()
    const weights = Array.from({ length: 4097 }, (_, i) => i + 1)
    assert.throws(
      () => table.put(space, profileId, `split.${zoneName}`, node(services(weights))),
      /4097 different weights/,
    )
  })
})

/** Every order of records of these weights, with its probability (RFC 2782; those of weight 0 come last). */
function* orders(
  weights: readonly number[],
  left = weights.map((_, i) => i),
  before = '',
): Generator<[string, number]> {
  if (left.length === 0) yield [before, 1]
  const total = left.reduce((sum, i) => sum + weights[i], 0)
  for (const i of left) {
    const probability = total > 0 ? weights[i] / total : 1 / left.length
    const others = left.filter((other) => other !== i)
    for (const [order, rest] of orders(weights, others, before + i)) yield [order, probability * rest]
  }
}
