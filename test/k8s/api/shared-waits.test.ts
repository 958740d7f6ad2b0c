/** Reflectors that wait after failures, and what ends their waits: on a clock of the test's own. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSharedWaits, type EndsEarly, type Waits } from '../../../src/k8s/api/shared-waits.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

const second = 1000
const minute = 60 * second
const backoff = 30 * second
/** Milliseconds that the clock moves at once. */
const step = 100

/** Randomness at its ends: every wait is as long as it may be, and as short. */
const longest = () => 0
const shortest = () => 0.999

function createTest(random: () => number = longest) {
  const clock = createFakeClock()
  const shared = createSharedWaits(clock, random)
  const never = new AbortController().signal

  /** Lets time pass, and whoever waited go on. */
  async function pass(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += step) {
      clock.advance(step)
      await new Promise(setImmediate)
    }
  }

  /** One that has failed, and waits; `ended` is when it was over. */
  function wait(waits: Waits, endsEarly: EndsEarly = 'probe', milliseconds = backoff) {
    const state: { ended?: number } = {}
    waits.failed()
    void waits.wait(milliseconds, endsEarly, never).then(() => {
      state.ended = clock.now()
    })
    return state
  }

  /** One that fails whenever it asks; gives the times at which it asked. */
  function keepFailing(endsEarly: EndsEarly = 'probe', waits = shared.join()): number[] {
    const asked: number[] = []
    void (async () => {
      for (;;) {
        asked.push(clock.now())
        waits.failed()
        await waits.wait(backoff, endsEarly, never)
      }
    })()
    return asked
  }

  return { clock, join: shared.join, pass, wait, keepFailing }
}

describe('a resource that works again', () => {
  for (const endsEarly of ['success', 'probe'] as const)
    test(`the others try again within a second (${endsEarly})`, async () => {
      const { join, pass, wait } = createTest(shortest)
      const [first, others] = [join(), [join(), join()]]
      const waiting = others.map((waits) => wait(waits, endsEarly))
      await pass(2 * second)
      first.works()
      await pass(second)
      for (const { ended } of waiting) assert.ok(ended !== undefined && ended <= 3 * second, `${ended}`)
    })

  test('the others do not all try at once', async () => {
    const draws = [0, 0.5]
    const { join, pass, wait } = createTest(() => draws.shift() ?? 0)
    const [first, second_, third] = [join(), join(), join()]
    const waiting = [wait(second_), wait(third)]
    first.works()
    await pass(second)
    const [one, other] = waiting.map(({ ended = 0 }) => ended)
    assert.equal(other! - one!, 400)
  })

  test('a Retry-After of the server is kept', async () => {
    const { join, pass, wait } = createTest()
    const [first, other] = [join(), join()]
    const waiting = wait(other, 'never', 7 * second)
    first.works()
    await pass(7 * second - step)
    assert.equal(waiting.ended, undefined)
    await pass(step)
    assert.equal(waiting.ended, 7 * second)
  })

  test('a watch that goes on as ever is no news', async () => {
    const { join, pass, wait } = createTest()
    const [first, other] = [join(), join()]
    first.works()
    const waiting = wait(other)
    for (let i = 0; i < 20; i++) {
      first.works()
      await pass(second)
    }
    assert.equal(waiting.ended, undefined)
  })

  test('a wait cut short in vain is followed by a whole one, and that by one that may be cut short', async () => {
    const { join, pass, keepFailing } = createTest()
    const [first, asked] = [join(), keepFailing()]
    for (let i = 0; i < 80; i++) {
      first.failed()
      first.works()
      await pass(second)
    }
    const waits = asked.slice(1, 5).map((time, i) => Math.round((time - asked[i]!) / second))
    assert.deepEqual(waits, [0, 30, 1, 30])
  })

  test('one that has worked meanwhile may be cut short again', async () => {
    const { join, pass, wait } = createTest()
    const [first, other] = [join(), join()]
    for (let i = 0; i < 3; i++) {
      const waiting = wait(other)
      first.failed()
      first.works()
      await pass(second)
      assert.notEqual(waiting.ended, undefined)
      other.works()
    }
  })

  test('a resource that alone keeps failing is asked for twice as often as its back-off says at most, whatever the others do', async () => {
    const { join, pass, keepFailing } = createTest(shortest)
    const others = [join(), join()]
    const asked = keepFailing()
    for (let i = 0; i < 60; i++) {
      for (const other of others) {
        other.failed()
        other.works()
        await pass(5 * second)
      }
    }
    assert.ok(asked.length <= 2 * ((10 * minute) / backoff) + 2, `${asked.length} in 10 minutes`)
  })
})

describe('when every resource waits', () => {
  const paces: readonly (readonly [string, () => number, number])[] = [
    ['five seconds', longest, 5 * second],
    ['two and a half', shortest, 2.5 * second],
  ]
  for (const [name, random, interval] of paces)
    test(`one of them tries every ${name}, each in its turn`, async () => {
      const { pass, keepFailing } = createTest(random)
      const all = [keepFailing(), keepFailing(), keepFailing()]
      await pass(minute)
      const times = all.flatMap((asked) => asked.slice(1)).sort((a, b) => a - b)
      const expected = Math.floor(minute / interval)
      assert.ok(times.length <= expected && times.length >= expected - 2, `${times.length} in a minute`)
      for (const [i, time] of times.entries()) assert.ok(time - (times[i - 1] ?? 0) >= interval - step, `${times}`)
      for (const asked of all) assert.ok(asked.length - 1 >= Math.floor(expected / 3) - 1, `${asked}`)
    })

  test('the server works again: all know it after the first that tries', async () => {
    const { join, pass, wait } = createTest(shortest)
    const all = [join(), join(), join()]
    const waiting = all.map((waits) => wait(waits))
    await pass(5 * second)
    assert.deepEqual(
      waiting.map(({ ended }) => ended !== undefined),
      [true, false, false],
    )
    all[0]!.works()
    await pass(second)
    for (const { ended } of waiting) assert.ok(ended !== undefined && ended <= 6 * second, `${ended}`)
  })

  test('nobody tries while another watch stands, or is tried', async () => {
    const { join, pass, wait } = createTest()
    join()
    const waiting = [wait(join()), wait(join())]
    await pass(backoff - step)
    for (const { ended } of waiting) assert.equal(ended, undefined)
  })

  for (const endsEarly of ['never', 'success'] as const)
    test(`one whose wait does not end for that does not try (${endsEarly})`, async () => {
      const { join, pass, wait } = createTest()
      const [kept, other] = [wait(join(), endsEarly), wait(join())]
      await pass(5 * second)
      assert.equal(kept.ended, undefined)
      assert.equal(other.ended, 5 * second)
    })
})

test('a wait ends when the watch is stopped', async () => {
  const { clock, join } = createTest()
  const stop = new AbortController()
  const waiting = join().wait(backoff, 'never', stop.signal)
  stop.abort()
  await waiting
  assert.equal(clock.now(), 0)
})
