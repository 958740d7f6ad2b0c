import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFlights } from '../../../src/plugins/forward/flights.ts'

describe('shared exchanges', () => {
  it('go on while one of those who wait for them is left, and end with the last', async () => {
    const flights = createFlights('aborted')
    const { promise } = Promise.withResolvers<string>()
    let cancelled = 0
    const join = (signal: AbortSignal) =>
      flights.join('key', 'name', signal, (cancellation) => {
        cancellation.cancel = () => cancelled++
        return promise
      })
    const [first, second] = [new AbortController(), new AbortController()]
    const results = [join(first.signal), join(second.signal)]
    first.abort()
    assert.equal(await results[0], 'aborted')
    assert.equal(cancelled, 0)
    second.abort()
    assert.equal(await results[1], 'aborted')
    assert.equal(cancelled, 1)
  })

  it('shared exchanges are not joined after they were cancelled', async () => {
    const flights = createFlights('aborted')
    let begun = 0
    const begin = () => {
      begun++
      return begun === 1 ? new Promise<string>(() => undefined) : Promise.resolve('answer')
    }
    const controller = new AbortController()
    const gone = flights.join('key', 'name', controller.signal, begin)
    controller.abort()
    assert.equal(await gone, 'aborted')
    assert.equal(await flights.join('key', 'name', undefined, begin), 'answer')
    assert.equal(begun, 2)
  })

  it('all end when they are aborted, those that wait for their turn as well', async () => {
    const flights = createFlights('aborted')
    const results = Array.from({ length: 20 }, () =>
      flights.join(undefined, 'name', undefined, (cancellation) => {
        if (cancellation.cancelled) return Promise.resolve('cancelled')
        const { promise, resolve } = Promise.withResolvers<string>()
        cancellation.cancel = () => resolve('cancelled')
        return promise
      }),
    )
    flights.abort()
    assert.deepEqual(new Set(await Promise.all(results)), new Set(['cancelled']))
  })
})
