import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { lowerName, parseName } from '../../../src/dns/name.ts'
import { nameserversOf, searchListOf } from '../../../src/upstream/resolv-conf.ts'
import type { Target } from '../engine/target.ts'

const decoder = new TextDecoder()

export const target: Target = {
  seeds: [
    'nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n',
    '# a comment\nnameserver fe80::1%eth0\ndomain example.org\n; nameserver 1.1.1.1\n',
  ].map((text) => Buffer.from(text)),
  words: [
    'nameserver ',
    'search ',
    'domain ',
    'options ',
    '\n',
    '\r\n',
    '\t',
    '127.0.0.53',
    '::1',
    '::ffff:1.2.3.4',
    'a.b',
    '.',
    '\\046',
    '\u0085',
  ],
  maxOctets: 2048,
  maxSteps: (octets) => 500 + 100 * octets,
  check(input) {
    const text = decoder.decode(input)
    const nameservers = nameserversOf(text)
    for (const address of nameservers) assert.notEqual(isIP(address), 0)
    const search = searchListOf(text)
    for (const domain of search) {
      assert.equal(lowerName(parseName(domain)), domain)
      assert.ok(domain.endsWith('.'))
    }
    // What was read and is written again reads the same.
    const written = [...nameservers.map((address) => `nameserver ${address}`), `search ${search.join(' ')}`].join('\n')
    assert.deepEqual(nameserversOf(written), nameservers)
    // Where a blank is written as an escape, the name has one.
    if (!search.join().includes('\\')) assert.deepEqual(searchListOf(written), search)
    // A comment, or a line that no resolver knows, changes nothing; lines that end with CR LF neither.
    assert.deepEqual(nameserversOf(`# nameserver 192.0.2.1\n${text}\nsortlist 192.0.2.1`), nameservers)
    assert.deepEqual(searchListOf(`; search nowhere\n${text.replaceAll('\n', '\r\n')}`), search)
  },
}
