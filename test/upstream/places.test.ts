import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPlaces, type Place } from '../../src/upstream/places.ts'
import { createFakeClock } from '../support/fake-clock.ts'

/** Places, and what was refused or lost, in order. */
function harness(bounds: { exchanges?: number; octets?: number } = {}) {
  const clock = createFakeClock()
  const refused: string[] = []
  const lost: string[] = []
  const places = createPlaces({
    clock,
    exchanges: 10,
    octets: 10_000,
    ...bounds,
    onRefused: (reason) => refused.push(reason),
  })
  const take = (client: string, octets = 100, spare = false): Place | undefined => {
    const place = places.take(client, octets, () => void lost.push(client), spare)
    return place
  }
  return { clock, refused, lost, take }
}

describe('places for exchanges with upstreams', () => {
  it('all go to one client while no other wants one', () => {
    const { take, refused } = harness()
    for (let i = 0; i < 10; i++) assert.ok(take('10.0.0.1'))
    assert.equal(take('10.0.0.1'), undefined)
    assert.deepEqual(refused, ['share'])
  })

  it('when all are taken, go from the client that has most to a newcomer, the oldest first', () => {
    const { take, refused, lost } = harness()
    for (let i = 0; i < 9; i++) take('10.0.0.1')
    take('10.0.0.2')
    assert.ok(take('10.0.0.3'))
    assert.ok(take('10.0.0.2'))
    assert.deepEqual(lost, ['10.0.0.1', '10.0.0.1'])
    assert.deepEqual(refused, ['share', 'share'])
  })

  it('places for exchanges with upstreams stay with who has them when everybody has the same', () => {
    const { take, refused, lost } = harness({ exchanges: 2 })
    take('10.0.0.1')
    take('10.0.0.2')
    assert.equal(take('10.0.0.3'), undefined)
    assert.equal(take('10.0.0.1'), undefined)
    assert.deepEqual([lost, refused], [[], ['exchanges', 'exchanges']])
  })

  it('go to a client that has none after a second: a flood from many addresses shuts nobody out for long', () => {
    const { take, clock, lost } = harness({ exchanges: 2 })
    take('10.0.0.1')
    take('10.0.0.2')
    clock.advance(1000)
    assert.equal(take('10.0.0.2'), undefined)
    assert.ok(take('10.0.0.3'))
    assert.deepEqual(lost, ['10.0.0.1'])
  })

  it('places for exchanges with upstreams belong to an IPv6 network of 64 bits, of which a host has every address', () => {
    const { take, lost } = harness({ exchanges: 4 })
    for (let i = 1; i <= 4; i++) take(`2001:db8::${i}`)
    assert.equal(take('2001:db8::5'), undefined)
    assert.ok(take('2001:db8:0:1::1'))
    assert.deepEqual(lost, ['2001:db8::1'])
  })

  it('places for exchanges with upstreams are bounded in octets too', () => {
    const { take, refused } = harness({ octets: 1000 })
    const large = take('10.0.0.1', 900)
    assert.equal(take('10.0.0.2', 200), undefined)
    assert.deepEqual(refused, ['octets'])
    large?.release()
    assert.ok(take('10.0.0.2', 200))
  })

  it('displace nobody for a spare exchange (a hedge), and count no refusal of one', () => {
    const { take, refused, lost } = harness({ exchanges: 3 })
    for (let i = 0; i < 3; i++) take('10.0.0.1')
    assert.equal(take('10.0.0.2', 100, true), undefined)
    assert.deepEqual([refused, lost], [[], []])
  })

  it('places for exchanges with upstreams are free again once each is given back, whatever the order', () => {
    const { take } = harness()
    for (let round = 0; round < 3; round++) {
      const taken = Array.from({ length: 10 }, (_, i) => take(`10.0.0.${i % 3}`))
      for (const place of taken.reverse()) {
        place?.release()
        place?.release()
      }
    }
    for (let i = 0; i < 10; i++) assert.ok(take('10.0.0.9'))
  })
})
