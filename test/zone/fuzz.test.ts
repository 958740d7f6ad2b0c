/** Octets and texts of all kinds: zones, transfers and databases are read, or refused with a reason, and nothing else. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import type { ResourceRecord } from '../../src/dns/message.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { encodeMessage, ParseError, parseMessage } from '../../src/dns/wire.ts'
import { ZoneFileError, zoneRecords } from '../../src/dns/zone-file/index.ts'
import { openJournal, replay } from '../../src/plugins/dynupdate/journal.ts'
import { createTransferReader } from '../../src/zone/transfer-in/read.ts'
import { createZoneBuilder } from '../../src/zone/zone.ts'

/** More by hand: SLICEDNS_FUZZ_RUNS=100000. */
const numRuns = Number(process.env.SLICEDNS_FUZZ_RUNS ?? 400)

const soa = (serial: number) => parseRecord(`a. 60 IN SOA ns.a. host.a. ${serial} 2 3 4 5`)
const words = [
  '@',
  'a',
  'a.',
  '*',
  'www',
  '$TTL',
  '$ORIGIN',
  '$GENERATE',
  '1-9',
  '$INCLUDE',
  '60',
  '1h',
  'IN',
  'CH',
  'SOA',
]
const more = [
  'NS',
  'A',
  'AAAA',
  'TXT',
  'MX',
  'SRV',
  'CNAME',
  'HTTPS',
  'RRSIG',
  'TYPE7',
  '\\# 1 00',
  '192.0.2.1',
  '::1',
  '"x',
  '"',
  '(',
]
const signs = [
  ')',
  ';',
  '\\',
  '\\046',
  '$',
  `\${1,2,d}`,
  '\n',
  '\n ',
  '\r\n',
  '\t',
  'alpn=h2',
  '1',
  '4294967296',
  'é',
  '\0',
]
const zoneText = fc
  .array(fc.oneof(fc.constantFrom(...words, ...more, ...signs), fc.string({ maxLength: 12 })), { maxLength: 60 })
  .map((parts) => parts.join(' '))

/** Records of one zone, few enough names and values that they meet again. */
const record = fc
  .tuple(fc.constantFrom('a.', 'b.a.', 'c.b.a.', 'B.a.', 'x.'), fc.integer({ min: 1, max: 4 }), fc.boolean())
  .map(([name, last, isSoa]) => (isSoa ? soa(last) : parseRecord(`${name} 60 IN A 192.0.2.${last}`)))

describe('whatever is read as a zone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'))
  after(() => rmSync(folder, { recursive: true }))

  it('a text is a zone or a ZoneFileError, and its records come back from the zone', () => {
    const include = () => ({ file: 'included', pieces: ['b A 192.0.2.7\n'] })
    fc.assert(
      fc.property(zoneText, (text) => {
        const pieces = `@ 60 SOA ns host 1 2 3 4 5\n${text}`.split(/(?<=\n)/)
        const builder = createZoneBuilder('a.')
        const kept: string[] = []
        try {
          for (const each of zoneRecords(pieces, { zone: 'a.', file: 'db', maxRecords: 1000, include }))
            if (builder.add(each)) kept.push(recordText({ ...each, name: each.name.toLowerCase() }))
        } catch (error) {
          assert.ok(error instanceof ZoneFileError, String(error))
          assert.match(error.message, /^\w+:\d+: ./)
          return
        }
        const zone = builder.finish()
        assert.deepEqual([zone.soa, ...zone.records()].map(recordText).sort(), kept.sort())
      }),
      { numRuns },
    )
  })

  it('records of a transfer are a whole zone, changes, or an error', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), fc.option(fc.integer({ min: 1, max: 4 })), (records, serial) => {
        const whole: ResourceRecord[] = []
        const keep = (each: ResourceRecord): void => void whole.push(each)
        const reader = createTransferReader('a.', serial ?? undefined, keep, () => undefined)
        let taken = 0
        try {
          for (const each of records) {
            reader.add(each)
            taken++
            if (reader.result()) break
          }
        } catch (error) {
          assert.ok(error instanceof Error && !(error instanceof TypeError), String(error))
          return
        }
        const result = reader.result()
        // All but the SOA that ends it.
        if (result?.kind === 'whole') assert.deepEqual(whole, records.slice(0, taken - 1))
        if (result?.kind === 'changes')
          for (const { added } of result.changes) assert.deepEqual(added[0].type, soa(1).type)
      }),
      { numRuns },
    )
  })

  it('octets of a message of a transfer that are changed anywhere are a message or a ParseError', () => {
    const answer = [soa(1), parseRecord('www.a. 60 IN A 192.0.2.1'), parseRecord('a. 60 IN MX 10 www.a.'), soa(1)]
    const octets = encodeMessage({ ...queryMessage('a.', 252, false), response: true, answer }, { limit: 65_535 })
    const changes = fc.array(fc.tuple(fc.nat(octets.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(changes, fc.nat(octets.length), (all, length) => {
        const changed = Uint8Array.from(octets)
        for (const [at, octet] of all) changed[at] = octet
        for (const each of [changed, changed.subarray(0, length)])
          try {
            for (const record of parseMessage(each).answer) createZoneBuilder('a.').add(record)
          } catch (error) {
            assert.ok(error instanceof ParseError, String(error))
          }
      }),
      { numRuns },
    )
  })

  it('a database that is changed anywhere has a beginning of what was written, or is refused', async () => {
    const path = join(folder, 'zone')
    const added = (last: number) => ({ removed: [], added: [parseRecord(`h${last}.a. 60 IN A 192.0.2.${last}`)] })
    const journal = await openJournal(path, 'a.', undefined, () => [soa(1)])
    for (const last of [1, 2, 3]) await journal.append(added(last), () => [])
    await journal.close()
    const written = replay(path)!
    const octets = readFileSync(path)
    const head = octets.indexOf('\n', octets.indexOf('\n') + 1) + 1
    fc.assert(
      fc.property(fc.integer({ min: head, max: octets.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = Buffer.from(octets)
        changed[at] ^= bits
        writeFileSync(path, changed)
        try {
          const { changes } = replay(path)!
          assert.deepEqual(changes, written.changes.slice(0, changes.length))
          // What is lost without a word can only be the last entry.
          assert.ok(changes.length >= written.changes.length - 1)
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error))
        }
      }),
      { numRuns },
    )
  })
})
