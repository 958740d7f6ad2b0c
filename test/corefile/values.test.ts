import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  duration,
  durationText,
  float,
  integer,
  ip,
  ipAndPort,
  type Kind,
  listenAddress,
  network,
  oneOf,
  parseDuration,
  value,
} from '../../src/corefile/values.ts'
import { refusal, token } from './support.ts'

describe('a duration', () => {
  const cases: readonly [word: string, milliseconds: number | undefined][] = [
    ['0', 0],
    ['+0', 0],
    ['-0', 0],
    ['5s', 5000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1000],
    ['-5s', -5000],
    ['250us', 0.25],
    ['250\u00b5s', 0.25],
    ['250\u03bcs', 0.25],
    ['100ms20s', 20_100],
    ['', undefined],
    ['5', undefined],
    ['s', undefined],
    ['.s', undefined],
    ['5S', undefined],
    ['1d', undefined],
    ['5 s', undefined],
    ['1h ', undefined],
    ['1e3s', undefined],
    ['3000000h', undefined],
  ]
  for (const [word, milliseconds] of cases)
    test(`'${word}' is ${milliseconds === undefined ? 'none' : `${milliseconds} ms`}, as in Go`, () => {
      assert.equal(parseDuration(word), milliseconds)
    })
  test('a duration is printed so that it reads back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (milliseconds) => {
        assert.ok(Math.abs(parseDuration(durationText(milliseconds))! - milliseconds) < 1e-3)
      }),
    )
  })
})

describe('a value that does not fit is refused with what was expected', () => {
  const cases: readonly [kind: Kind<unknown>, word: string, expected: string][] = [
    [integer({ min: 0, max: 3600 }), '3601', 'an integer from 0 to 3600'],
    [integer({ min: 1 }), '0', 'an integer of at least 1'],
    [integer(), '1.5', 'an integer'],
    [integer(), '0x10', 'an integer'],
    [float({ min: 0 }), '-0.5', 'a number of at least 0'],
    [duration({ max: 300_000 }), '6m', 'a duration with units (500ms, 5s, 1h30m) of at most 5m0s'],
    [oneOf(['disabled', 'verified']), 'off', "one of 'disabled', 'verified'"],
    [ip(), '10.0.0.256', 'an IP address'],
    [ip(), '[::1]', 'an IP address'],
    [network(), '10.0.0.0', 'a network (10.0.0.0/8)'],
    [listenAddress(), '8080', 'an address to listen on (:8080, localhost:8080, [::1]:8080)'],
    [listenAddress(), '::1:8080', 'an address to listen on (:8080, localhost:8080, [::1]:8080)'],
    [listenAddress(), ':99999', 'an address to listen on (:8080, localhost:8080, [::1]:8080)'],
    [ipAndPort(53), 'localhost', 'an IP address, perhaps with a port'],
    [ipAndPort(53), '8.8.8.8::53', 'an IP address, perhaps with a port'],
  ]
  for (const [kind, word, expected] of cases)
    test(`'${word}' is not ${expected}`, () => {
      assert.equal(
        refusal(() => value(kind, token(word), 'ttl')),
        `Corefile:1:1 - '${word}' is not ${expected}, which 'ttl' requires`,
      )
    })
})

test('a value that is misspelled is refused with the nearest of its words', () => {
  assert.equal(
    refusal(() => value(oneOf(['disabled', 'verified']), token('verifed'), 'pods')),
    "Corefile:1:1 - 'verifed' is not one of 'disabled', 'verified', which 'pods' requires: did you mean 'verified'?",
  )
})

describe('a value that fits', () => {
  const cases: readonly [name: string, kind: Kind<unknown>, word: string, wanted: unknown][] = [
    ['integer with a sign', integer(), '+5', 5],
    ['number', float(), '1e3', 1000],
    ['word in another case, where that is allowed', oneOf(['allow'], { ignoreCase: true }), 'ALLOW', 'allow'],
    ['address with a zone', ip({ zoned: true }), 'fe80::1%eth0', 'fe80::1%eth0'],
    ['every address to listen on', listenAddress(), ':8080', { host: '', port: 8080 }],
    ['IPv6 address to listen on', listenAddress(), '[::1]:8080', { host: '::1', port: 8080 }],
    ['port that only listening refuses', listenAddress({ anyPort: true }), ':99999', { host: '', port: 99_999 }],
    ['IPv6 upstream', ipAndPort(53), '2001:db8::1', { host: '2001:db8::1', port: 53 }],
    ['IPv6 upstream with a port', ipAndPort(53), '[2001:db8::1]:5353', { host: '2001:db8::1', port: 5353 }],
    ['upstream with an empty port', ipAndPort(53), '192.0.2.1:', { host: '192.0.2.1', port: 53 }],
    ['network', network(), '10.1.2.3/8', { bytes: Uint8Array.of(10, 0, 0, 0), length: 8 }],
    [
      'address as a network',
      network({ orAddress: true }),
      '10.1.2.3',
      { bytes: Uint8Array.of(10, 1, 2, 3), length: 32 },
    ],
  ]
  for (const [name, kind, word, wanted] of cases)
    test(`a value of a Corefile: ${name}`, () => {
      assert.deepEqual(value(kind, token(word), 'x'), wanted)
    })
})

test('every kind of value reads or refuses any word', () => {
  const kinds = [
    integer(),
    float(),
    duration(),
    ip({ zoned: true }),
    network({ orAddress: true }),
    listenAddress(),
    ipAndPort(53),
  ]
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.string({ unit: 'binary' }), (kind, word) => {
      kind.parse(word)
    }),
  )
})
