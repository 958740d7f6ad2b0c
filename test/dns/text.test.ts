import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSoa, recordText } from '../../src/dns/rdata.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { readTxt } from '../../src/dns/values.ts'
import { readSrv } from '../support/record.ts'

test('records read as dig prints them are printed the same', () => {
  for (const text of [
    'www.example.com. 300 IN A 192.0.2.1',
    'www.example.com. 300 IN AAAA 2001:db8::1',
    'example.com. 300 IN SOA ns.example.com. host.example.com. 2024010101 7200 1800 86400 5',
    'example.com. 300 IN MX 10 mail.example.com.',
    '_http._tcp.example.com. 5 IN SRV 0 100 80 a\\.b.example.com.',
    'example.com. 5 IN TXT "one" "two \\"quoted\\" \\\\ \\000"',
    'example.com. 5 IN HINFO "ANY obsoleted" "See RFC 8482"',
    'example.com. 5 IN NAPTR 100 10 "u" "sip+E2U" "!^.*$!sip:info@example.com!" .',
    'example.com. 5 IN CAA 0 issue "letsencrypt.org"'.replace('issue', '"issue"'),
    'example.com. 5 IN DS 12345 8 2 AABBCC',
    'example.com. 5 IN DNSKEY 257 3 8 AwEAAQ==',
    'example.com. 5 IN RRSIG A 8 2 300 20300101000000 20200101000000 12345 example.com. AwEAAQ==',
    'example.com. 5 IN NSEC a.example.com. A NS SOA MX TXT AAAA RRSIG NSEC DNSKEY CAA',
    'example.com. 5 IN TYPE65280 \\# 3 0A0B0C',
    'version.bind. 0 CH TXT "slicedns"',
    'example.com. 5 CLASS42 A 192.0.2.1',
    'example.com. 0 IN ANY \\# 1 02',
    'example.com. 0 IN Reserved \\# 1 02',
  ]) {
    assert.equal(recordText(parseRecord(text)), text)
  }
})

test('TTL and class may be missing or swapped; comments, parentheses and quotes are understood', () => {
  const wanted = 'a.example.com. 300 IN A 192.0.2.1'
  assert.equal(recordText(parseRecord('a.example.com 300 A 192.0.2.1')), wanted)
  assert.equal(recordText(parseRecord('a.example.com. IN 300 a 192.0.2.1 ; comment')), wanted)
  assert.equal(recordText(parseRecord('a.example.com. A 192.0.2.1')), 'a.example.com. 3600 IN A 192.0.2.1')
  assert.equal(
    recordText(parseRecord('x. 1 IN SOA ns.x. host.x. ( 1 2 3\n 4 5 )')),
    'x. 1 IN SOA ns.x. host.x. 1 2 3 4 5',
  )
  assert.equal(recordText(parseRecord('x. 1 IN TXT bare;comment')), 'x. 1 IN TXT "bare"')
})

test('a text that is not a record is refused with a reason', () => {
  for (const text of [
    '',
    'a.',
    'a. 5 IN',
    'a. 5 IN NOSUCH x',
    'a. 5 IN A',
    'a. 5 IN A ::1',
    'a. 5 IN A 1.2.3.4 more',
    'a. 5 IN MX 65536 b.',
    'a. 5 IN TXT "open',
    'a. 4294967296 IN A 1.2.3.4',
    'a. 5 IN A \\# 3 010203',
    'a. 5 IN DS 1 2 3 ABC',
    'a..b. 5 IN A 1.2.3.4',
  ]) {
    assert.throws(() => parseRecord(text), /./, text)
  }
})

test('the readers of record data give back its parts', () => {
  assert.deepEqual(readSrv(parseRecord('a. 5 IN SRV 1 2 3 t.').rdata), {
    priority: 1,
    weight: 2,
    port: 3,
    target: 't.',
  })
  assert.equal(readSoa(parseRecord('a. 5 IN SOA m. r. 4294967295 1 2 3 4').rdata).serial, 4294967295)
  assert.deepEqual(
    readTxt(parseRecord('a. 5 IN TXT "x" "yz"').rdata).map((octets) => octets.length),
    [1, 2],
  )
})

test('a text of more than 255 octets is read as several strings', () => {
  const lengths = (text: string) => readTxt(parseRecord(`a. 5 IN TXT "${text}"`).rdata).map((octets) => octets.length)
  assert.deepEqual(lengths('x'.repeat(255)), [255])
  assert.deepEqual(lengths('x'.repeat(600)), [255, 255, 90])
  assert.deepEqual(lengths(''), [0])
})
