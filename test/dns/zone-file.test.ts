/** Zone files: RFC 1035 §5, and what BIND and CoreDNS add. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { recordText } from '../../src/dns/rdata.ts'
import { ZoneFileError, zoneRecords } from '../../src/dns/zone-file/index.ts'

const soa = '@ 60 IN SOA ns host 1 2 3 4 5\n'
const files: Readonly<Record<string, string>> = {
  hosts: 'b A 192.0.2.2\n',
  loop: '$INCLUDE loop\n',
  other: '$ORIGIN deep\nc A 192.0.2.3\n',
}

function read(text: string, maxRecords = 100): string[] {
  const include = (path: string) => {
    if (!Object.hasOwn(files, path)) throw new RangeError(`cannot read ${path}: there is no such file`)
    return { file: path, pieces: [files[path]] }
  }
  // A piece is whole lines: the smallest is one.
  const records = zoneRecords(text.split(/(?<=\n)/), { zone: 'example.org.', file: 'db', maxRecords, include })
  return [...records].map(recordText)
}

/** The records of the text behind an SOA, without the zone's name: `a 60 A 192.0.2.1`. */
const records = (text: string): string =>
  read(soa + text)
    .slice(1)
    .map((record) => record.replace('.example.org.', '').replace(' IN ', ' '))
    .join(', ')

