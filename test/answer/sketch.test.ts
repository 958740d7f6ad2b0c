/** What was asked most, as the threads count it: the sketches that `console` and `slicedns top` read. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { transportCode } from '../../src/answer/api.ts'
import { createSketchReader } from '../../src/answer/sketch/reader.ts'
import { wireToName, writeName } from '../../src/dns/name.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import { zoneName } from '../table/arbitraries.ts'
import { createResponderHarness, questionMessage } from './harness.ts'

const closed = { zone: zoneName, below: 'closed', otherTypes: 'nodata', answers: new Map() } as const

function wire(name: string): Uint8Array {
  const octets = new Uint8Array(256)
  return octets.slice(0, writeName(name, octets, 0))
}

function counting() {
  const harness = createResponderHarness()
  const { table, space, profileId, responder } = harness
  const reply = new Uint8Array(65_535)
  table.put(space, profileId, zoneName, closed)
  const reader = createSketchReader(table.handle)
  const address = new Uint8Array(16)
  /** Asks in one batch, each as another query of the client 192.0.2.`client`. */
  function batch(names: readonly string[], client = 1, now = 0): void {
    responder.startBatch(now)
    for (const name of names) {
      address.set([192, 0, 2, client])
      responder.from(address, 0, 4)
      const request = encodeMessage(questionMessage(name, 1), { limit: 512 })
      responder.answer(request, 0, request.length, space, transportCode.udp4, reply, 0)
      responder.count(transportCode.udp4, 1, 0)
    }
  }
  const top = (of: 'names' | 'nxdomain' | 'servfail' | 'clients' | 'picks') =>
    reader
      .read()
      [of].map(({ octets, count, error }) => [
        of === 'clients' ? octets.join('.') : wireToName(octets, 0),
        count,
        error,
      ])
  return { ...harness, reader, batch, top }
}

describe('the sketches of what is asked most', () => {
  it('a sketch counts nothing before somebody looks, and after the last', () => {
    const { reader, batch, top } = counting()
    batch([zoneName])
    assert.deepEqual(top('names'), [])
    reader.advance()
    batch([zoneName])
    assert.deepEqual(top('names'), [[zoneName, 1, 0]])
    reader.stop()
    batch([zoneName])
    assert.deepEqual(top('names'), [])
    reader.advance()
    assert.deepEqual(top('names'), [])
  })

  it('a sketch counts names in lower case, NXDOMAIN names beside them, and clients', () => {
    const { reader, batch, top } = counting()
    reader.advance()
    batch([zoneName.toUpperCase(), `no.${zoneName}`])
    batch([zoneName], 2)
    assert.deepEqual(top('names'), [
      [zoneName, 2, 0],
      [`no.${zoneName}`, 1, 0],
    ])
    assert.deepEqual(top('nxdomain'), [[`no.${zoneName}`, 1, 0]])
    assert.deepEqual(top('clients'), [
      ['192.0.2.1', 2, 0],
      ['192.0.2.2', 1, 0],
    ])
  })

  it('a sketch is of the generation in progress and the one before', () => {
    const { reader, batch, top } = counting()
    reader.advance()
    batch([zoneName])
    reader.advance()
    batch([zoneName])
    assert.deepEqual(top('names'), [[zoneName, 2, 0]])
    reader.advance()
    assert.deepEqual(top('names'), [[zoneName, 1, 0]])
    reader.advance()
    assert.deepEqual(top('names'), [])
  })

  it('a name that is asked often stays in the sketch among any number of others, within the error that it states', () => {
    const { reader, batch, top } = counting()
    reader.advance()
    for (let i = 0; i < 20_000; i++)
      batch(i % 20 === 0 ? [zoneName, `a${i}.${zoneName}`] : [`a${i}.${zoneName}`], 1, 2 * i)
    const [name, count, error] = top('names')[0] as [string, number, number]
    assert.equal(name, zoneName)
    assert.ok(count >= 1_000 && count - error <= 1_000, `${count} with an error of ${error}`)
    assert.ok(top('names').length <= 256)
  })

  it('a sketch counts about a thousand queries a second, for all', () => {
    const { reader, batch } = counting()
    reader.advance()
    const many = Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? zoneName : `no.${zoneName}`))
    for (let second = 0; second < 4; second++) for (let i = 0; i < 500; i++) batch(many, 1, second * 1_000 + i)
    const { queries, sampled, names, nxdomain } = reader.read()
    for (const [what, found, expected] of [
      ['queries', queries, 128_000],
      ['names', names[0].count + names[1].count, 128_000],
      ['nxdomain', nxdomain[0].count, 64_000],
    ] as const)
      assert.ok(Math.abs(found / expected - 1) < 0.3, `${what}: ${found} of ${expected}`)
    // In the first second nobody knows yet how many will come.
    assert.ok(sampled > 3_000 && sampled < 12_000, `${sampled} were counted`)
  })

  it('a sketch counts every query again a second after the last flood', () => {
    const { reader, batch } = counting()
    reader.advance()
    for (let i = 0; i < 500; i++)
      batch(
        Array.from({ length: 64 }, () => zoneName),
        1,
        i,
      )
    batch([zoneName], 1, 1_000)
    batch([zoneName], 1, 2_000)
    const before = reader.read().sampled
    for (let i = 0; i < 100; i++) batch([zoneName], 1, 2_001 + i)
    assert.equal(reader.read().sampled - before, 100)
  })

  it('a name two labels below any that exists is wasted by a search path in the zones of clusters alone', () => {
    const { reader, batch } = counting()
    reader.advance()
    batch([`www.example.${zoneName}`])
    assert.equal(reader.read().wasted, 0)
    reader.setZones([wire(zoneName)])
    batch([`www.example.${zoneName}`, `example.${zoneName}`, zoneName])
    assert.equal(reader.read().wasted, 1)
  })

  it('a sketch counts which variant of a split was picked, by its tag', () => {
    const { table, space, profileId, reader, batch } = counting()
    const addresses = (last: number) => ({
      kind: 'addresses' as const,
      ttl: 5,
      addresses: Uint8Array.of(10, 0, 0, last),
    })
    const variants = [
      { weight: 1, tag: 65_535, answer: addresses(1) },
      { weight: 3, tag: 7, answer: addresses(2) },
    ]
    table.put(space, profileId, `split.${zoneName}`, {
      ...closed,
      answers: new Map([[1, { kind: 'variants', variants }]]),
    })
    reader.advance()
    for (let i = 0; i < 4_000; i++) batch([`split.${zoneName}`], 1, 2 * i)
    const { picks } = reader.read()
    assert.deepEqual(picks.map(({ tag }) => tag).sort(), [65_535, 7])
    assert.equal(picks[0].count + picks[1].count, 4_000)
    assert.ok(Math.abs(picks.find(({ tag }) => tag === 7)!.count / 4_000 - 0.75) < 0.1)
  })

  it('a sketch keeps the octets of hostile names', () => {
    const { reader, batch, top } = counting()
    const hostile = `<script>alert\\0491\\041</script>\\000\\"\\255.${zoneName}`
    reader.advance()
    batch([hostile])
    assert.deepEqual(wire(top('names')[0][0] as string), wire(hostile))
  })
})
