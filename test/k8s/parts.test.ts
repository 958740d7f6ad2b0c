/** The small parts of the cluster room. */
import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createBackoff } from '../../src/k8s/api/backoff.ts'
import { createByteQueue } from '../../src/k8s/decode/byte-queue.ts'
import { createStringTable } from '../../src/k8s/decode/strings.ts'
import { parseSelector } from '../../src/k8s/manifests/selector.ts'
import { canonicalAddress, formatAddress, parseAddress } from '../../src/k8s/model/address.ts'
import { createAddressIndex, hashAddress } from '../../src/k8s/model/address-index.ts'
import type { ClusterConfig } from '../../src/k8s/model/types.ts'
import { clusterKey } from '../../src/k8s/open.ts'
import { createRateLimitedLog } from '../../src/telemetry/rate-limited-log.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { config, logInto } from './harness.ts'

describe('addresses', () => {
  test('what is formatted reads back to the same octets', () => {
    const octets = fc
      .constantFrom(4, 16)
      .chain((size) => fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 255 })), { minLength: size, maxLength: size }))
    fc.assert(
      fc.property(octets, (list) => {
        const bytes = Uint8Array.from(list)
        const text = formatAddress(bytes)
        assert.equal(isIP(text), bytes.length === 4 ? 4 : 6)
        assert.deepEqual(parseAddress(text), bytes)
      }),
      { numRuns: 2000 },
    )
  })

  test('is an address exactly when Node says so, zone indexes left out', () => {
    const near = fc.array(fc.constantFrom('0', '1', '9', '25', '255', '256', 'f', 'ffff', '::', ':', '.', 'g'), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          near.map((parts) => parts.join('')),
        ),
        (text) => {
          assert.equal(parseAddress(text) !== undefined, isIP(text) !== 0, text)
        },
      ),
      { numRuns: 5000 },
    )
  })

  test('RFC 5952: the canonical text', () => {
    const cases: Record<string, string> = {
      '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
      '2001:DB8::0': '2001:db8::',
      '0:0:0:0:0:0:0:1': '::1',
      '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '::ffff:c000:0201': '::ffff:192.0.2.1',
      '10.0.0.1': '10.0.0.1',
    }
    for (const [text, canonical] of Object.entries(cases)) assert.equal(canonicalAddress(text), canonical)
  })

  test('the index finds what was added and not removed', () => {
    const step = fc.tuple(fc.boolean(), fc.nat({ max: 40 }), fc.nat({ max: 5 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const index = createAddressIndex()
        const expected = new Set<string>()
        const hash = (n: number) => hashAddress(Uint8Array.of(10, 0, 0, n), 0, 4)
        for (const [add, n, slice] of steps) {
          const key = `${n} ${slice}`
          if (add && !expected.has(key)) index.add(hash(n), slice)
          if (!add) index.remove(hash(n), slice)
          if (add) expected.add(key)
          else expected.delete(key)
        }
        const found = Array.from({ length: 41 }, (_, n) => index.find(hash(n)).map((slice) => `${n} ${slice}`)).flat()
        assert.deepEqual(found.sort(), [...expected].sort())
        assert.equal(index.size, expected.size)
      }),
    )
  })

  test('the index grows to 100,000 addresses without losing one', () => {
    const index = createAddressIndex()
    const address = (n: number) => hashAddress(Uint8Array.of(10, n >>> 16, n >>> 8, n), 0, 4)
    for (let n = 0; n < 100_000; n++) index.add(address(n), n)
    for (let n = 0; n < 100_000; n++) assert.deepEqual(index.find(address(n)), [n])
  })
})

describe('label selectors', () => {
  const cases: [string, Record<string, string>, boolean][] = [
    ['', {}, true],
    ['app=web', { app: 'web' }, true],
    ['app==web,tier!=db', { app: 'web' }, true],
    ['app=web,tier!=db', { app: 'web', tier: 'db' }, false],
    ['app in (web, api)', { app: 'api' }, true],
    ['app notin (web,api)', {}, true],
    ['app notin (web,api), tier', { tier: 'x' }, true],
    ['!app', { app: '' }, false],
    ['example.com/app', { 'example.com/app': '' }, true],
  ]
  for (const [text, labels, wanted] of cases) {
    test(`'${text}' ${wanted ? 'selects' : 'does not select'} ${JSON.stringify(labels)}`, () => {
      assert.equal(parseSelector(text)(labels), wanted)
    })
  }

  test('a requirement that is none is named', () => {
    assert.throws(() => parseSelector('app=web,b c'), /label selector: "b c" is no requirement/)
  })
})

