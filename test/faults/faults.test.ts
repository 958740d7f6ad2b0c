/**
 * Every answer is right, and none is missing, while things fail. Which ones is drawn anew in each run, from a seed that a failure
 * prints; `npm run test:faults` goes through all of them for as long as one likes.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createRandom } from '../conformance/random-source.ts'
import '../support/alone.ts'
import { unmet } from '../support/peers.ts'
import { until } from '../support/until.ts'
import { clockFaults } from './clock-faults.ts'
import { happen, isPossible, tryTo } from './combined.ts'
import { credentialFaults } from './credential-faults.ts'
import { apiFaults, otherFaults, type TestFault } from './faults.ts'
import { createOutsideNames } from './outside-names.ts'
import { processFaults } from './process-faults.ts'
import { createTimeline } from './timeline.ts'
import { upstreamFaults } from './upstream-faults.ts'
import { startWorld, type World } from './world.ts'

const seed = Number(process.env.SLICEDNS_FAULT_SEED ?? Math.floor(Math.random() * 1e9))
const random = createRandom(seed)

/** Back-off grows with each fault of the API, so there are few of these, and one recovery after all. */
const drawn = [
  random.pick(apiFaults),
  random.pick(credentialFaults),
  random.pick(upstreamFaults),
  random.pick(upstreamFaults),
]
const ofProcess = processFaults.filter(({ isLong }) => !isLong)
const chosen = [...new Set<TestFault>([...drawn, ...otherFaults, ...clockFaults, ...ofProcess])]
/** Milliseconds that each is there for at most. */
const longest = 500

describe('faults', () => {
  let world: World
  before(async () => {
    world = await startWorld({ seed, threadDiesAfter: '500 100' })
  })
  after(() => world?.stop())

  for (const fault of chosen)
    it(`no answer is wrong or missing when ${fault.name}`, async (t) => {
      if (!isPossible(fault, world)) return t.skip(unmet('needs gcc, and memory cgroups'))
      await happen(world, fault, random.below(longest))
      assert.deepEqual(world.failures, [], `SLICEDNS_FAULT_SEED=${seed}`)
    })

  it('every name is answered with what is true after the faults', async () => {
    await world.recover()
    assert.deepEqual(world.failures, [], `SLICEDNS_FAULT_SEED=${seed}`)
    assert.ok(world.counts.answers > 0)
  })

  it('a UDP thread that dies is replaced, and so is the one in its place', () =>
    until(async () => {
      const { body } = await world.server().http('metrics', '/metrics')
      assert.match(body, /^slicedns_udp_thread_restarts_total 2$/m)
    }))
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

  const ttls: readonly (readonly [seconds: number, ttl: number, isRight: boolean])[] = [
    [0, 20, true],
    [5, 15, true],
    [10, 20, false],
    [10, 4, false],
    [10, 0, false],
    [21, 0, true],
    [30, 6, false],
  ]
  for (const [seconds, ttl, isRight] of ttls)
    it(`the judge takes a TTL of ${ttl} ${seconds} s after an upstream said 20 for ${isRight ? 'right' : 'wrong'}`, () => {
      const time = { now: 1_000 }
      const outside = createOutsideNames(createRandom(1), () => time.now)
      const name = 'again1.example'
      let address = ''
      outside.script({
        query: { questions: [{ name: `${name}.` }] },
        reply: ({ answer }: { answer: readonly [{ rdata: Uint8Array }] }) => {
          address = answer[0].rdata.join('.')
        },
      } as unknown as Parameters<typeof outside.script>[0])
      const heard = { name, sentAt: 0, heardAt: 0, rcode: 0, addresses: [address], isExcused: false }
      assert.equal(outside.faultOf({ ...heard, ttl: 20, asked: time.now, answered: time.now }), undefined)
      const asked = time.now + seconds * 1_000
      assert.equal(outside.faultOf({ ...heard, ttl, asked, answered: asked }) === undefined, isRight)
    })

  it('the judge takes a fault that cannot happen for a failure, and goes on', async () => {
    const failures: string[] = []
    const world = { fail: (text: string) => void failures.push(text) } as unknown as World
    const fault: TestFault = {
      name: 'it breaks',
      of: 'corefile',
      begin() {
        throw new Error('no such file')
      },
    }
    await tryTo(world, fault, 0)
    assert.deepEqual(failures, ['"it breaks" cannot happen: no such file'])
  })
})
