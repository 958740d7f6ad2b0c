/** Questions about names, in every way of asking. */
import { dnsClass, opcode, type as rrType } from '../../../src/dns/codes.ts'
import { describe } from '../compare.ts'
import { type Ask, ask, edns } from '../queries.ts'
import { hash } from '../recorded.ts'
import { nearNames } from './near-names.ts'

const { A, AAAA, CNAME, TXT, SRV, MX, NS, SOA, PTR, ANY, HTTPS, SVCB, NAPTR, CAA, DS, DNSKEY, AXFR, IXFR } = rrType

export const types: readonly number[] = [
  ...[A, AAAA, CNAME, TXT, SRV, MX, NS, SOA, PTR, ANY, HTTPS, SVCB, NAPTR, CAA, DS, DNSKEY, rrType.HINFO],
  65_280,
]

/** NSID, ECS, COOKIE, TCP-KEEPALIVE, PADDING, EDE, and two for local use. */
const options: readonly (readonly [code: number, data: readonly number[]])[] = [
  [3, []],
  [8, [0, 1, 24, 0, 192, 0, 2]],
  [10, [1, 2, 3, 4, 5, 6, 7, 8]],
  [11, []],
  [12, [0, 0, 0]],
  [15, [0, 3]],
  [65_001, [1, 2]],
  [65_280, []],
]

const sizes = [100, 512, 1232, 4096, 65_535]

export interface About {
  readonly types?: readonly number[]
  /** Addresses that ask each name. */
  readonly clients?: readonly string[]
  /** At most so many; another part for each `seed`. */
  readonly limit?: number
  readonly seed?: string
}

/** Questions about these names and what is near them. */
export function questionsNear(names: readonly string[], about: About = {}): Ask[] {
  return questionsAbout([...new Set(names.flatMap(nearNames))], about)
}

export function questionsAbout(names: readonly string[], about: About = {}): Ask[] {
  const { types: chosen = types, clients = [], limit = 9_000, seed = '' } = about
  const main = chosen.slice(0, 2)
  const asks = names.flatMap((name) => [
    ...chosen.map((type) => ask(name, type)),
    ...main.flatMap((type) => [
      ask(name, type, { over: 'tcp' }),
      ask(mixCase(name), type),
      ...sizes.map((size) => ask(name, type, { edns: edns(size) })),
    ]),
    ...clients.flatMap((from) => chosen.slice(0, 4).map((type) => ask(name, type, { from }))),
    ...inRareWays(name, main[0]!),
  ])
  const distinct = [...new Map(asks.map((asked) => [describe(asked), asked])).values()]
  if (distinct.length <= limit) return distinct
  const ranked = distinct.map((asked) => ({ asked, rank: hash(`${seed}${describe(asked)}`) }))
  const chosenRanks = new Set(ranked.toSorted((a, b) => a.rank - b.rank).slice(0, limit))
  return ranked.filter((one) => chosenRanks.has(one)).map(({ asked }) => asked)
}

function inRareWays(name: string, type: number): Ask[] {
  return [
    ...options.map(([code, data]) =>
      ask(name, type, { edns: edns(1232, { options: [{ code, data: Uint8Array.from(data) }] }) }),
    ),
    ask(name, type, { edns: edns(1232, { dnssecOk: true }), checkingDisabled: true }),
    ask(name, type, { edns: edns(4096, { dnssecOk: true }), over: 'tcp' }),
    ask(name, type, { authenticData: true, recursionDesired: false }),
    ask(name, type, { checkingDisabled: true }),
    ask(name, type, { edns: edns(1232, { version: 1 }) }),
    ask(name, type, { opcode: opcode.NOTIFY }),
    ask(name, AXFR, { over: 'tcp' }),
    ask(name, IXFR),
    ...[dnsClass.CH, dnsClass.HS, dnsClass.ANY].flatMap((number) => [
      ask(name, type, { class: number }),
      ask(name, TXT, { class: number, edns: edns(1232) }),
    ]),
  ]
}

/** Alternates upper and lower case: a question that 0x20 could have sent. */
export const mixCase = (name: string): string =>
  [...name].map((letter, at) => (at % 2 ? letter.toUpperCase() : letter)).join('')