describe('backoff', () => {
  test('doubles from 0.8 s to 30 s, each shortened by up to a half', () => {
    for (const [random, first] of [
      [0, 800],
      [0.999999, 400],
    ]) {
      const clock = createFakeClock()
      const backoff = createBackoff(clock, () => random)
      const waits = Array.from({ length: 8 }, () => {
        const wait = backoff.next()
        clock.advance(wait)
        return Math.round(wait)
      })
      assert.deepEqual(waits.slice(0, 3), [first, first * 2, first * 4])
      assert.equal(waits[7], Math.round(30_000 * (1 - random / 2)))
    }
  })

  test('begins anew after two minutes without a failure, not sooner', () => {
    const clock = createFakeClock()
    const backoff = createBackoff(clock, () => 0)
    for (let i = 0; i < 3; i++) clock.advance(backoff.next())
    clock.advance(119_000)
    assert.equal(backoff.next(), 6400)
    clock.advance(6400 + 120_000)
    assert.equal(backoff.next(), 800)
  })
})

describe('an outage', () => {
  test('is logged when it begins, once a minute while it lasts, and when it ends', () => {
    const lines: string[] = []
    const clock = createFakeClock()
    const outage = createRateLimitedLog('the API', logInto(lines), clock)
    for (let second = 0; second < 90; second++, clock.advance(1000)) outage.failed('refused')
    outage.over()
    outage.over()
    assert.deepEqual(lines, [
      '[ERROR] refused (tried again until it works)',
      '[ERROR] refused (tried again until it works)',
      '[INFO] the API works again after 90.0 s',
    ])
  })
})

test('a byte queue gives the octets that went in, whatever the pieces', () => {
  const pieces = fc.array(fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.nat({ max: 25 })), { maxLength: 30 })
  fc.assert(
    fc.property(pieces, (list) => {
      const queue = createByteQueue()
      const whole = Buffer.concat(list.map(([chunk]) => chunk))
      let taken = 0
      for (const [chunk, count] of list) {
        queue.push(Buffer.from(chunk))
        const take = Math.min(count, queue.length)
        assert.deepEqual(queue.take(take), whole.subarray(taken, taken + take))
        taken += take
        for (let i = 0; i < queue.length; i++) assert.equal(queue.at(i), whole[taken + i])
      }
      assert.equal(queue.length, whole.length - taken)
    }),
  )
})

test('shared strings are the strings that went in', () => {
  const strings = createStringTable()
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.nat({ max: 5 }), (text, before) => {
      const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text), Buffer.alloc(3)])
      assert.equal(strings.read(bytes, before, bytes.length - 3), text)
      assert.equal(strings.share(text), text)
    }),
    { numRuns: 2000 },
  )
})

describe('the key of a cluster', () => {
  const base: ClusterConfig = { ...config, source: { kind: 'kubeconfig', file: 'k', context: '' } }

  test('is the same for the same configuration, however it is written', () => {
    const { source, ...rest } = base
    assert.equal(clusterKey({ ...rest, source: { context: '', file: 'k', kind: 'kubeconfig' } }), clusterKey(base))
    assert.equal(
      clusterKey({ ...base, annotationPrefixes: ['a', 'b'] }),
      clusterKey({ ...base, annotationPrefixes: ['b', 'a'] }),
    )
    assert.equal(source.kind, 'kubeconfig')
  })

  test('differs where what is watched or kept differs', () => {
    const others: Partial<ClusterConfig>[] = [
      { labels: 'a=b' },
      { namespaceLabels: 'a=b' },
      { pods: true },
      { podNames: true },
      { source: { kind: 'kubeconfig', file: 'k', context: 'other' } },
      { source: { kind: 'in-cluster' } },
      { source: { kind: 'endpoint', url: 'https://a', tls: { cert: 'c', key: 'k', ca: 'a' } } },
      { source: { kind: 'endpoint', url: 'https://a', tls: { cert: 'd', key: 'k', ca: 'a' } } },
    ]
    const keys = [base, ...others.map((other) => ({ ...base, ...other }))].map(clusterKey)
    assert.equal(new Set(keys).size, keys.length)
  })
})
