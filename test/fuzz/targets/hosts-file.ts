/** Hosts files: names are names, addresses addresses, and a line counts by itself. */
import assert from 'node:assert/strict'
import { parseAddress } from '../../../src/dns/address.ts'
import { lowerName, parseName } from '../../../src/dns/name.ts'
import { type Entries, parseHosts } from '../../../src/plugins/hosts/hosts-file.ts'
import type { Target } from '../engine/target.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const read = (text: string): Entries =>
  parseHosts(text, {
    zones: ['.'],
    reverse: true,
    source: 'file',
    onError: (line) => assert.match(line, /^file, line \d+: ./),
  })

export const target: Target = {
  seeds: [
    '127.0.0.1 localhost a.example # comment\n::1 localhost\n10.0.0.1 *.apps.example A.example.\n',
    'fe80::1%eth0 h\n::ffff:192.0.2.1 mapped\n\t10.1.1.1\tx\\046y\r\n',
  ].map((text) => Buffer.from(text)),
  words: [
    '127.0.0.1 ',
    '::1 ',
    '::ffff:1.2.3.4 ',
    '%eth0',
    '*.',
    '#',
    '\n',
    '\t',
    '\r\n',
    '\\.',
    '\\046',
    'É.example',
    'K.example',
    '.',
    '01.2.3.4',
    '1.2.3',
  ],
  maxOctets: 2500,
  maxSteps: (octets) => 1_000 + 300 * octets,
  check(input) {
    const text = decoder.decode(input)
    const entries = read(text)
    const counted = [...entries.names.values(), ...entries.wildcards.values()].reduce(
      (sum, { a, aaaa }) => sum + a.length + aaaa.length,
      0,
    )
    const pointers = [...entries.pointers.values()].reduce((sum, names) => sum + names.length, 0)
    assert.equal(entries.count, counted + pointers)
    for (const name of [...entries.names.keys(), ...entries.wildcards.keys()]) {
      assert.equal(parseName(name), name)
      assert.equal(lowerName(name), name)
    }
    for (const address of entries.pointers.keys()) assert.ok(parseAddress(address) !== undefined, address)
    for (const name of entries.wildcards.keys()) assert.ok(name.startsWith('*.'))
    // Line by line it is the same.
    const lines = text.split('\n').map(read)
    assert.equal(
      lines.reduce((sum, { count }) => sum + count, 0),
      entries.count,
    )
    assert.deepEqual(new Set(lines.flatMap(({ names }) => [...names.keys()])), new Set(entries.names.keys()))
  },
}
