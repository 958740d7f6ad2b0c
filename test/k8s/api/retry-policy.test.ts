import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ApiFailure, type FailureReason } from '../../../src/k8s/api/failure.ts'
import { createRetryPolicy } from '../../../src/k8s/api/retry-policy.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

const failure = (reason: FailureReason, retryAfter?: number) => new ApiFailure(reason, reason, retryAfter)

describe('the wait after a failure', () => {
  const waits: readonly (readonly [string, ApiFailure, (wait: number) => boolean])[] = [
    ['as long as Retry-After says', failure('throttled', 7000), (wait) => wait === 7000],
    ['a minute at most, whatever Retry-After says', failure('throttled', 999_999_000), (wait) => wait === 60_000],
    ['not zero when Retry-After is', failure('throttled', 0), (wait) => wait >= 400],
    ['not zero without Retry-After', failure('throttled'), (wait) => wait >= 400],
    ['zero for the first cut of a connection', failure('broken'), (wait) => wait === 0],
    ['zero for the first 410', failure('expired'), (wait) => wait === 0],
    ['ten seconds at most where RBAC forbids', failure('forbidden'), (wait) => wait >= 400 && wait <= 10_000],
  ]
  for (const [what, cause, holds] of waits) {
    test(`a reflector waits ${what}`, () => {
      const { wait } = createRetryPolicy(createFakeClock()).after(cause)
      assert.ok(holds(wait), `${wait} ms`)
    })
  }

  const reasons: readonly FailureReason[] = ['throttled', 'expired', 'ahead', 'broken', 'unauthorized', 'server']
  for (const reason of reasons) {
    test(`a reflector waits before each attempt after the first where ${reason} goes on without end`, () => {
      const policy = createRetryPolicy(createFakeClock())
      policy.after(failure(reason, 0))
      for (let i = 0; i < 20; i++) assert.ok(policy.after(failure(reason, 0)).wait >= 400)
    })
  }
})

describe('where a reflector goes on', () => {
  test('a reflector lists anew after 410, and after five failures in a row', () => {
    const policy = createRetryPolicy(createFakeClock())
    assert.equal(policy.after(failure('expired')).resume, 'list')
    policy.succeeded()
    const resumes = Array.from({ length: 5 }, () => policy.after(failure('server')).resume)
    assert.deepEqual(resumes, ['watch', 'watch', 'watch', 'watch', 'list'])
  })

  test('a reflector takes what the server has when that is behind what was seen', () => {
    assert.equal(createRetryPolicy(createFakeClock()).after(failure('ahead')).resume, 'any')
  })
})
