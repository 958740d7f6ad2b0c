import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSessions } from '../../../src/transport/proxy-protocol/sessions.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

const bounds = { lifetime: 1000, most: 3 }

describe('sessions', () => {
  it('a session ends when it has not been used for its lifetime', () => {
    const clock = createFakeClock()
    const sessions = createSessions<string>(clock)
    sessions.set('a', 'client', bounds)
    clock.advance(999)
    assert.equal(sessions.get('a', bounds), 'client')
    clock.advance(999)
    assert.equal(sessions.get('a', bounds), 'client')
    clock.advance(1000)
    assert.equal(sessions.get('a', bounds), undefined)
  })

  it('one session too many ends the least recently used one, which is counted; expired ones are not', () => {
    const clock = createFakeClock()
    const sessions = createSessions<string>(clock)
    for (const key of ['a', 'b', 'c']) assert.equal(sessions.set(key, key, bounds), 0)
    sessions.get('a', bounds)
    assert.equal(sessions.set('d', 'd', bounds), 1)
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((key) => sessions.get(key, bounds)),
      ['a', undefined, 'c', 'd'],
    )
    clock.advance(1000)
    assert.equal(sessions.set('e', 'e', bounds), 0)
  })

  it('no session is kept where the lifetime is 0', () => {
    const sessions = createSessions<string>(createFakeClock())
    assert.equal(sessions.set('a', 'a', { lifetime: 0, most: 3 }), 0)
    assert.equal(sessions.get('a', bounds), undefined)
  })
})
