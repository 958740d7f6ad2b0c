/** Zones as data: which NSEC record denies a name, and how large changes can make a zone. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseRecord } from '../../src/dns/record-text.ts'
import { createCooperativeScheduler } from '../../src/scheduling/cooperative-scheduler.ts'
import { applyChanges } from '../../src/zone/transfer-in/apply.ts'
import { createZoneBuilder, maxZoneRecords } from '../../src/zone/zone.ts'
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

  it('a zone is not made larger by changes than a whole one may be', async () => {
    const builder = createZoneBuilder('a.')
    const record = parseRecord('www.a. 60 IN A 192.0.2.1')
    builder.add(soa(1))
    for (let left = maxZoneRecords - 2; left > 0; left--) builder.add({ ...record, name: `h${left}.a.` })
    const zone = builder.finish()
    const added = (names: readonly string[]) => [
      { from: 1, removed: [], added: [soa(2), ...names.map((name) => ({ ...record, name }))] },
    ]
    const scheduler = createCooperativeScheduler(createFakeClock())
    const full = await applyChanges(zone, added(['x.a.']), scheduler)
    assert.equal(full.size, maxZoneRecords)
    await assert.rejects(applyChanges(zone, added(['x.a.', 'y.a.']), scheduler), /the zone has more than \d+ records/)
  })
})
