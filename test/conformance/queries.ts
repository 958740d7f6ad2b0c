/** Every question that the cluster's objects suggest: their names, near misses, all types, all ways of asking. */
import { dnsClass, opcode, type as rrType } from '../../src/dns/codes.ts'
import type { Edns } from '../../src/dns/message.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import { interestingNames, reverseNames } from './names.ts'
import type { KubernetesObject } from './objects.ts'
import { shapes } from './shapes.ts'

export interface Ask {
  readonly name: string
  readonly type: number
  readonly over: 'udp' | 'tcp'
  readonly class: number
  readonly opcode: number
  readonly edns: Edns | undefined
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
  readonly recursionDesired: boolean
  /** What is done to the octets before they are sent (shapes.ts). */
  readonly shape: string | undefined
  /** The client's address, where it is not whichever the system takes. */
  readonly from?: string
}

const { A, AAAA, SRV, TXT, PTR, NS, SOA, CNAME, MX, HTTPS, ANY, DS, OPT, SVCB, CAA, NAPTR, AXFR, IXFR } = rrType
const mainTypes = [A, AAAA, SRV, TXT, PTR]
const allTypes = [...mainTypes, NS, SOA, CNAME, MX, HTTPS, ANY, DS, 999]
const rareTypes = [0, rrType.NULL, OPT, SVCB, CAA, NAPTR, AXFR, IXFR, 65_535]

export const ask = (name: string, type: number, more: Partial<Ask> = {}): Ask => ({
  name,
  type,
  over: 'udp',
  class: dnsClass.IN,
  opcode: opcode.QUERY,
  edns: undefined,
  authenticData: false,
  checkingDisabled: false,
  recursionDesired: true,
  shape: undefined,
  ...more,
})

export const edns = (payloadSize: number, more: Partial<Edns> = {}): Edns => ({
  version: 0,
  payloadSize,
  dnssecOk: false,
  extendedRcode: 0,
  options: [],
  ...more,
})

/** Alternates upper and lower case: a question that 0x20 could have sent. */
function mixCase(name: string): string {
  return [...name].map((letter, at) => (at % 2 ? letter.toUpperCase() : letter)).join('')
}

export function questions(objects: readonly KubernetesObject[], zone: string): Ask[] {
  const names = interestingNames(objects, zone)
  const some = [...names.filter((_, at) => at % 40 === 0), ...tellingNames(zone)]
  return [
    ...names.flatMap((name) => allTypes.map((type) => ask(name, type))),
    ...names.flatMap(inOtherWays),
    ...some.flatMap(inRareWays),
    ...tellingNames(zone).flatMap(misshapen),
    ...reverseQuestions(objects),
    ...forwardedQuestions(),
  ]
}

/** One name for each way in which an answer comes about. */
function tellingNames(zone: string): string[] {
  const inside = ['', 'web.apps.svc.', 'db.data.svc.', 'big.data.svc.', 'sixty.data.svc.', 'out.net.svc.', 'nosuch.']
  return [...inside.map((left) => `${left}${zone}`), '1.1.96.10.in-addr.arpa.', 'www.example.org.']
}

function inOtherWays(name: string): Ask[] {
  return [
    ...[A, SRV].flatMap((type) => [
      ask(name, type, { over: 'tcp' }),
      ask(mixCase(name), type),
      ...[512, 1232, 4096].map((size) => ask(name, type, { edns: edns(size) })),
    ]),
    ask(mixCase(name), CNAME),
    ask(mixCase(name), SOA),
    ask(name, A, { edns: edns(1232, { dnssecOk: true }), checkingDisabled: true }),
    ask(name, A, { authenticData: true, recursionDesired: false }),
  ]
}

/** Option codes: NSID, EDE, ECS, EXPIRE, COOKIE, TCP-KEEPALIVE, PADDING, CHAIN and one for local use. */
const options: readonly (readonly [code: number, octets: number])[] = [
  [3, 0],
  [15, 2],
  [9, 0],
  [10, 8],
  [10, 24],
  [11, 0],
  [11, 2],
  [12, 16],
  [13, 1],
  [65_001, 3],
]

function inRareWays(name: string): Ask[] {
  const withOption = (code: number, data: Uint8Array) =>
    ask(name, A, { edns: edns(1232, { options: [{ code, data }] }) })
  return [
    ...rareTypes.map((type) => ask(name, type)),
    ...[0, 100, 511, 1220, 1480, 65_535].flatMap((size) =>
      [A, AAAA, SRV].map((type) => ask(name, type, { edns: edns(size) })),
    ),
    ...options.map(([code, length]) => withOption(code, new Uint8Array(length))),
    withOption(8, Uint8Array.of(0, 1, 0, 0)),
    ask(name, A, { over: 'tcp', edns: edns(512, { options: [{ code: 11, data: new Uint8Array(0) }] }) }),
    ask(name, A, { edns: edns(100, { version: 1 }) }),
    ask(name, A, {
      edns: edns(4096, { version: 255, dnssecOk: true, options: [{ code: 3, data: new Uint8Array(0) }] }),
    }),
    ask(name, SRV, { edns: edns(1232, { dnssecOk: true }) }),
    ask(name, A, { edns: edns(1232, { dnssecOk: true }), authenticData: true }),
    ask(name, A, { checkingDisabled: true }),
    ask(name, A, { checkingDisabled: true, recursionDesired: false }),
    ...[dnsClass.CH, dnsClass.HS, dnsClass.NONE, dnsClass.ANY, 0].flatMap((number) => [
      ask(name, A, { class: number }),
      ask(name, TXT, { class: number, edns: edns(1232) }),
    ]),
    ...[1, 2, 3, opcode.NOTIFY, opcode.UPDATE, 6, 15].flatMap((number) => [
      ask(name, SOA, { opcode: number }),
      ask(name, A, { opcode: number, over: 'tcp', checkingDisabled: true }),
    ]),
  ]
}

/** Silence is waited for: the shape that no one answers comes for one name only. */
function misshapen(name: string, at: number): Ask[] {
  return Object.keys(shapes)
    .filter((shape) => shape !== 'a reply' || at === 1)
    .flatMap((shape) => [ask(name, A, { shape }), ask(name, SRV, { shape, over: 'tcp' })])
}

function reverseQuestions(objects: readonly KubernetesObject[]): Ask[] {
  return reverseNames(objects).flatMap((name) => [
    ...[PTR, A, SOA, TXT, NS, SRV, ANY].map((type) => ask(name, type)),
    ask(mixCase(name), PTR),
    ask(name, PTR, { over: 'tcp', edns: edns(1232) }),
  ])
}

/** What the upstream has, and has not. */
function forwardedQuestions(): Ask[] {
  const left = ['www', 'nxdomain', 'nodata', 'many', 'alias', 'refused', 'servfail']
  return [...left.map((label) => `${label}.example.org.`), '.', 'x.'].flatMap((name) =>
    [A, AAAA, TXT, MX].flatMap((type) => [ask(name, type), ask(name, type, { over: 'tcp', edns: edns(1232) })]),
  )
}

export function octetsOf(asked: Ask, id: number): Uint8Array {
  const octets = encodeMessage(
    {
      ...queryMessage(asked.name, asked.type, asked.recursionDesired),
      id,
      opcode: asked.opcode,
      authenticData: asked.authenticData,
      checkingDisabled: asked.checkingDisabled,
      questions: [{ name: asked.name, type: asked.type, class: asked.class }],
      edns: asked.edns,
    },
    { limit: 65_535 },
  )
  return asked.shape === undefined ? octets : shapes[asked.shape]!(octets)
}
