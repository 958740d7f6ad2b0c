/** Answers of etcd (`range`, `watch`, `lease`, `token`, then octets) and the values of keys (`value`, then JSON). */
import assert from 'node:assert/strict'
import { PbfWriter } from 'pbf'
import { parseName } from '../../../src/dns/name.ts'
import { readLeaseTimeToLive, readRangeResponse, readToken, readWatchResponse } from '../../../src/etcd/messages.ts'
import { parseService } from '../../../src/plugins/etcd/service.ts'
import type { Target } from '../engine/target.ts'

const keyValue = (pbf: PbfWriter): void => {
  pbf.writeBytesField(1, Buffer.from('/skydns/local/web'))
  pbf.writeBytesField(5, Buffer.from('{"host":"10.0.0.1"}'))
  pbf.writeVarintField(6, 7)
}

function message(write: (pbf: PbfWriter) => void): Buffer {
  const pbf = new PbfWriter()
  write(pbf)
  return Buffer.from(pbf.finish())
}

const nested = (number: number, write: (pbf: PbfWriter) => void) => (pbf: PbfWriter) =>
  pbf.writeMessage(number, (_: null, inner: PbfWriter) => write(inner), null)
const range = message((pbf) => {
  nested(1, (inner) => inner.writeVarintField(3, 42))(pbf)
  nested(2, keyValue)(pbf)
  nested(2, keyValue)(pbf)
  pbf.writeBooleanField(3, true)
})
const watch = message((pbf) => {
  pbf.writeBooleanField(3, true)
  pbf.writeStringField(6, 'why')
  nested(11, (inner) => {
    inner.writeVarintField(1, 1)
    nested(2, keyValue)(inner)
  })(pbf)
})

const seeds: readonly (readonly [string, Uint8Array | string])[] = [
  ['range', range],
  ['watch', watch],
  ['lease', Buffer.of(0x18, 30)],
  ['token', Buffer.of(0x12, 1, 97)],
  [
    'value',
    '{"host":"a.b.c","port":80,"priority":10,"weight":20,"text":"x","mail":true,"ttl":60,"targetstrip":1,"group":"g"}',
  ],
  ['value', '{"HOST":"10.0.0.1","Port":-1,"ttl":4294967295}'],
]

export const target: Target = {
  seeds: seeds.map(([kind, body]) => Buffer.concat([Buffer.from(`${kind}\n`), Buffer.from(body as string)])),
  words: [
    'range\n',
    'watch\n',
    'value\n',
    '{"host":',
    '"::1"',
    '"1.2.3.4"',
    '"a..b"',
    '"port":',
    '65536',
    '-1',
    '1e9',
    'null',
    '"__proto__":{"port":1},',
    '"targetstrip":',
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
    Uint8Array.of(0x0b),
    Uint8Array.of(0x5a, 2, 0x12, 0),
  ],
  maxOctets: 1500,
  maxSteps: (octets) => 2_000 + 200 * octets,
  check(input) {
    const end = input.indexOf(10)
    const kind = Buffer.from(input.subarray(0, Math.max(0, end))).toString('latin1')
    const body = input.slice(end + 1)
    // Whoever reads ends the call where this throws; what it throws is an Error with a reason.
    try {
      if (kind === 'range') {
        const { keyValues, revision } = readRangeResponse(body, body.length)
        assert.ok(keyValues.length <= body.length && !Number.isNaN(revision))
      } else if (kind === 'watch') assert.ok(readWatchResponse(body, body.length).events.length <= body.length)
      else if (kind === 'lease') assert.equal(typeof readLeaseTimeToLive(body), 'number')
      else if (kind === 'token') assert.equal(typeof readToken(body), 'string')
      else checkValue(body)
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      assert.ok(error instanceof Error && !(error instanceof TypeError) && error.message !== '', String(error))
    }
  },
}

function checkValue(body: Uint8Array): void {
  const { address, target: name, port, priority, weight, ttl, targetStrip } = parseService('/skydns/a', body, 0n)
  assert.ok(address === undefined || address.length === 4 || address.length === 16)
  if (name !== undefined) assert.equal(parseName(name), name)
  assert.ok(port >= -1 && port <= 65_535)
  for (const number of [priority, weight, ttl, targetStrip]) assert.ok(Number.isSafeInteger(number), `${number}`)
  assert.ok(ttl >= 0 && ttl <= 0xffffffff && targetStrip >= 0)
}
