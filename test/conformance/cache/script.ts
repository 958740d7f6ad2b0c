/** What an upstream of a cache says, by name; each answer has a version of its own, which shows when it was fetched. */
import { rcode, type } from '../../../src/dns/codes.ts'
import type { Message, ResourceRecord } from '../../../src/dns/message.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { type ReplyParts, replyTo } from '../../../src/dns/reply.ts'
import { encodeMessage } from '../../../src/dns/wire.ts'

export interface Said extends ReplyParts {
  readonly truncated?: boolean
  /** The message is cut in its last record. */
  readonly damaged?: boolean
}

/** An answer of the version for the name; undefined is silence. */
type Saying = (name: string, version: number) => Said | undefined

const address = (name: string, version: number, ttl = 2) => `${name} ${ttl} IN A 192.0.2.${version % 256}`
const soa = (version: number, ttl = 2) => `test. ${ttl} IN SOA ns.test. admin.test. ${version} 2 3 4 5`
const records = (...lines: readonly string[]): ResourceRecord[] => lines.map(parseRecord)

const sayings = {
  answer: (name, version) => ({ answer: records(address(name, version)), authoritative: version % 2 === 1 }),
  long: (name, version) => ({ answer: records(address(name, version, 7)) }),
  'TTL 0': (name, version) => ({ answer: records(address(name, version, 0)) }),
  'TTL 2^31': (name, version) => ({
    answer: records(address(name, version)).map((record) => ({ ...record, ttl: 2 ** 31 })),
  }),
  nxdomain: (_, version) => ({ rcode: rcode.NXDOMAIN, authority: records(soa(version)) }),
  nodata: (_, version) => ({ authority: records(soa(version)) }),
  'nxdomain without SOA': () => ({ rcode: rcode.NXDOMAIN }),
  'nxdomain with an alias': (name, version) => ({
    rcode: rcode.NXDOMAIN,
    answer: records(`${name} 2 IN CNAME gone.test.`),
    authority: records(soa(version)),
  }),
  servfail: () => ({ rcode: rcode.SERVFAIL }),
  refused: () => ({ rcode: rcode.REFUSED }),
  notimp: () => ({ rcode: rcode.NOTIMP }),
  formerr: () => ({ rcode: rcode.FORMERR }),
  silence: () => undefined,
  alias: (name) => ({ answer: records(`${name} 3 IN CNAME elsewhere.test.`) }),
  'alias with SOA': (name, version) => ({
    answer: records(`${name} 3 IN CNAME elsewhere.test.`),
    authority: records(soa(version)),
  }),
  'alias with its target': (name, version) => ({
    answer: records(`${name} 3 IN CNAME elsewhere.test.`, address('elsewhere.test.', version)),
  }),
  'alias with the address of another name': (name, version) => ({
    answer: records(`${name} 3 IN CNAME elsewhere.test.`, address('other.test.', version)),
  }),
  'alias loop': (name) => ({
    answer: records(`${name} 3 IN CNAME elsewhere.test.`, `elsewhere.test. 3 IN CNAME ${name}`),
  }),
  truncated: (name, version) => ({ answer: records(address(name, version)), truncated: true }),
  empty: () => ({}),
  delegation: () => ({ authority: records('test. 2 IN NS ns.test.') }),
  damaged: (name, version) => ({ answer: records(address(name, version)), damaged: true }),
} satisfies Record<string, Saying>

export type Behaviour = keyof typeof sayings
export const behaviours = Object.keys(sayings) as Behaviour[]

/** The octets of the upstream's reply to `query`, or undefined for none. */
export function say(behaviour: Behaviour, query: Message, version: number): Uint8Array | undefined {
  const [{ name }] = query.questions
  const saying: Saying = sayings[behaviour]
  const said = saying(name, version)
  if (!said) return undefined
  const message = {
    ...replyTo(query, said),
    recursionAvailable: true,
    authenticData: true,
    truncated: said.truncated ?? false,
  }
  const octets = encodeMessage(message, { limit: 0xffff })
  return said.damaged ? octets.subarray(0, octets.length - 2) : octets
}

/** Whether an answer of this kind has a version of its own. slicedns asks again over TCP for what is cut. */
export const isVersioned = (behaviour: Behaviour): boolean =>
  behaviour !== 'silence' && behaviour !== 'truncated' && behaviour !== 'damaged'

/** A reply in a few letters: rcode, flags, versions and TTLs of the records. `-`: no reply. */
export function verdictOf(reply: Message | undefined): string {
  if (!reply) return '-'
  const flags = [
    reply.authoritative && 'a',
    reply.authenticData && 'd',
    reply.truncated && 't',
    reply.recursionAvailable && 'r',
  ].filter((flag) => flag)
  const section = (list: readonly ResourceRecord[]) =>
    list.map((record) => `${letters.get(record.type) ?? record.type}${versionOf(record)}/${record.ttl}`).join('+')
  const sections = [reply.answer, reply.authority, reply.additional].map(section)
  return `${reply.rcode}${flags.join('')}${sections.map((each) => each && `:${each}`).join('')}`
}

const letters = new Map<number, string>([
  [type.A, 'A'],
  [type.CNAME, 'C'],
  [type.SOA, 'S'],
  [type.NS, 'N'],
])

function versionOf({ type: recordType, rdata }: ResourceRecord): string {
  if (recordType === type.A) return String(rdata[3])
  // The serial is the first of the five numbers at the end.
  return recordType === type.SOA ? String(rdata[rdata.length - 17]) : ''
}
