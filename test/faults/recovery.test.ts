/** Nothing is in doubt behind a recovery: what the judge takes for one. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import '../support/alone.ts'
import { until } from '../support/until.ts'
import { startWorld, type World } from './world.ts'

const seed = Number(process.env.SLICEDNS_FAULT_SEED ?? Math.floor(Math.random() * 1e9))
/** Attempts that fail; the next one comes 1.6 to 3.2 s after the last of them. */
const failing = 3

describe('the recovery of a server', () => {
  let world: World
  before(async () => {
    // Nothing changes, so that all names are right whether the watches stand or not.
    world = await startWorld({ seed, changes: 0 })
    await until(() => assert.deepEqual(standing(), [1, 1]))
  })
  after(() => world?.stop())

  const watched = ['services', 'endpointslices'] as const
  const standing = () => watched.map(world.api.watches)

  for (const resource of watched)
    it(`a server has not recovered while its watch of ${resource} waits for the next attempt`, async () => {
      const { api } = world
      const begun = api.requests.length
      world.doubt()
      api.fault({ on: 'watch', resource, respond: { status: 500 }, times: failing })
      api.endWatches(resource)
      await until(() => {
        const attempts = api.requests.slice(begun).filter((request) => request.resource === resource)
        assert.ok(attempts.length >= failing)
      })
      await world.recover()
      assert.deepEqual(standing(), [1, 1])
      assert.deepEqual(world.failures, [], `SLICEDNS_FAULT_SEED=${seed}`)
    })
})
