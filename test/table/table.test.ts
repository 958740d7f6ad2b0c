import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { TableWriter } from '../../src/table/api.ts'
import { createTable, TableFull } from '../../src/table/index.ts'
import { spaceCell } from '../../src/table/layout.ts'
import type { NodeSpec, ServicesSpec } from '../../src/table/spec.ts'
import type { TableOptions } from '../../src/table/writer.ts'
import { has, inspect } from '../support/table.ts'
import { nameInZone, nodeSpec, zoneName, zoneSpec } from './arbitraries.ts'

const profile = { server: 'dns://:53', zone: '.', view: '', plugin: 'kubernetes', shuffle: false, maxPayload: 0 }

function tableWithSpace(options: TableOptions = {}) {
  const table = createTable({ reserveBytes: 16 * 2 ** 20, counterBytes: 2 ** 16, ...options })
  const space = table.createSpace()
  const profileId = table.defineProfile(space, profile)
  table.zone(space, zoneSpec())
  return { table, space, profileId }
}

/** Whether readers look into the space. */
function serves({ handle }: TableWriter, space: number): boolean {
  return new Int32Array(handle.memory)[spaceCell(space)] !== 0
}

const empty: NodeSpec = { zone: zoneName, below: 'closed', otherTypes: 'nodata', answers: new Map() }
const addresses = (count: number): NodeSpec => ({
  ...empty,
  answers: new Map([[1, { kind: 'addresses', ttl: 5, addresses: new Uint8Array(4 * count).fill(count) }]]),
})
const endpoints = (count: number): ServicesSpec => ({
  kind: 'services',
  ttl: 5,
  targets: Array.from({ length: count }, (_, i) => ({
    name: `endpoint-${i}.web.${zoneName}`,
    a: Uint8Array.of(10, 0, 0, i),
    aaaa: new Uint8Array(0),
  })),
  records: Array.from({ length: count }, (_, target) => ({ priority: 0, weight: 1, port: 80, target })),
})

describe('a table', () => {
  it('a table gives back what was put, for every kind of answer', () => {
    const { table, space, profileId } = tableWithSpace()
    fc.assert(
      fc.property(nameInZone, nodeSpec, (name, node) => {
        table.put(space, profileId, name, node)
        // structuredClone: the plain objects that fast-check's are not.
        assert.deepEqual(inspect(table, space, name), structuredClone({ profileId, node }))
      }),
      { numRuns: 300 },
    )
  })

  it('a table holds for each name what was put last, and nothing after removal, as a map would', () => {
    const step = fc.record({ name: fc.nat(400).map((i) => `n${i}.${zoneName}`), count: fc.nat(60), keep: fc.nat(3) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1500, size: 'max' }), (steps) => {
        const { table, space, profileId } = tableWithSpace()
        const model = new Map<string, number>()
        const start = table.stats().liveBytes
        for (const { name, count, keep } of steps) {
          if (keep === 0) {
            table.remove(space, name)
            model.delete(name)
          } else {
            table.put(space, profileId, name, addresses(count + 1))
            model.set(name, count + 1)
          }
        }
        for (let i = 0; i <= 400; i++) {
          const name = `n${i}.${zoneName}`
          const count = model.get(name)
          assert.equal(has(table, space, name), count !== undefined)
          if (count) assert.deepEqual(inspect(table, space, name)?.node, addresses(count))
        }
        assert.equal(table.stats().entries, model.size)
        for (const name of model.keys()) table.remove(space, name)
        table.reclaim()
        assert.equal(table.stats().liveBytes, start, 'nothing leaks')
      }),
      { numRuns: 25 },
    )
  })

  it('a table grows its slots with its names and finds them all', () => {
    const { table, space, profileId } = tableWithSpace()
    for (let i = 0; i < 20_000; i++) table.put(space, profileId, `n${i}.${zoneName}`, empty)
    for (let i = 0; i < 20_000; i++) assert.ok(has(table, space, `n${i}.${zoneName}`))
    assert.ok(table.stats().slots >= 32_768)
  })

  it('a table does not fill up with the marks of removed names', () => {
    const { table, space, profileId } = tableWithSpace()
    for (let i = 0; i < 50_000; i++) {
      table.put(space, profileId, `n${i}.${zoneName}`, empty)
      table.remove(space, `n${i - 100}.${zoneName}`)
    }
    assert.equal(table.stats().slots, 1024)
  })

  it('a table keeps names apart that differ in space, and finds them in any case', () => {
    const { table, space, profileId } = tableWithSpace()
    const other = table.createSpace()
    table.zone(other, zoneSpec())
    table.put(space, profileId, `web.${zoneName}`, addresses(1))
    assert.equal(has(table, other, `web.${zoneName}`), false)
    assert.equal(has(table, space, `WEB.Cluster.LOCAL.`), true)
  })

  it('a table stores the services of a name and of its port once when they are the same object', () => {
    const { table, space, profileId } = tableWithSpace()
    const shared = endpoints(500)
    const node: NodeSpec = { ...empty, answers: new Map([[33, shared]]) }
    table.put(space, profileId, `web.${zoneName}`, node)
    const once = table.stats().liveBytes
    table.put(space, profileId, `_http._tcp.web.${zoneName}`, node)
    assert.ok(table.stats().liveBytes - once < 300)
    table.remove(space, `web.${zoneName}`)
    table.reclaim()
    assert.deepEqual(inspect(table, space, `_http._tcp.web.${zoneName}`)?.node, node)
    table.remove(space, `_http._tcp.web.${zoneName}`)
    table.reclaim()
    table.put(space, profileId, `web.${zoneName}`, node)
    assert.deepEqual(inspect(table, space, `web.${zoneName}`)?.node, node, 'after the shared body was freed')
  })

  it('a table needs its zone to be declared first', () => {
    const { table, space, profileId } = tableWithSpace()
    assert.throws(
      () => table.put(space, profileId, 'a.example.', { ...empty, zone: 'example.' }),
      /zone example\. is not declared/,
    )
  })

  it('a table changes a serial without touching the nodes', () => {
    const { table, space, profileId } = tableWithSpace()
    for (let i = 0; i < 1000; i++) table.put(space, profileId, `n${i}.${zoneName}`, empty)
    const before = table.stats().liveBytes
    for (let serial = 2; serial < 5000; serial++) table.zone(space, zoneSpec({ serial }))
    table.reclaim()
    assert.equal(table.stats().liveBytes, before)
  })

  it('a table gives equal classes one number', () => {
    const { table, space } = tableWithSpace()
    assert.equal(table.defineProfile(space, { ...profile }), table.defineProfile(space, { ...profile }))
    const other = table.defineProfile(space, { ...profile, plugin: 'hosts' })
    assert.notEqual(other, table.defineProfile(space, profile))
    assert.equal(table.profileOf(other).plugin, 'hosts')
  })

  it('a table that has had 65,535 profiles leaves a space that needs another one to the chain, and serves the others', () => {
    const reasons: string[] = []
    const { table, space, profileId } = tableWithSpace({ onUnserved: (reason) => void reasons.push(reason) })
    for (let i = table.stats().profiles; i < 65_535; i++) table.defineProfile(space, { ...profile, zone: `z${i}.` })
    assert.deepEqual([table.stats().profiles, table.stats().unserved], [65_535, { memory: 0, profiles: 0 }])
    table.put(space, profileId, `web.${zoneName}`, addresses(1))
    const later = Array.from({ length: 2 }, () => table.createSpace())
    for (const each of later) {
      table.zone(each, zoneSpec())
      const known = table.defineProfile(each, profile)
      table.put(each, known, `web.${zoneName}`, addresses(1))
      assert.ok(serves(table, each))
      table.put(each, table.defineProfile(each, { ...profile, zone: 'another.' }), `other.${zoneName}`, addresses(1))
      table.put(each, known, `last.${zoneName}`, addresses(1))
      assert.ok(!serves(table, each))
    }
    assert.ok(serves(table, space))
    assert.deepEqual(reasons, ['profiles'])
    assert.deepEqual(table.stats().unserved, { memory: 0, profiles: 2 })
  })
})

