/** What is asked most, as names, clients and the cost of search paths. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeMessage } from '../../../src/dns/wire.ts'
import type { Miss } from '../../../src/server/ingress.ts'
import { createTop } from '../../../src/server/inspection/top.ts'
import { createTable } from '../../../src/table/index.ts'
import { questionMessage } from '../../answer/harness.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

const cluster = { zones: ['cluster.local.'], isNamespace: (name: string) => name === 'shop' }

function counting() {
  const clock = createFakeClock()
  const top = createTop(createTable({ reserveBytes: 2 ** 24, counterBytes: 2 ** 17 }).handle, clock)
  /** A query that the chain has answered. */
  function answered(name: string, rcode: number, client = '192.0.2.1'): void {
    const request = encodeMessage(questionMessage(name, 1), { limit: 512 })
    top.count({ request, client: { address: client, port: 1 } } as Miss, Uint8Array.of(0, 0, 0x80, rcode))
  }
  return { clock, top, answered }
}

describe('what is asked most', () => {
  it('the list of what is asked most has a rate over the seconds since it is counted, with names and clients in text', () => {
    const { clock, top, answered } = counting()
    top.advance([])
    for (let i = 0; i < 10; i++) answered('WWW.example.', 0, i % 2 === 0 ? '192.0.2.1' : '2001:db8::1')
    answered('<b>\\000.example.', 2)
    clock.advance(10_000)
    const { window, sampled, names, servfail, clients } = top.read([]).state
    assert.deepEqual([window, sampled], [10, 1])
    assert.deepEqual(names, [
      { key: 'www.example.', rate: 1, error: 0 },
      { key: '<b>\\000.example.', rate: 0.1, error: 0 },
    ])
    assert.deepEqual(
      servfail.map(({ key }) => key),
      ['<b>\\000.example.'],
    )
    assert.deepEqual(
      clients.map(({ key, rate }) => [key, rate]),
      [
        ['192.0.2.1', 0.6],
        ['2001:db8::1', 0.5],
      ],
    )
  })

  it('the list of what is asked most is of the last half minute and the one before', () => {
    const { clock, top, answered } = counting()
    top.advance([])
    answered('a.example.', 0)
    clock.advance(29_999)
    top.advance([])
    assert.equal(top.read([]).state.names.length, 1)
    clock.advance(1)
    top.advance([])
    answered('b.example.', 0)
    assert.deepEqual(
      top
        .read([])
        .state.names.map(({ key }) => key)
        .sort(),
      ['a.example.', 'b.example.'],
    )
    clock.advance(30_000)
    top.advance([])
    assert.deepEqual(
      top.read([]).state.names.map(({ key }) => key),
      ['b.example.'],
    )
    top.stop()
    assert.deepEqual(top.read([]).state, {
      window: 0,
      sampled: 1,
      names: [],
      nxdomain: [],
      servfail: [],
      clients: [],
      searchPath: { queries: 0, wasted: 0, share: 0, examples: [] },
    })
  })

  it('names with a search path are shown as what the client looked for', () => {
    const { clock, top, answered } = counting()
    top.advance([cluster])
    for (const name of [
      'www.example.com.shop.svc.cluster.local.',
      'www.example.com.svc.cluster.local.',
      'www.example.com.cluster.local.',
      'api.example.org.shop.svc.cluster.local.',
      'missing.shop.svc.cluster.local.',
      'elsewhere.example.',
    ])
      answered(name, 3)
    clock.advance(1_000)
    assert.deepEqual(top.read([cluster]).state.searchPath.examples, [
      { key: 'www.example.com.', rate: 3 },
      { key: 'api.example.org.', rate: 1 },
    ])
  })

  it('queries without a name, and clients without an address, are not counted', () => {
    const { top } = counting()
    top.advance([])
    const reply = Uint8Array.of(0, 0, 0x80, 1)
    for (const request of [new Uint8Array(0), new Uint8Array(12), Uint8Array.from({ length: 14 }, () => 0xc0)])
      top.count({ request, client: { address: '192.0.2.1', port: 1 } } as Miss, reply)
    top.count({ request: new Uint8Array(20), client: { address: '@unix', port: 0 } } as Miss, reply)
    assert.deepEqual(top.read([]).state.names, [])
  })
})
