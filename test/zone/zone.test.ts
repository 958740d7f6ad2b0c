/** Zones as data: which NSEC record denies a name, and how large changes can make a zone. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseRecord } from '../../src/dns/record-text.ts'
import { createCooperativeScheduler } from '../../src/scheduling/cooperative-scheduler.ts'
import { applyChanges } from '../../src/zone/transfer-in/apply.ts'
import { createTransferReader } from '../../src/zone/transfer-in/read.ts'
import { createZoneBuilder } from '../../src/zone/zone.ts'
import { createZoneMemory, ZoneMemoryFull } from '../../src/zone/zone-memory.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const soa = (serial: number) => parseRecord(`a. 60 IN SOA ns.a. host.a. ${serial} 2 3 4 5`)

describe('a zone', () => {
  it('the NSEC record that denies a name is the one at it or the last one before it in canonical order', () => {
    const owners = ['b.a.', 'd.a.', 'x.d.a.', 'f.a.', 'h.a.']
    for (let count = 0; count <= owners.length; count++) {
      const builder = createZoneBuilder('a.')
      builder.add(soa(1))
      for (const owner of owners.slice(0, count).reverse()) builder.add(parseRecord(`${owner} 60 IN NSEC a. NSEC`))
      const { denier } = builder.finish()
      assert.equal(denier('a.a.'), undefined)
      for (const [index, owner] of owners.entries()) {
        const last = count === 0 ? undefined : owners[Math.min(index, count - 1)]
        assert.equal(denier(owner), last, `${owner} of ${count}`)
        assert.equal(denier(`0.${owner}`), last, `0.${owner} of ${count}`)
      }
    }
  })

  it('a zone that grows keeps no copies of itself, and one that is given up gives its memory back at once', () => {
    const most = 4 * 1024 * 1024
    const memory = createZoneMemory({ zones: most, limit: 1024 * 1024 })
    const record = parseRecord('www.a. 60 IN A 192.0.2.1')
    const before = process.memoryUsage().arrayBuffers
    for (let round = 0; round < 5; round++) {
      const builder = createZoneBuilder('a.', memory.reserve())
      assert.throws(() => {
        for (let i = 0; ; i++) builder.add({ ...record, name: `h${i}.a.` })
      }, ZoneMemoryFull)
      const held = process.memoryUsage().arrayBuffers - before
      assert.ok(held <= 1.1 * most, `${held} octets of buffers for ${most}`)
      builder.abandon()
      builder.abandon()
      const left = process.memoryUsage().arrayBuffers - before
      assert.ok(left <= 0.1 * most, `${left} octets of buffers are left`)
    }
  })

  it('a zone that has come of its records stays as it is when its builder is given up', () => {
    const builder = createZoneBuilder('a.')
    builder.add(soa(1))
    builder.add(parseRecord('www.a. 60 IN A 192.0.2.1'))
    const zone = builder.finish()
    builder.abandon()
    assert.equal(zone.at('www.a.')?.get(1).length, 1)
  })

  it('a zone is not made larger by changes than there is room for all zones', async () => {
    const memory = createZoneMemory({ zones: 64 * 1024, limit: 1024 * 1024 })
    const builder = createZoneBuilder('a.', memory.reserve())
    const record = parseRecord('www.a. 60 IN A 192.0.2.1')
    builder.add(soa(1))
    for (let left = 200; left > 0; left--) builder.add({ ...record, name: `h${left}.a.` })
    const zone = builder.finish()
    const added = (count: number) => [
      {
        from: 1,
        removed: [],
        added: [soa(2), ...Array.from({ length: count }, (_, i) => ({ ...record, name: `x${i}.a.` }))],
      },
    ]
    const scheduler = createCooperativeScheduler(createFakeClock())
    await assert.rejects(
      applyChanges(zone, added(2000), memory, scheduler),
      /with \d+ records of it the zones of this server take 0\.1 MiB/,
    )
    // What was refused takes no room.
    const larger = await applyChanges(zone, added(400), memory, scheduler)
    assert.equal(larger.size, 601)
    zone.release()
    larger.release()
    assert.equal((await applyChanges(zone, added(400), memory, scheduler)).size, 601)
  })

  it('records of names that change take room while the changes are made', async () => {
    const memory = createZoneMemory({ zones: 1024 * 1024, limit: 1024 * 1024 })
    const builder = createZoneBuilder('a.', memory.reserve())
    const record = parseRecord('www.a. 60 IN TXT x')
    builder.add(soa(1))
    for (let i = 0; i < 5000; i++) builder.add({ ...record, rdata: Buffer.from([4, ...Buffer.from(`${1000 + i}`)]) })
    const zone = builder.finish()
    const added = { ...record, rdata: Buffer.from([1, 120]) }
    const scheduler = createCooperativeScheduler(createFakeClock())
    const changes = [{ from: 1, removed: [], added: [soa(2), added] }]
    await assert.rejects(applyChanges(zone, changes, memory, scheduler), ZoneMemoryFull)
    // What was refused takes no room.
    const others = memory.reserve()
    others.take(1024 * 1024 - zone.octets, 1)
  })

  it('the records of changes say how much memory they take', () => {
    let held = 0
    const reader = createTransferReader(
      'a.',
      1,
      () => undefined,
      (octets) => {
        held = octets
      },
    )
    for (const record of [soa(2), soa(1)]) reader.add(record)
    for (let left = 1000; left > 0; left--) reader.add(parseRecord('www.a. 60 IN A 192.0.2.1'))
    assert.ok(held > 1000 * 200, `${held} octets`)
  })

  it('name servers and signatures of the apex take room, too', () => {
    for (const line of ['a. 60 IN NS ns.a.', 'a. 60 IN RRSIG NS 8 1 60 20300101000000 20200101000000 1 a. AAAA']) {
      const memory = createZoneMemory({ zones: 64 * 1024, limit: 1024 * 1024 })
      const builder = createZoneBuilder('a.', memory.reserve())
      builder.add(soa(1))
      const record = parseRecord(line)
      assert.throws(() => {
        for (let left = 2000; left > 0; left--) builder.add(record)
      }, /with \d+ records of it the zones of this server take 0\.1 MiB/)
    }
  })

  it('an IXFR of many octets is refused before all of it is there', () => {
    const ignored = () => undefined
    const reader = createTransferReader('a.', 1, ignored, ignored)
    const large = { ...parseRecord('x.a. 60 IN TYPE999 \\# 0'), rdata: new Uint8Array(60_000) }
    reader.add(soa(2))
    reader.add(soa(1))
    for (let left = 69; left > 0; left--) reader.add(large)
    assert.throws(() => reader.add(large), /the changes have more than 4194304 octets/)
  })

  it('NSEC records that come out of order take room while they are sorted', () => {
    const memory = createZoneMemory({ zones: 128 * 1024, limit: 1024 * 1024 })
    const owners = Array.from({ length: 1000 }, (_, i) => `h${1000 + i}.a.`)
    const zoneOf = (names: readonly string[]) => {
      const builder = createZoneBuilder('a.', memory.reserve())
      builder.add(soa(1))
      for (const name of names) builder.add({ ...parseRecord('h.a. 60 IN NSEC a. NSEC'), name })
      return builder.finish()
    }
    const zone = zoneOf(owners)
    assert.equal(zone.denier('h1500x.a.'), 'h1500.a.')
    zone.release()
    assert.throws(() => zoneOf(owners.toReversed()), /the zones of this server take/)
  })

  it('a TTL that is too large for one counts as 0, and the records behind it stay what they are', () => {
    const builder = createZoneBuilder('a.')
    builder.add(soa(1))
    const record = parseRecord('www.a. 60 IN A 192.0.2.1')
    builder.add({ ...record, ttl: 0xffffffff })
    builder.add({ ...record, name: 'x.a.' })
    const zone = builder.finish()
    assert.deepEqual([...zone.names()].sort(), ['a.', 'www.a.', 'x.a.'])
    assert.deepEqual(
      [...zone.records()].map(({ name, ttl }) => [name, ttl]),
      [
        ['www.a.', 0],
        ['x.a.', 60],
      ],
    )
  })

  it('a zone gives back each record as it was added, by owner and type, however many there are', () => {
    const builder = createZoneBuilder('a.')
    const lines = Array.from({ length: 30_000 }, (_, i) => [
      `h${i}.a. ${i} IN A 192.0.2.${i % 256}`,
      `h${i % 5000}.x.a. 60 IN TXT "${'t'.repeat(i % 200)}" "${i}"`,
    ]).flat()
    for (const line of [...lines, `big.a. 60 IN TYPE65280 \\# 40000 ${'00'.repeat(40_000)}`])
      builder.add(parseRecord(line))
    builder.add(soa(7))
    const zone = builder.finish()
    assert.equal(zone.size, 60_002)
    assert.deepEqual(zone.at('h29999.a.')?.get(1), [parseRecord(lines[59_998])])
    const texts = lines.filter((line) => line.startsWith('h77.x.a. ')).map(parseRecord)
    assert.deepEqual([zone.at('h77.x.a.')?.get(16), zone.at('h77.x.a.')?.types()], [texts, [16]])
    assert.equal(zone.at('big.a.')?.get(65_280)[0].rdata.length, 40_000)
    assert.deepEqual([zone.isAbove('x.a.'), zone.at('x.a.'), zone.isAbove('h1.a.')], [true, undefined, false])
    assert.equal([...zone.records()].length, 60_001)
    assert.equal([...zone.names()].length, 30_000 + 5000 + 3)
  })

  it('a zone of short records takes fewer than 60 octets for each', () => {
    const builder = createZoneBuilder('example.org.')
    const rdata = new Uint8Array(4)
    builder.add({ ...soa(1), name: 'example.org.' })
    for (let i = 0; i < 100_000; i++) builder.add({ name: `host${i}.example.org.`, type: 1, class: 1, ttl: 60, rdata })
    assert.ok(builder.finish().octets < 60 * 100_000)
  })
})