describe('a retired space', () => {
  it('a retired space gives back all its memory', async () => {
    const { table, space, profileId } = tableWithSpace()
    const start = table.stats()
    const second = table.createSpace()
    table.zone(second, zoneSpec())
    for (let i = 0; i < 300; i++) table.put(second, profileId, `n${i}.${zoneName}`, addresses(50))
    table.put(space, profileId, `stays.${zoneName}`, empty)
    table.retireSpace(second)
    while (table.stats().entries > 1) table.reclaim()
    table.remove(space, `stays.${zoneName}`)
    table.reclaim()
    assert.equal(table.stats().liveBytes, start.liveBytes)
  })

  it('a retired space takes nothing more, however late it comes', () => {
    const { table, space, profileId } = tableWithSpace()
    table.retireSpace(space)
    table.put(space, profileId, `late.${zoneName}`, empty)
    assert.equal(has(table, space, `late.${zoneName}`), false)
    table.reclaim()
    assert.equal(table.stats().entries, 0)
  })

  it('a retired space never gives its number to another, through 10,000 reloads', () => {
    const { table } = tableWithSpace()
    const numbers = new Set<number>()
    for (let i = 0; i < 10_000; i++) {
      const space = table.createSpace()
      assert.ok(!numbers.has(space))
      numbers.add(space)
      table.retireSpace(space)
    }
  })
})

describe('a table without room', () => {
  it('a table without room says so, and leaves the space to the chain rather than answer what is no longer true', () => {
    const { table, space, profileId } = tableWithSpace({ reserveBytes: 3 * 2 ** 20 })
    assert.throws(() => {
      for (let i = 0; ; i++) table.put(space, profileId, `n${i}.${zoneName}`, addresses(2000))
    }, TableFull)
    assert.ok(!serves(table, space), 'the space serves no more')
    assert.equal(table.stats().unserved.memory, 1)
  })
})

describe('readers', () => {
  it('readers hold nothing back while OFFLINE, nor after release', () => {
    const { table, space, profileId } = tableWithSpace()
    table.addReader()
    const second = table.addReader()
    second.release()
    table.put(space, profileId, `web.${zoneName}`, addresses(1000))
    table.put(space, profileId, `web.${zoneName}`, addresses(1000))
    table.reclaim()
    assert.equal(table.stats().retiredBytes, 0)
  })

  it('readers get distinct slots, and those of released ones again', () => {
    const { table } = tableWithSpace()
    const [a, b] = [table.addReader(), table.addReader()]
    assert.notEqual(a.slot, b.slot)
    a.release()
    a.release()
    assert.equal(table.addReader().slot, a.slot)
    assert.notEqual(table.addReader().slot, a.slot)
  })
})
