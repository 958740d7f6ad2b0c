/** Weights of SRV records for shares of the traffic (docs/design.md §10, Split semantics). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { allocateWeights, type Portion, type WeightAllocation } from '../../src/cluster-dns/features/split/weights.ts'

const portion = (share: number, targets: number): Portion => ({ share, targets })

/** `WEIGHT×TARGETS` by portion. */
const text = ({ runs }: WeightAllocation): string =>
  runs.map(({ from, to, weight, heavier }) => `${weight}${heavier ? '+' : ''}×${to - from}`).join(' ')

const totalOf = ({ from, to, weight, heavier }: WeightAllocation['runs'][number]): number =>
  weight * (to - from) + heavier

/** The greatest relative distance of a portion's part of the weights from its part of the shares. */
function errorOf(portions: readonly Portion[], { runs }: WeightAllocation): number {
  const all = runs.reduce((sum, run) => sum + totalOf(run), 0)
  const shares = portions.reduce((sum, { share }) => sum + share, 0)
  return Math.max(...portions.map(({ share }, i) => Math.abs(totalOf(runs[i]) / all / (share / shares) - 1)))
}

/** What must hold of any layouts: weights of 1 to 65,535, and targets that are there. */
function assertSound(portions: readonly Portion[], layouts: readonly WeightAllocation[]): void {
  for (const { weight, runs } of layouts) {
    assert.ok(Number.isInteger(weight) && weight >= 1)
    for (const [i, run] of runs.entries()) {
      assert.ok(run.from >= 0 && run.from < run.to && run.to <= portions[i].targets)
      assert.ok(run.weight >= 1 && run.weight + (run.heavier > 0 ? 1 : 0) <= 65_535, JSON.stringify(run))
      assert.ok(run.heavier < run.to - run.from)
    }
  }
}

describe('the weights of a split', () => {
  for (const [portions, wanted] of [
    [[portion(90, 1), portion(10, 1)], '90×1 10×1'],
    [[portion(90, 1), portion(10, 9)], '810×1 10×9'],
    [[portion(90, 9), portion(10, 1)], '10×9 10×1'],
    [[portion(90, 50), portion(10, 3)], '27×50 50×3'],
    [[portion(1, 7)], '1×7'],
    [[portion(60, 2), portion(30, 3), portion(10, 4)], '60×2 20×3 5×4'],
    [[portion(999, 500), portion(1, 1)], '999×500 500×1'],
  ] as const) {
    it(`the weights of a split are ${wanted} for ${JSON.stringify(portions)}: the shares, exactly`, () => {
      assert.deepEqual(allocateWeights(portions).map(text), [wanted])
    })
  }

  it('the weights of a split are the nearest that 16 bits hold where the shares do not divide', () => {
    const portions = [portion(333, 7), portion(334, 11), portion(333, 13)]
    const [layout, ...others] = allocateWeights(portions)
    assert.equal(others.length, 0)
    assert.ok(errorOf(portions, layout) < 1e-4)
  })

  it('the weights of a split give a part of a crowd in each of several sets where 16 bits cannot hold its share', () => {
    const portions = [portion(999, 1), portion(1, 500)]
    const layouts = allocateWeights(portions)
    assertSound(portions, layouts)
    assert.deepEqual(new Set(layouts.map(text)), new Set(['61938×1 1×62', '62937×1 1×63']))
    const all = layouts.reduce((sum, { weight }) => sum + weight, 0)
    for (let target = 0; target < 500; target++) {
      let chance = 0
      for (const { weight, runs } of layouts) {
        const { from, to } = runs[1]
        if (target >= from && target < to) chance += weight / all / (to - from)
      }
      assert.ok(Math.abs(chance - 1 / 500) < 1e-12, `target ${target}: ${chance}`)
    }
    for (const layout of layouts) assert.ok(errorOf(portions, layout) < 1e-9)
  })

  it('the weights of a split stay within 1 % of the shares, none at 0, for shares from 0.1 % on and any replicas', () => {
    // Two decimals of a percent, and many more backends than anybody has.
    const portions = fc.array(
      fc.record({ share: fc.integer({ min: 10, max: 1000 }), targets: fc.integer({ min: 1, max: 600 }) }),
      {
        minLength: 1,
        maxLength: 10,
      },
    )
    fc.assert(
      fc.property(portions, (given) => {
        const layouts = allocateWeights(given)
        assertSound(given, layouts)
        for (const layout of layouts) assert.ok(errorOf(given, layout) <= 0.01, JSON.stringify(layout))
      }),
      { numRuns: 500 },
    )
  })

  it('the weights of a split hold a share of a ten-thousandth beside any other, over any number of targets', () => {
    const targets = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20_000 }))
    fc.assert(
      fc.property(targets, targets, fc.integer({ min: 1, max: 10_000 }), (large, small, share) => {
        const given = [portion(share, large), portion(1, small)]
        const layouts = allocateWeights(given)
        assertSound(given, layouts)
        assert.ok(layouts.length <= 256)
        for (const layout of layouts) assert.ok(errorOf(given, layout) <= 0.01, JSON.stringify(given))
      }),
      { numRuns: 300 },
    )
  })

  it('the weights of a split exist for any number of backends, however little each has', () => {
    const portions = fc.array(
      fc.record({
        share: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 10_000 })),
        targets: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 10_000 })),
      }),
      { minLength: 1, maxLength: 32 },
    )
    fc.assert(
      fc.property(portions, (given) => assertSound(given, allocateWeights(given))),
      { numRuns: 100 },
    )
  })
})
