/** Zone files: a text is a zone, or an error with its line; a zone has what was read, on the wire and in text, too. */
import assert from 'node:assert/strict'
import type { ResourceRecord } from '../../../src/dns/message.ts'
import { queryMessage } from '../../../src/dns/query.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { encodeMessage, parseMessage } from '../../../src/dns/wire.ts'
import { ZoneFileError, zoneRecords } from '../../../src/dns/zone-file/index.ts'
import { createZoneBuilder } from '../../../src/zone/zone.ts'
import type { Target } from '../engine/target.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const soa = '@ 60 SOA ns host 1 2 3 4 5\n'

const seeds = [
  `$ORIGIN a.\n$TTL 1h\n${soa}@ NS ns\nns A 192.0.2.1\n   AAAA 2001:db8::1\n`,
  `${soa}* 60 IN TXT "a b" c\\046d ; comment\nb 60 CNAME @\nd 60 DNAME e.\n`,
  `${soa}$GENERATE 1-9/2 h\${0,3,d} 60 A 192.0.2.$\n$GENERATE 0-3 $.r 60 PTR h$.a.\n`,
  `${soa}_s._tcp 60 SRV (\n 1 2 80 ; port\n b )\nm 60 MX 10 b\nh 60 HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1 ech=AAAA\n`,
  `${soa}k 60 DNSKEY 257 3 13 AAAA\nk 60 DS 1 13 2 00\nk 60 RRSIG A 13 2 60 20300101000000 20200101000000 1 a. AAAA\nk 60 NSEC b.a. A TYPE1234\n`,
  `${soa}u 60 TYPE4711 \\# 3 01 02 03\nc 60 CAA 0 issue "x"\nn 60 NAPTR 1 2 "u" "s" "!a!b!" .\nt 60 TLSA 3 1 1 00\ns 60 SSHFP 1 1 00\n$INCLUDE x o\n`,
  `@ 1w SOA ns.a. host.a. ( 2026 1h 30m 1w2d 60 )\nl 60 LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\nhi 60 HINFO "x" y\n`,
]

export const target: Target = {
  seeds: seeds.map((text) => Buffer.from(text)),
  words: [
    '@',
    '*',
    '$TTL ',
    '$ORIGIN ',
    '$GENERATE 1-9 ',
    '$INCLUDE ',
    ' IN ',
    ' CH ',
    ' 60 ',
    ' 1h30m ',
    '(',
    ')',
    ';',
    '"',
    '\\',
    '\\046',
    '\\\\',
    '$',
    `\${1,2,x}`,
    '\n',
    '\n ',
    '\r\n',
    '\t',
    ' A ',
    ' AAAA ',
    ' TXT ',
    ' SOA ',
    ' CNAME ',
    ' TYPE7 ',
    ' \\# 1 00',
    'a.',
    '::1',
    'é',
    '\0',
    'alpn=h2',
    'mandatory=alpn',
    'key65535=',
    soa,
  ],
  maxOctets: 4096,
  // $GENERATE makes thousands of records of a line: the records are bounded below.
  maxSteps: (octets) => 6_000_000 + 4_000 * octets,
  check(input) {
    const text = decoder.decode(input)
    const whole = read(text, [text])
    // In pieces of whole lines it is the same zone, or the same error.
    assert.deepEqual(read(text, text.split(/(?<=\n)/)), whole)
    if (typeof whole === 'string') return
    const builder = createZoneBuilder('a.')
    const kept = whole.filter((record) => builder.add(record))
    const zone = builder.finish()
    const texts = (records: Iterable<ResourceRecord>) =>
      [...records].map((record) => recordText({ ...record, name: record.name.toLowerCase() })).sort()
    assert.deepEqual(texts([zone.soa, ...zone.records()]), texts(kept))
    for (const record of kept.slice(0, 50)) {
      assert.deepEqual(parseRecord(recordText(record)), record)
      const octets = encodeMessage(
        { ...queryMessage('a.', 252, false), response: true, answer: [record] },
        { limit: 65_535 },
      )
      const { answer, truncated } = parseMessage(octets)
      if (!truncated) assert.deepEqual(answer, [record])
    }
  },
}

/** The records, or the text of the error. */
function read(text: string, pieces: readonly string[]): ResourceRecord[] | string {
  const include = (path: string) => {
    if (path === 'no') throw new RangeError('no such file')
    return { file: 'included', pieces: ['b 60 A 192.0.2.7\n'] }
  }
  try {
    return [...zoneRecords(pieces, { zone: 'a.', file: 'db', maxRecords: 500, include })]
  } catch (error) {
    assert.ok(error instanceof ZoneFileError, String(error))
    const [, file, line] = /^(\w+):(\d+): ./.exec(error.message) ?? []
    assert.ok(file === 'included' || (file === 'db' && Number(line) <= text.split('\n').length), error.message)
    assert.ok(error.message.length < 500, `an error of ${error.message.length} characters`)
    return error.message
  }
}
