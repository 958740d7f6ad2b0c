/** Work beside DNS on the main thread: a slice in each turn of the event loop. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createCooperativeScheduler } from '../../src/scheduling/cooperative-scheduler.ts'
import { createFakeClock } from '../support/fake-clock.ts'

/** A scheduler on a clock that only the work itself moves, and what was done in which turn of the event loop. */
function createSchedulerHarness() {
  const clock = createFakeClock()
  const scheduler = createCooperativeScheduler(clock)
  let turn = 0
  const done: string[] = []
  const count = (): void => {
    turn++
    immediate = setImmediate(count)
  }
  let immediate = setImmediate(count)
  return {
    clock,
    scheduler,
    done,
    /** A piece of work that takes so many milliseconds. */
    piece(name: string, milliseconds: number) {
      clock.advance(milliseconds)
      done.push(`${name} in turn ${turn}`)
    },
    async end() {
      await nextTurn()
      clearImmediate(immediate)
    },
  }
}

/** A task that has so many pieces to do. */
function pieces(count: number, work: () => void): () => boolean {
  let left = count
  return () => {
    work()
    return --left > 0
  }
}

describe('the cooperative scheduler', () => {
  test('the cooperative scheduler runs a task from the next microtask on, and ends a slice after a millisecond of work', async () => {
    const { scheduler, done, piece, end } = createSchedulerHarness()
    scheduler
      .task(
        pieces(5, () => piece('a', 0.4)),
        () => done.push('slice over'),
      )
      .wake()
    assert.deepEqual(done, [])
    await Promise.resolve()
    assert.deepEqual(done, ['a in turn 0', 'a in turn 0', 'a in turn 0', 'slice over'])
    await nextTurn()
    await nextTurn()
    assert.deepEqual(done.slice(4), ['a in turn 1', 'a in turn 1', 'slice over'])
    await end()
  })

  test('the cooperative scheduler gives one slice to all tasks of a turn together, a piece each in turn', async () => {
    const { scheduler, done, piece, end } = createSchedulerHarness()
    for (const name of ['a', 'b']) scheduler.task(pieces(2, () => piece(name, 0.4))).wake()
    await Promise.resolve()
    assert.deepEqual(done, ['a in turn 0', 'b in turn 0', 'a in turn 0'])
    await nextTurn()
    await nextTurn()
    assert.deepEqual(done.slice(3), ['b in turn 1'])
    await end()
  })

  test('the cooperative scheduler does not begin a second slice in a turn for a task that is woken after the first', async () => {
    const { scheduler, done, piece, end } = createSchedulerHarness()
    scheduler.task(pieces(1, () => piece('a', 1))).wake()
    await Promise.resolve()
    scheduler.task(pieces(1, () => piece('b', 1))).wake()
    await Promise.resolve()
    assert.deepEqual(done, ['a in turn 0'])
    await nextTurn()
    await nextTurn()
    assert.deepEqual(done, ['a in turn 0', 'b in turn 1'])
    await end()
  })

  for (const { turn, allowed } of [
    { turn: 0.5, allowed: 1 },
    { turn: 7, allowed: 7 },
    { turn: 300, allowed: 20 },
  ])
    test(`the cooperative scheduler lets a slice last ${allowed} ms after a turn of ${turn} ms`, async () => {
      const { scheduler, clock, end } = createSchedulerHarness()
      scheduler.begin()
      const rested = scheduler.rest()
      clock.advance(turn)
      await rested
      assert.equal(scheduler.due, false)
      clock.advance(allowed - 0.1)
      assert.equal(scheduler.due, false)
      clock.advance(0.1)
      assert.equal(scheduler.due, true)
      await end()
    })

  test('the cooperative scheduler gives a loop that rests the next turn of the event loop, and not this one', async () => {
    const { scheduler, done, piece, end } = createSchedulerHarness()
    scheduler.begin()
    for (let i = 0; i < 3; i++) {
      piece('a', 1)
      assert.equal(scheduler.due, true)
      await scheduler.rest()
    }
    assert.equal(new Set(done).size, 3)
    await end()
  })

  test('the cooperative scheduler goes on with the other tasks after one has thrown', async () => {
    const { scheduler, done, piece, end } = createSchedulerHarness()
    const survived: unknown[] = []
    const survive = (error: unknown): void => void survived.push(error)
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', survive)
    try {
      const broken = scheduler.task(() => {
        throw new Error('a bug')
      })
      broken.wake()
      scheduler.task(pieces(1, () => piece('b', 0.1))).wake()
      await nextTurn()
      await nextTurn()
    } finally {
      process.off('uncaughtException', survive)
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
    assert.match(String(survived[0]), /a bug/)
    assert.equal(done.length, 1)
    await end()
  })

  test('the cooperative scheduler does nothing more for a task that is stopped, not even for one that stops itself', async () => {
    const { scheduler, done, piece, end } = createSchedulerHarness()
    const task = scheduler.task(() => {
      piece('a', 0.1)
      task.stop()
      return true
    })
    task.wake()
    await Promise.resolve()
    task.wake()
    await nextTurn()
    assert.deepEqual(done, ['a in turn 0'])
    await end()
  })
})
