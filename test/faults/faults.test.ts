/**
 * Every answer is right, and none is missing, while things fail. Which ones is drawn anew in each run, from a seed that a failure
 * prints; `npm run test:faults` goes through all of them for as long as one likes.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createRandom } from '../conformance/random-source.ts'
import { happen } from './combined.ts'
import { faults, type TestFault } from './faults.ts'
import { createTimeline } from './timeline.ts'
import { startWorld, type World } from './world.ts'

const seed = Number(process.env.SLICEDNS_FAULT_SEED ?? Math.floor(Math.random() * 1e9))
const random = createRandom(seed)

/** Back-off grows with each fault of the API, so there are few of these, and one recovery after all. */
const ofApi = Array.from({ length: 2 }, () => random.pick(faults.filter(({ of }) => of === 'api')))
const others = faults.filter(({ of }) => of !== 'api')
const chosen = [...new Set<TestFault>([...others, ...ofApi])]

describe('faults', () => {
  let world: World
  before(async () => {
    world = await startWorld({ seed, threadDiesAfter: 500 })
  })
  after(() => world?.stop())

  for (const fault of chosen)
    it(`no answer is wrong or missing when ${fault.name}`, async () => {
      await happen(world, fault)
      assert.deepEqual(world.failures, [], `SLICEDNS_FAULT_SEED=${seed}`)
    })

  it('every name is answered with what is true after the faults', async () => {
    await world.recover()
    assert.deepEqual(world.failures, [], `SLICEDNS_FAULT_SEED=${seed}`)
    assert.ok(world.counts.answers > 0)
  })

  it('a UDP thread that died was replaced', async () => {
    const { body } = await world.server().http('metrics', '/metrics')
    assert.match(body, /^slicedns_udp_thread_restarts_total 1$/m)
  })

  it('a server that was killed is back, and right', async () => {
    await world.restart()
    await world.recover()
    assert.deepEqual(world.failures, [], `SLICEDNS_FAULT_SEED=${seed}`)
  })
})

describe('the judge of the faults', () => {
  const timeline = createTimeline('a', 0)
  timeline.set('b', 10)
  timeline.set('c', 20)
  const cases: readonly (readonly [from: number, to: number, values: readonly string[]])[] = [
    [0, 5, ['a']],
    [5, 15, ['a', 'b']],
    [10, 12, ['b']],
    [12, 100, ['b', 'c']],
    [30, 40, ['c']],
  ]
  for (const [from, to, values] of cases)
    it(`the judge knows that ${values.join(' and ')} was true from ${from} to ${to}`, () =>
      assert.deepEqual(timeline.within(from, to), values))

  const ages: readonly (readonly [value: string, at: number, age: number | undefined])[] = [
    ['a', 15, 5],
    ['b', 15, 0],
    ['b', 50, 30],
    ['c', 15, 0],
    ['c', 100, 0],
    ['d', 100, undefined],
  ]
  for (const [value, at, age] of ages)
    it(`the judge knows that ${value} was true last ${age === undefined ? 'never' : `${age} ms`} before ${at}`, () =>
      assert.equal(timeline.ageOf(value, at), age))
})
