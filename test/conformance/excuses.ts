/** The deliberate differences of docs/differences.md, as rules: everything else that differs is a bug. */
import { rcode, type } from '../../src/dns/codes.ts'
import type { Message, ResourceRecord } from '../../src/dns/message.ts'
import { lowerName } from '../../src/dns/name.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { parseMessage } from '../../src/dns/wire.ts'

interface Excuse {
  readonly reason: string
  holds(theirs: Message, ours: Message, corefile: string): boolean
}

const excuses: readonly Excuse[] = [
  {
    // CoreDNS's cache rewrites and ages the TTLs of cluster answers, and repeats them in the case of who asked first;
    // ours lets them pass, whatever it is told.
    reason: "cache keeps no cluster answers, so their TTLs are whole and their case is the question's",
    holds: (theirs, ours, corefile) =>
      hasCache(corefile) &&
      (sections(withoutTtl, { ...theirs, answer: uniqueAnswer(theirs.answer, withoutTtl) }) ===
        sections(withoutTtl, ours) ||
        // The case of who asked first shares fewer octets with this question's: fewer records fit.
        (theirs.truncated && ours.truncated && theirs.answer.length <= ours.answer.length)),
  },
  {
    // What its first slice said is kept by CoreDNS's cache: `mixed`, asked for CNAME (differential.ts, `tries`).
    reason: 'cache keeps one of several answers that CoreDNS gives',
    holds: (theirs, ours, corefile) => hasCache(corefile) && asksForCname(theirs) && asksForCname(ours),
  },
  {
    reason: "CoreDNS's cache, full of cluster answers, has dropped another zone's",
    holds: (theirs, ours, corefile) =>
      hasCache(corefile) &&
      ours.authoritative &&
      sections(withoutTtl, { ...theirs, authoritative: true }) === sections(withoutTtl, ours),
  },
  {
    // An FQDN slice's CNAME, and what it leads to, comes once for each of its ports.
    reason: 'a record comes once in an answer (RFC 2181 §5)',
    holds: (theirs, ours) =>
      repeats(theirs) &&
      // Repeated often enough they do not fit.
      (theirs.truncated ||
        sections(recordLine, { ...theirs, answer: uniqueAnswer(theirs.answer) }) === sections(recordLine, ours)),
  },
  {
    // A resolver that randomises case (0x20) would refuse CoreDNS's reply to another question.
    reason: 'autopath repeats the question in its case',
    holds: (theirs, ours, corefile) =>
      hasAutopath(corefile) && sections(inLowerCase, theirs) === sections(inLowerCase, ours),
  },
  {
    // One more, for the end of the chain: its TTL is another, and so is its target where the chain is longer.
    reason: 'autopath adds no alias to a name that is one itself',
    holds: (theirs, ours, corefile) => {
      if (!hasAutopath(corefile)) return false
      const [added, ...rest] = theirs.answer
      const isAlias = (record: ResourceRecord) =>
        record.type === type.CNAME && lowerName(record.name) === lowerName(ours.questions[0]?.name ?? '')
      if (!added || !isAlias(added) || !rest.some(isAlias)) return false
      const without = { ...theirs, answer: uniqueAnswer(rest) }
      return theirs.truncated || sections(inLowerCase, without) === sections(inLowerCase, ours)
    },
  },
  {
    reason: 'autopath answers a question for the first domain of a list',
    holds: (theirs, ours, corefile) =>
      hasAutopath(corefile) &&
      theirs.rcode === rcode.SERVFAIL &&
      lowerName(ours.questions[0]?.name ?? '') === 'apps.svc.cluster.local.',
  },
  {
    // CoreDNS compares these two names with the zone byte by byte; a resolver that randomises case (0x20) cannot know.
    reason: 'the apex NS and ns.dns are found in any case',
    holds: (_theirs, ours) => {
      const name = ours.questions[0]?.name ?? ''
      return (
        name !== name.toLowerCase() &&
        /^(ns\.dns\.)?(cluster\.local|clusterset\.local|corp\.example|other\.example)\.$/i.test(name)
      )
    },
  },
]

/**
 * CoreDNS takes a slice without the label of a Service for one of the Service without name, and cannot write the PTR
 * record with the empty label. Slices that were imported have no such label (clusterset.ts).
 */
const unwritable = 'CoreDNS is silent about addresses that only imported slices have'
const isUnwritable = ({ questions: [asked], rcode }: Message) =>
  asked?.type === type.PTR &&
  rcode === 3 &&
  /(\.110\.10\.in-addr|\.0\.1\.1\.0\.0\.0\.d\.f\.ip6)\.arpa\.$/.test(asked.name)

const repeats = ({ answer }: Message) => uniqueAnswer(answer).length < answer.length

const uniqueAnswer = (records: readonly ResourceRecord[], text = recordText): ResourceRecord[] => [
  ...new Map(records.map((record) => [text(record), record])).values(),
]

const hasAutopath = (corefile: string) => /^ *autopath /m.test(corefile)

const hasCache = (corefile: string) => /^ *cache /m.test(corefile)

const asksForCname = ({ questions, rcode }: Message) => questions[0]?.type === type.CNAME && rcode === 0

function sections(text: (record: ResourceRecord) => string, message: Message): string {
  const parts = [message.answer, message.authority, message.additional].map((records) => records.map(text).sort())
  return JSON.stringify([message.rcode, message.authoritative, message.truncated, parts])
}

const inLowerCase = (record: ResourceRecord) => recordLine(record).toLowerCase()

const withoutTtl = (record: ResourceRecord) => inLowerCase({ ...record, ttl: 0 })

function recordLine(record: ResourceRecord): string {
  const words = recordText(record).split(/\s+/)
  // A SOA's serial is each server's own clock.
  return (record.type === type.SOA ? [...words.slice(0, 6), ...words.slice(7)] : words).join(' ')
}

/** Why this difference is meant, or undefined. */
export function excuse(
  theirs: Uint8Array | undefined,
  ours: Uint8Array | undefined,
  corefile: string,
): string | undefined {
  if (!ours) return undefined
  if (!theirs) return isUnwritable(parseMessage(ours)) ? unwritable : undefined
  const [wanted, got] = [parseMessage(theirs), parseMessage(ours)]
  return excuses.find((candidate) => candidate.holds(wanted, got, corefile))?.reason
}
