/** How many transfers run at a time, and in which order zones have their turns. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createTransferPlaces, mostPlaces, mostPlacesOfPrimary, type Place } from '../../src/zone/transfer-in/places.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const at = (address: string) => ({ address, port: 53 })

/** Zones by name, which note when they have a place and when they are refused one. */
function createZones() {
  const places = createTransferPlaces(createFakeClock())
  const held = new Map<string, Place>()
  const refused = new Map<string, string>()
  return {
    held,
    refused,
    running: () => [...held.keys()].sort(),
    enter(zone: string, address: string, signal = new AbortController().signal): void {
      places.enter(at(address), signal).then(
        (place) => held.set(zone, place),
        (error: Error) => refused.set(zone, error.message),
      )
    },
    async leave(zone: string): Promise<void> {
      held.get(zone)!.leave()
      held.delete(zone)
      await nextTurn()
    },
  }
}

describe('places for transfers', () => {
  it('a primary has two places, and its zones take them in their order', async () => {
    const { enter, leave, running } = createZones()
    assert.equal(mostPlacesOfPrimary, 2)
    for (const zone of ['a', 'b', 'c', 'd']) enter(zone, '192.0.2.1')
    await nextTurn()
    assert.deepEqual(running(), ['a', 'b'])
    await leave('b')
    assert.deepEqual(running(), ['a', 'c'])
    await leave('a')
    assert.deepEqual(running(), ['c', 'd'])
  })

  it('all primaries together have ten places, and take turns for them', async () => {
    const { enter, leave, running } = createZones()
    for (let primary = 0; primary < 5; primary++)
      for (const zone of ['a', 'b']) enter(`${primary}${zone}`, `192.0.2.${primary}`)
    await nextTurn()
    assert.equal(running().length, mostPlaces)
    for (const zone of ['c', 'd']) enter(`0${zone}`, '192.0.2.0')
    enter('honest', '192.0.2.99')
    await nextTurn()
    assert.equal(running().length, mostPlaces)
    await leave('0a')
    await leave('0b')
    assert.ok(running().includes('0c') && running().includes('honest') && !running().includes('0d'))
  })

  it('zones of one primary do not keep those of another one waiting', async () => {
    const { enter, running } = createZones()
    for (let zone = 0; zone < 1000; zone++) enter(`slow${zone}`, '192.0.2.1')
    enter('honest', '192.0.2.2')
    await nextTurn()
    assert.deepEqual(running(), ['honest', 'slow0', 'slow1'])
  })

  it('a place knows whether another zone waits for it', async () => {
    const { enter, held } = createZones()
    for (const zone of ['a', 'b']) enter(zone, '192.0.2.1')
    enter('other', '192.0.2.2')
    await nextTurn()
    assert.equal(held.get('a')!.isWanted, false)
    enter('c', '192.0.2.1')
    assert.equal(held.get('a')!.isWanted, true)
    assert.equal(held.get('other')!.isWanted, false)
  })

  it('zones that wait for a primary that does not answer learn so at once', async () => {
    const { enter, held, refused, running } = createZones()
    for (const zone of ['a', 'b', 'c', 'd']) enter(zone, '192.0.2.1')
    await nextTurn()
    held.get('a')!.unanswered(new Error('192.0.2.1:53: no message came for 10 s'))
    await nextTurn()
    assert.deepEqual([...refused.keys()], ['c', 'd'])
    assert.match(refused.get('c')!, /no message came for 10 s/)
    assert.deepEqual(running(), ['a', 'b'])
  })

  it('a zone that is given up waits no longer', async () => {
    const { enter, leave, refused, running } = createZones()
    const stopping = new AbortController()
    for (const zone of ['a', 'b']) enter(zone, '192.0.2.1')
    enter('stopped', '192.0.2.1', stopping.signal)
    enter('c', '192.0.2.1')
    await nextTurn()
    stopping.abort()
    await leave('a')
    assert.deepEqual([...refused.keys()], ['stopped'])
    assert.deepEqual(running(), ['b', 'c'])
    enter('late', '192.0.2.9', stopping.signal)
    await nextTurn()
    assert.ok(refused.has('late'))
  })

  it('a place that is left twice is free once', async () => {
    const { enter, held, leave, running } = createZones()
    for (const zone of ['a', 'b', 'c', 'd']) enter(zone, '192.0.2.1')
    await nextTurn()
    const place = held.get('a')!
    await leave('a')
    place.leave()
    await nextTurn()
    assert.deepEqual(running(), ['b', 'c'])
  })

  it('messages of two transfers are read one after the other', async () => {
    const { enter, held } = createZones()
    for (const zone of ['a', 'b']) enter(zone, '192.0.2.1')
    await nextTurn()
    const endOfFirst = await held.get('a')!.messageTurn()
    let hasTurn = false
    const second = held.get('b')!.messageTurn()
    second.then(() => {
      hasTurn = true
    })
    await nextTurn()
    assert.equal(hasTurn, false)
    endOfFirst()
    const endOfSecond = await second
    endOfSecond()
  })
})
