/** The deliberate differences of docs/differences.md, as rules: everything else that differs is a bug. */
import { rcode, type } from '../../src/dns/codes.ts'
import type { Message, ResourceRecord } from '../../src/dns/message.ts'
import { isSubdomain, lowerName } from '../../src/dns/name.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import { cachedOtherwise } from './cache-excuses.ts'
import { type Excuse, hasCache, pairingOf, same } from './pairing.ts'
import type { Ask } from './queries.ts'

const excuses: readonly Excuse[] = [
  ...cachedOtherwise,
  {
    // An FQDN slice's CNAME, and what it leads to, comes once for each of its ports. All but what is repeated is equal.
    reason: 'a record comes once in an answer (RFC 2181 §5)',
    holds: ({ theirs, ours }) => {
      const once = { ...theirs, answer: uniqueRecords(theirs.answer) }
      if (once.answer.length === theirs.answer.length) return false
      if (!theirs.truncated) return same(once, ours)
      // Repeated often enough they do not fit: what is there is in ours, which is whole.
      const whole = new Set(ours.answer.map(recordText))
      return !ours.truncated && once.answer.every((record) => whole.has(recordText(record)))
    },
  },
  {
    // A resolver that randomises case (0x20) would refuse CoreDNS's reply to another question.
    reason: 'autopath repeats the question in its case',
    holds: ({ asked, theirs, ours, corefile }) =>
      hasAutopath(corefile) && asked.name !== lowerName(asked.name) && same(theirs, ours, { anyCase: true }),
  },
  {
    // One more, to the end of the chain: its TTL is another, and so is its target where the chain is longer.
    reason: 'autopath adds no alias to a name that is one itself',
    holds: ({ asked, theirs, ours, corefile }) => {
      const isAlias = ({ name, type: told }: ResourceRecord) =>
        told === type.CNAME && lowerName(name) === lowerName(asked.name)
      const [added, ...rest] = theirs.answer
      if (!hasAutopath(corefile) || !added || !isAlias(added) || !rest.some(isAlias)) return false
      return theirs.truncated || same({ ...theirs, answer: uniqueRecords(rest) }, ours, { anyCase: true })
    },
  },
  {
    reason: 'autopath answers a question for the first domain of a list',
    holds: ({ asked, theirs, ours, corefile }) =>
      hasAutopath(corefile) &&
      /^apps\.svc\.(cluster\.local|in-addr\.arpa|ip6\.arpa)\.$/i.test(asked.name) &&
      theirs.rcode === rcode.SERVFAIL &&
      ours.rcode !== rcode.SERVFAIL,
  },
  {
    // CoreDNS compares these names with the zone byte by byte; a resolver that randomises case (0x20) cannot know.
    reason: 'the apex NS and ns.dns are found in any case',
    holds: ({ asked, theirs, ours, corefile }) => {
      if (asked.name === lowerName(asked.name) && !hasCache(corefile)) return false
      const name = lowerName(asked.name)
      const zone = zonesOf(corefile).find((candidate) => isSubdomain(candidate, name))
      if (zone === undefined || !isDeniedIn(corefile, theirs) || ours.rcode !== rcode.NOERROR) return false
      const isAlias = ours.answer.some(
        ({ type: told, name: owner }) => told !== type.CNAME && owner === `ns.dns.${zone}`,
      )
      return (name === zone && asked.type === type.NS) || name === `ns.dns.${zone}` || isAlias
    },
  },
  {
    // CoreDNS looks for the zone behind `ns.dns.`, wherever it stands.
    reason: 'nothing is below the name of the name server',
    holds: ({ asked, theirs, ours, corefile }) => {
      const isBelow = (server: string) => lowerName(asked.name).startsWith(server) && asked.name.length > server.length
      return (
        zonesOf(corefile).some((zone) => isBelow(`ns.dns.${zone}`)) &&
        theirs.rcode === rcode.NOERROR &&
        // A search finds the name server itself, and says so.
        (ours.rcode !== rcode.NOERROR || hasAutopath(corefile))
      )
    },
  },
  {
    reason: 'an IPv4 address has its PTR in in-addr.arpa only',
    holds: ({ asked, theirs, ours, corefile }) =>
      /\.f\.f\.f\.f(\.0){20}\.ip6\.arpa\.$/i.test(asked.name) &&
      asked.type === type.PTR &&
      theirs.answer.every((record) => record.type === type.PTR) &&
      isDeniedIn(corefile, ours),
  },
  {
    reason: 'EDNS options are repeated as they came',
    holds: ({ theirs, ours }) => same(theirs, ours),
  },
  {
    reason: 'what is no DNS message is answered FORMERR',
    holds: ({ asked, ours }) =>
      ours.rcode === rcode.FORMERR &&
      (asked.shape === 'a name that points into the header' || asked.shape === 'an additional record that is missing'),
  },
]

/**
 * CoreDNS takes a slice without the label of a Service for one of the Service without name, and cannot write the PTR
 * record with the empty label. Slices that were imported have no such label (clusterset.ts).
 */
const unwritable = 'CoreDNS is silent about addresses that only imported slices have'
export const isUnwritable = (asked: Ask): boolean =>
  asked.type === type.PTR && /(\.110\.10\.in-addr|\.0\.1\.1\.0\.0\.0\.d\.f\.ip6)\.arpa\.$/i.test(asked.name)

/** What a missing name comes to: behind a `fallthrough` to nothing at all there is no answer. */
const denialIn = (corefile: string): number =>
  /^ *fallthrough *$/m.test(corefile) && !/^ *forward /m.test(corefile) ? rcode.SERVFAIL : rcode.NXDOMAIN

const uniqueRecords = (records: readonly ResourceRecord[]): ResourceRecord[] => [
  ...new Map(records.map((record) => [recordText(record), record])).values(),
]

const isDenial = ({ answer, rcode: code }: Message): boolean =>
  answer.length === 0 && (code === rcode.NOERROR || code === rcode.NXDOMAIN)

const isDeniedIn = (corefile: string, message: Message): boolean =>
  isDenial(message) || message.rcode === denialIn(corefile)

const hasAutopath = (corefile: string) => /^ *autopath /m.test(corefile)

/** The zones of `kubernetes` and of its server blocks, the longest first. CIDRs are left out: nobody asks for their NS. */
function zonesOf(corefile: string): string[] {
  const written = [...corefile.matchAll(/^ *(?:kubernetes )?([^{}\n]+) \{$/gm)].flatMap(([, zones = '']) =>
    zones.split(' '),
  )
  return [...new Set(written.map((zone) => zone.replace(/:.*/, '')))]
    .filter((zone) => zone.length > 1 && !zone.includes('/'))
    .map((zone) => `${zone}.`)
    .sort((a, b) => b.length - a.length)
}

/** Why this difference is meant, or undefined. */
export function excuse(
  asked: Ask,
  theirs: Uint8Array | undefined,
  ours: Uint8Array | undefined,
  corefile: string,
): string | undefined {
  if (!ours) return undefined
  if (!theirs) return isUnwritable(asked) && parseMessage(ours).rcode === denialIn(corefile) ? unwritable : undefined
  const pairing = pairingOf(asked, theirs, ours, corefile)
  return pairing && excuses.find((candidate) => candidate.holds(pairing))?.reason
}
