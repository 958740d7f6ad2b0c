import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { ApiFailure, type FailureReason } from '../../../src/k8s/api/failure.ts'
import { openH1 } from '../../../src/k8s/api/session-h1.ts'
import { systemClock } from '../../../src/scheduling/clock.ts'

describe('an HTTP/1.1 session that gets no connection is not used again: its owner times the next attempt', () => {
  for (const reason of ['connect', 'dns', 'tls', 'config'] satisfies FailureReason[]) {
    test(`an HTTP/1.1 session whose connection fails by ${reason} is not used again`, async () => {
      const first = new Socket()
      first.destroy()
      const session = openH1(first, 'http://api:80', () => Promise.reject(new ApiFailure(reason, 'no')), systemClock)
      await assert.rejects(session.send('/', {}, new AbortController().signal), { reason })
      assert.equal(session.usable, false)
      session.close()
    })
  }
})
