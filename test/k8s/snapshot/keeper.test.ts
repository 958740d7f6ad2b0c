/** When a snapshot is written. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterModel } from '../../../src/k8s/model/cluster-model.ts'
import { claimFile } from '../../../src/k8s/snapshot/claims.ts'
import { type Identity, keepSnapshot } from '../../../src/k8s/snapshot/keeper.ts'
import { SnapshotTooLarge } from '../../../src/k8s/snapshot/write.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { logInto } from '../harness.ts'

const second = 1000
const hour = 3600 * second

/** A keeper whose writes are noted: `confirmed` is the time of the state, `fails` what the next writes end with. */
function keep(t: { after(task: () => void): void }, maxAge = 24 * hour) {
  const clock = createFakeClock({ wall: 1_000_000 })
  const view = { synced: true, restored: false }
  const model = { view, changes: 1 }
  const claim = claimFile('/kept')
  t.after(claim.release)
  const times: number[] = []
  const counts: string[] = []
  const lines: string[] = []
  const written: Identity[] = []
  const state = {
    confirmed: clock.wall() as number | undefined,
    fails: undefined as Error | undefined,
    takes: 0,
    /** Of the next question alone. */
    asks: 0,
    identity: { cluster: 'ours', uid: undefined } as Identity | undefined,
  }
  const keeper = keepSnapshot({
    file: '/kept',
    maxAge,
    model: model as unknown as ClusterModel,
    claim,
    confirmedAt: () => state.confirmed,
    async identity() {
      await Promise.resolve()
      const { asks } = state
      state.asks = 0
      clock.advance(asks)
      if (state.identity) return state.identity
      throw new Error('cannot read the CA')
    },
    async write(time, identity) {
      await Promise.resolve()
      clock.advance(state.takes)
      if (state.fails) throw state.fails
      times.push(time)
      written.push(identity)
      return 10
    },
    log: logInto(lines),
    clock,
    meter: {
      written: () => void counts.push('written'),
      failed: (result) => void counts.push(result),
      refused() {},
      dropped() {},
      remove() {},
    },
  })
  const pass = async (milliseconds: number) => {
    for (let left = milliseconds; left > 0; left -= second) {
      clock.advance(second)
      await new Promise(setImmediate)
    }
  }
  return { keeper, view, model, state, times, written, counts, lines, pass }
}

test('a change is written within a second, the next no sooner than 5 s after it', async (t) => {
  const { model, times, pass } = keep(t)
  await pass(second)
  assert.equal(times.length, 1)
  model.changes++
  await pass(4 * second)
  assert.equal(times.length, 1)
  await pass(2 * second)
  assert.equal(times.length, 2)
})

test('a write that takes long is followed by fifty times as long a pause', async (t) => {
  const { model, state, times, pass } = keep(t)
  state.takes = 2 * second
  await pass(second)
  model.changes++
  await pass(99 * second)
  assert.equal(times.length, 1)
  await pass(2 * second)
  assert.equal(times.length, 2)
})

test('a wait for the API server, which is asked who it is, makes the pause no longer', async (t) => {
  const { model, state, times, pass } = keep(t)
  state.asks = 10 * second
  await pass(second)
  model.changes++
  await pass(6 * second)
  assert.equal(times.length, 2)
})

test('while nothing changes only the time in the file is renewed, every hour or quarter of MAX_AGE', async (t) => {
  for (const [maxAge, renewed] of [
    [24 * hour, hour],
    [hour, hour / 4],
  ]) {
    const { state, times, pass, keeper } = keep(t, maxAge)
    await pass(second)
    const start = state.confirmed as number
    state.confirmed = start + renewed - 1
    await pass(10 * second)
    assert.deepEqual(times, [start])
    state.confirmed = start + renewed
    await pass(10 * second)
    assert.deepEqual(times, [start, start + renewed])
    await keeper.close()
  }
})

test('a clock that is set back by an hour makes no file from the future: it is written anew', async (t) => {
  const { state, times, pass } = keep(t)
  await pass(second)
  const start = state.confirmed as number
  state.confirmed = start - hour
  await pass(10 * second)
  assert.deepEqual(times, [start, start - hour])
})

test('another CA or URL, and a UID that becomes known, are written within 10 s, and at the end', async (t) => {
  const renewed: Identity = { cluster: 'renewed', uid: undefined }
  const known: Identity = { cluster: 'renewed', uid: 'uid-1' }
  const { state, written, pass, keeper } = keep(t)
  const first = state.identity as Identity
  await pass(20 * second)
  assert.deepEqual(written, [first])
  state.identity = renewed
  await pass(11 * second)
  assert.deepEqual(written, [first, renewed])
  state.identity = undefined
  await pass(20 * second)
  assert.equal(written.length, 2, 'files that cannot be read say nothing of another cluster')
  state.identity = known
  await keeper.close()
  assert.deepEqual(written, [first, renewed, known])
})

test('a state that the API server has not confirmed is not written', async (t) => {
  const { view, model, state, times, pass, keeper } = keep(t)
  view.restored = true
  await pass(10 * second)
  view.restored = false
  view.synced = false
  await pass(10 * second)
  view.synced = true
  state.confirmed = undefined
  model.changes++
  await pass(10 * second)
  await keeper.close()
  assert.deepEqual(times, [])
})

test('the end writes what has changed, or is older than 5 s, and that alone', async (t) => {
  for (const [changes, seconds, wanted] of [
    [1, 0, 2],
    [0, 5, 2],
    [0, 4, 1],
  ]) {
    const kept = keep(t)
    await kept.pass(second)
    kept.model.changes += changes
    kept.state.confirmed = (kept.state.confirmed as number) + seconds * second
    await kept.keeper.close()
    assert.equal(kept.times.length, wanted)
    kept.model.changes++
    await kept.pass(60 * second)
    assert.equal(kept.times.length, wanted, 'nothing is written after the end')
  }
})

const diskErrors = [
  ['ENOSPC: no space left on device', "open '/kept.17-0123abcd.tmp'"],
  ['EDQUOT: disk quota exceeded', 'write'],
  ['EROFS: read-only file system', "open '/kept.17-0123abcd.tmp'"],
  ['EIO: i/o error', 'fsync'],
  ['EISDIR: illegal operation on a directory', "rename '/kept.17-0123abcd.tmp' -> '/kept'"],
] as const
for (const [error, call] of diskErrors) {
  test(`${error}: one line, a count for each attempt, every 30 s, and another line at its end`, async (t) => {
    const { state, counts, lines, pass } = keep(t)
    state.fails = new Error(`${error}, ${call}`)
    await pass(90 * second)
    assert.deepEqual(counts, ['failed', 'failed', 'failed'])
    assert.deepEqual(lines, [`[ERROR] cannot write the snapshot /kept: ${error} (retrying until it works)`])
    state.fails = undefined
    await pass(31 * second)
    assert.match(lines[1], /^\[INFO\] the snapshot \/kept works again after/)
  })
}

test('a state that is too large is counted as that', async (t) => {
  const { state, counts, pass } = keep(t)
  state.fails = new SnapshotTooLarge('the state takes more than 1 octets')
  await pass(second)
  assert.deepEqual(counts, ['oversized'])
})
