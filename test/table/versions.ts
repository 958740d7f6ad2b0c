/** What writer and readers of concurrency.test.ts agree on: an answer's version says all that is in it. */
import { rdata } from '../../src/dns/rdata.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import type { CachedEntry } from '../../src/table/api.ts'
import type { NodeSpec } from '../../src/table/spec.ts'
import { questionMessage } from '../answer/harness.ts'
import { zoneName } from './arbitraries.ts'

/** Cells of the board. */
export const shared = { stop: 0, answers: 1 } as const

export const nameOf = (i: number): string => `n${i}.${zoneName}`
export const cachedName = (i: number): string => `c${i}.example.`

/** How many addresses or endpoints a version has. */
export const partsOf = (version: number): number => 1 + ((version * 7) % 60)

function addressesOf(version: number): Uint8Array {
  const octets = new Uint8Array(partsOf(version) * 4)
  for (let i = 0; i < octets.length; i += 4) octets.set([version >> 8, version, i >> 10, i >> 2], i)
  return octets
}

/** TTL is the version; an address is version and part; an endpoint's name is version and port, its port the part. */
export function nodeOf(version: number): NodeSpec {
  const parts = Array.from({ length: partsOf(version) }, (_, i) => i)
  return {
    zone: zoneName,
    below: 'closed',
    otherTypes: 'nodata',
    answers: new Map([
      [1, { kind: 'addresses', ttl: version, addresses: addressesOf(version) }],
      [
        33,
        {
          kind: 'services',
          ttl: version,
          targets: parts.map((part) => ({
            name: `v${version}-${part}.${zoneName}`,
            a: Uint8Array.of(10, 0, 0, part),
            aaaa: new Uint8Array(0),
          })),
          records: parts.map((part) => ({ priority: 0, weight: 1, port: part, target: part })),
        },
      ],
    ]),
  }
}

export function cachedEntry(i: number, version: number): CachedEntry {
  const name = cachedName(i)
  const addresses = addressesOf(version)
  const answer = Array.from({ length: partsOf(version) }, (_, part) => ({
    name,
    type: 1,
    class: 1,
    ttl: version,
    rdata: rdata.a(addresses.subarray(part * 4, part * 4 + 4).join('.')),
  }))
  const reply = encodeMessage({ ...questionMessage(name, 1), response: true, answer }, { limit: 65_535 })
  const key = { name, type: 1, dnssecOk: false, checkingDisabled: false }
  return { ...key, reply, expiresAt: Number.MAX_VALUE, authenticData: false, keepTtl: true }
}