describe('a zone file', () => {
  it('a file that is read no further, or is invalid, is let go with those that it includes', () => {
    for (const wrong of ['', 'a BOGUS 1\n', '( open\n']) {
      const held = new Set<string>()
      function* piecesOf(file: string, text: string): Generator<string> {
        held.add(file)
        try {
          yield* text.split(/(?<=\n)/)
        } finally {
          held.delete(file)
        }
      }
      const include = (path: string) => ({
        file: path,
        pieces: piecesOf(path, `b A 192.0.2.2\n${wrong}c A 192.0.2.3\n`),
      })
      const text = `${soa}$INCLUDE hosts\na A 192.0.2.1\n`
      const records = zoneRecords(piecesOf('db', text), { zone: 'example.org.', file: 'db', include })
      if (wrong === '') {
        for (const { name } of records) if (name === 'b.example.org.') break
      } else assert.throws(() => [...records], ZoneFileError)
      assert.deepEqual([...held], [], JSON.stringify(wrong))
    }
  })

  const cases: readonly (readonly [string, string, string])[] = [
    [
      'has relative, absolute and escaped names',
      'a A 192.0.2.1\nb.example.org. A 192.0.2.2\nc\\.d A 192.0.2.3',
      'a 60 A 192.0.2.1, b 60 A 192.0.2.2, c\\.d 60 A 192.0.2.3',
    ],
    [
      'repeats the owner where a line begins with a blank',
      'a A 192.0.2.1\n\tAAAA 2001:db8::1',
      'a 60 A 192.0.2.1, a 60 AAAA 2001:db8::1',
    ],
    [
      'takes TTL and class in either order',
      'a 5 IN A 192.0.2.1\nb IN 6 A 192.0.2.2',
      'a 5 A 192.0.2.1, b 6 A 192.0.2.2',
    ],
    ['has units of time', 'a 1h30m A 192.0.2.1\nb 1W A 192.0.2.2', 'a 5400 A 192.0.2.1, b 604800 A 192.0.2.2'],
    ['takes the TTL of the record before', 'a 5 A 192.0.2.1\nb A 192.0.2.2', 'a 5 A 192.0.2.1, b 5 A 192.0.2.2'],
    [
      'prefers $TTL to the TTL of the record before',
      '$TTL 1m\na 5 A 192.0.2.1\nb A 192.0.2.2',
      'a 5 A 192.0.2.1, b 60 A 192.0.2.2',
    ],
    ['has comments, and parentheses that join lines', 'a TXT ( "x;y" ; comment (\n z )', 'a 60 TXT "x;y" "z"'],
    ['has \\DDD escapes in strings', 'a TXT \\065\\"', 'a 60 TXT "A\\""'],
    ['has rdata of unknown types', 'a TYPE999 \\# 2 abcd', 'a 60 TYPE999 \\# 2 ABCD'],
    [
      'has parameters of services',
      'a HTTPS 1 . port=443 alpn="h2,h3"',
      'a 60 HTTPS \\# 19 00010000010006026832026833000300' + '0201BB',
    ],
    ['changes the origin', '$ORIGIN sub\na CNAME @', 'a.sub 60 CNAME sub.example.org.'],
    ['includes files', 'a A 192.0.2.1\n$INCLUDE hosts', 'a 60 A 192.0.2.1, b 60 A 192.0.2.2'],
    [
      'includes a file below another origin, and goes on with its own',
      '$INCLUDE other sub\nd A 192.0.2.4',
      'c.deep.sub 60 A 192.0.2.3, d 60 A 192.0.2.4',
    ],
    ['generates records', `$GENERATE 1-3/2 h\${10,3,x} A 192.0.2.$`, 'h00b 60 A 192.0.2.1, h00d 60 A 192.0.2.3'],
    ['ends lines as Windows does', 'a A 192.0.2.1\r\nb A 192.0.2.2\r\n', 'a 60 A 192.0.2.1, b 60 A 192.0.2.2'],
  ]
  for (const [what, text, expected] of cases) it(`a zone file ${what}`, () => assert.equal(records(text), expected))

  it('a zone file may have units in its SOA, whose minimum is the TTL where there is none', () =>
    assert.deepEqual(read('\uFEFF@ SOA ns host (1 1h 1m 2d 30)\n'), [
      'example.org. 30 IN SOA ns.example.org. host.example.org. 1 3600 60 172800 30',
    ]))

  const wrong: readonly (readonly [string, string])[] = [
    [`${soa}a A 192.0.2.256`, 'db:2: "a A 192.0.2.256": not an IPv4 address'],
    [`${soa}\n\na BOGUS x`, 'db:4: "BOGUS" is not a record type'],
    [`${soa}a TXT "x`, 'db:2: a quote is not closed on its line'],
    [
      `${soa}a TXT ${'x'.repeat(255)} ${`${'x'.repeat(255)} `.repeat(255)}`,
      'db:2: the rdata has 65536 octets: at most 65535 are possible',
    ],
    [`${soa}a TXT ( x`, 'db:2: a parenthesis is not closed'],
    [`${soa}a TXT (${`"${'x'.repeat(200)}"\n`.repeat(6000)})`, 'db:2: the entry has more than 1048576 characters'],
    [`${soa}a TXT x )`, 'db:2: a closing parenthesis has no opening one'],
    [`${soa}$BOGUS x`, 'db:2: the directive $BOGUS is unknown: write $ORIGIN, $TTL, $INCLUDE or $GENERATE'],
    [`${soa}$TTL soon`, 'db:2: "soon" is not a TTL: write seconds, or 1h30m'],
    [`${soa}$TTL ${'x'.repeat(1000)}`, `db:2: "${'x'.repeat(399)}…`],
    [`${soa}a CH TXT x`, 'db:2: the class must be IN, not CH'],
    [
      `${soa}${'x'.repeat(64)} A 192.0.2.1`,
      `db:2: "${'x'.repeat(64)}.example.org." has a label of more than 63 octets`,
    ],
    [`${soa}a NSEC3PARAM \\# 5 0100000000`, 'db:2: NSEC3PARAM is not supported: sign the zone with NSEC'],
    [`${soa}${soa}`, 'db:2: the zone example.org. has a second SOA'],
    [
      '@ 1 SOA a b 1 2 3 4 5'.replace('@', 'x'),
      'db:1: the SOA of x.example.org. must be owned by the zone example.org.',
    ],
    ['a 5 A 192.0.2.1\n', 'db:2: there is no SOA record of example.org.'],
    [' A 192.0.2.1', 'db:1: the first record must have an owner'],
    ['a A 192.0.2.1', 'db:1: the record has no TTL, and there is no $TTL before it'],
    [`${soa}$INCLUDE gone`, 'db:2: cannot read gone: there is no such file'],
    [`${soa}$INCLUDE loop`, 'loop:1: $INCLUDE is nested deeper than 7 files'],
    [`${soa}$GENERATE 0-65536 a$ A 192.0.2.1`, 'db:2: the range "0-65536" has more than 65536 numbers'],
    [`${soa}$GENERATE 1-2 a\${-5} A 192.0.2.1`, `db:2: "\${-5}" makes 1 negative`],
    [`${soa}$GENERATE 0-200 a$ A 192.0.2.1`, 'db:2: the zone has more than 100 records'],
  ]
  for (const [text, message] of wrong)
    it(`a zone file is refused with ${message}`, () =>
      assert.throws(() => read(text), { name: 'ZoneFileError', message }))

  it('a zone file is read, or refused with a ZoneFileError, whatever its text is', () => {
    const word = fc.constantFrom(
      ...[
        '@',
        'a',
        '$TTL',
        '$ORIGIN',
        '$GENERATE',
        '$INCLUDE',
        'hosts',
        'loop',
        '1-3',
        '0-9/0',
        'a$',
        `\${1,2,x}`,
        '${',
        'SOA',
      ],
      ...[
        'A',
        'MX',
        'TXT',
        'SVCB',
        'RRSIG',
        'NSEC',
        'TYPE6',
        'IN',
        'CH',
        '1h',
        '99999999999',
        '192.0.2.1',
        '\\#',
        '\\',
        '\\256',
      ],
      ...[
        '"',
        '(',
        ')',
        ';',
        '\n',
        ' ',
        '\t',
        '.',
        '..',
        '\u00a0',
        '\u{1f600}',
        'key9=',
        'alpn=',
        '"h2"',
        'mandatory=x',
        '\n@ 1 SOA a b 1 2 3 4 5\n',
      ],
    )
    const text = fc
      .array(fc.oneof({ weight: 6, arbitrary: word }, { weight: 1, arbitrary: fc.string() }))
      .map((words) => words.join(' '))
    fc.assert(
      fc.property(text, fc.boolean(), (body, hasSoa) => {
        try {
          read(hasSoa ? soa + body : body)
        } catch (error) {
          assert.ok(error instanceof ZoneFileError, String(error))
        }
      }),
      { numRuns: 2000 },
    )
  })
})
