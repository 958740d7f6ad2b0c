import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRateLimitedLog } from '../../src/telemetry/rate-limited-log.ts'
import { logInto } from '../k8s/harness.ts'
import { createFakeClock } from '../support/fake-clock.ts'

describe('an outage', () => {
  test('an outage is logged when it begins, once a minute while it lasts, and when it ends', () => {
    const lines: string[] = []
    const clock = createFakeClock()
    const outage = createRateLimitedLog('the API', logInto(lines), clock)
    for (let second = 0; second < 90; second++, clock.advance(1000)) outage.failed('refused')
    outage.over()
    outage.over()
    assert.deepEqual(lines, [
      '[ERROR] refused (retrying until it works)',
      '[ERROR] refused (retrying until it works)',
      '[INFO] the API works again after 90.0 s',
    ])
  })

  test('an outage’s lines about one fault are logged once', () => {
    const lines: string[] = []
    const outage = createRateLimitedLog('watching services', logInto(lines), createFakeClock(), false)
    for (const verb of ['list', 'watch', 'list']) outage.failed(`cannot ${verb} services`, 'forbidden')
    outage.failed('connection refused')
    assert.deepEqual(lines, [
      '[ERROR] cannot list services (retrying until it works)',
      '[ERROR] connection refused (retrying until it works)',
    ])
  })
})
