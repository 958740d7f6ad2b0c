/** What docs/differences.md says of plugins, as rules: everything else that differs is a bug. */
import { opcode, rcode, type } from '../../../src/dns/codes.ts'
import type { EdnsOption, Message, ResourceRecord } from '../../../src/dns/message.ts'
import { isSubdomain, lowerName } from '../../../src/dns/name.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { type Excuse, everyRecord, hasCache, type Pairing, pairingOf, same } from '../pairing.ts'
import type { Ask } from '../queries.ts'
import { isTooLong, rewrittenName } from './rewritten.ts'

const has = (corefile: string, plugin: string) => new RegExp(`^ *${plugin}( |$)`, 'm').test(corefile)

/** `whoami` tells the port that each server was asked from. */
function withoutPorts(message: Message): Message {
  const additional = message.additional.map((record) =>
    /^_(udp|tcp)\./.test(record.name) ? { ...record, rdata: record.rdata.with(4, 0).with(5, 0) } : record,
  )
  return { ...message, additional }
}

/** The search lists that configurations have (searches.ts, random/run.ts). */
const lists = [
  ['first.test.', 'second.test.', 'up.test.'],
  ['r.test.', 'b.r.test.', 'up.test.'],
] as const

/** Octets of a UDP reply that upstreams are asked to keep to. */
const upstreamPayload = 1232

/** Seconds by which two caches may differ in an answer's age. */
const skew = 2

/** The TTL that CoreDNS's cache gives at least, in seconds, where no other is written. */
const leastTtl = 5

/** `success|denial CAPACITY TTL MINTTL`. */
const hasMinTtl = (corefile: string) => /^ *(success|denial) \d+ \d+ \d+/m.test(corefile)

/** As many records in ours as in theirs, each of the same data with nearly the same TTL. */
function isNearlyAsOld(theirs: Message, ours: Message): boolean {
  const aged = (message: Message) => everyRecord(message).toSorted(byText)
  const [told, got] = [aged(theirs), aged(ours)]
  return told.every(({ ttl }, at) => Math.abs(ttl - got[at]!.ttl) <= skew)
}

/** Whether no record of ours has a lower TTL than CoreDNS's. */
function isNowhereOlder(theirs: Message, ours: Message): boolean {
  const [told, got] = [theirs, ours].map((message) => everyRecord(message).toSorted(byText))
  return told!.every(({ ttl }, at) => ttl <= got![at]!.ttl)
}

const byText = (one: ResourceRecord, other: ResourceRecord): number => {
  const [left, right] = [one, other].map((record) => recordText({ ...record, ttl: 0 }).toLowerCase())
  return left! < right! ? -1 : 1
}

/** Of equal strings in a row in a text (upstream-zone.ts tells the options that it heard) the first. */
const withStringsOnce = (message: Message): Message => ({
  ...message,
  additional: message.additional.map((record) => {
    if (record.type !== type.TXT) return record
    const strings: Buffer[] = []
    for (let at = 0; at < record.rdata.length; at += 1 + record.rdata[at]!) {
      const string = Buffer.from(record.rdata.subarray(at, at + 1 + record.rdata[at]!))
      if (!strings.at(-1)?.equals(string)) strings.push(string)
    }
    return { ...record, rdata: new Uint8Array(Buffer.concat(strings)) }
  }),
})

const withAnswerAlone = (message: Message): Message => ({ ...message, authority: [], additional: [] })

const ownersAsAsked = ['hosts', 'file', 'template', 'auto', 'secondary', 'dynupdate']

const excuses: readonly Excuse[] = [
  {
    reason: "hosts, file and template: owners have the question's case",
    holds: ({ theirs, ours, corefile }) =>
      ownersAsAsked.some((plugin) => has(corefile, plugin)) && same(theirs, ours, { anyCase: true }),
  },
  {
    reason: 'cache: a second passes in one before it does in the other',
    holds: ({ theirs, ours, corefile }) =>
      hasCache(corefile) && same(theirs, ours, { anyTtl: true }) && isNearlyAsOld(theirs, ours),
  },
  {
    reason: "cache: owners have the question's case, not that of who asked first",
    holds: ({ theirs, ours, corefile }) =>
      hasCache(corefile) && same(theirs, ours, { anyTtl: true, anyCase: true }) && isNearlyAsOld(theirs, ours),
  },
  {
    reason: 'cache: an answer with TTL 0 is passed on so, and not kept, where MINTTL is not written',
    holds: ({ theirs, ours, corefile }) =>
      hasCache(corefile) &&
      !hasMinTtl(corefile) &&
      everyRecord(ours).some(({ ttl }) => ttl === 0) &&
      everyRecord(theirs).every(({ ttl }) => ttl <= leastTtl) &&
      same(theirs, ours, { anyTtl: true, anyCase: true }),
  },
  {
    reason: 'cache: answers of hosts, file and template come from the table with their own TTL',
    holds: ({ theirs, ours, corefile }) =>
      hasCache(corefile) &&
      ownersAsAsked.some((plugin) => has(corefile, plugin)) &&
      ours.authoritative &&
      same(theirs, ours, { anyTtl: true, anyCase: true }) &&
      isNowhereOlder(theirs, ours),
  },
  {
    reason: 'cache: transfers pass as they are',
    holds: ({ asked, theirs, ours, corefile }) =>
      hasCache(corefile) &&
      (asked.type === type.AXFR || asked.type === type.IXFR) &&
      same(theirs, ours, { anyTtl: true }),
  },
  {
    // Names in another case than the question's are not its octets: they take room of their own.
    reason: "hosts, file, template, cache: owners have the question's case, which leaves room for more records",
    holds: ({ asked, theirs, ours, corefile }) =>
      (ownersAsAsked.some((plugin) => has(corefile, plugin)) || hasCache(corefile)) &&
      asked.name !== lowerName(asked.name) &&
      theirs.truncated &&
      everyRecord(theirs).length <= everyRecord(ours).length,
  },
  {
    reason: 'autopath answers a question for the first domain of a list',
    holds: ({ asked, theirs, ours, corefile }) =>
      has(corefile, 'autopath') &&
      lists.some(([first]) => first === lowerName(asked.name)) &&
      theirs.rcode === rcode.SERVFAIL &&
      ours.rcode !== rcode.SERVFAIL,
  },
  {
    reason: 'autopath: a template that refuses ends the search',
    holds: ({ theirs, ours, corefile }) =>
      has(corefile, 'autopath') &&
      has(corefile, 'template') &&
      [rcode.REFUSED, rcode.FORMERR, rcode.NOTIMP].includes(ours.rcode as typeof rcode.REFUSED) &&
      theirs.rcode !== ours.rcode,
  },
  {
    reason: 'rewrite: the question of a cut reply is the one that was asked',
    // Owners that are the question's name take less room.
    holds: ({ theirs, ours, corefile }) =>
      has(corefile, 'rewrite') &&
      theirs.truncated &&
      ours.truncated &&
      everyRecord(ours).length <= everyRecord(theirs).length,
  },
  {
    reason: 'rewrite: the question is the one that was asked, which takes more room than the one it was rewritten to',
    holds: ({ asked, theirs, ours, corefile }) => {
      const rewritten = rewrittenName(asked, corefile)
      return (
        /^ *rewrite continue /m.test(corefile) &&
        rewritten !== undefined &&
        lowerName(rewritten) !== lowerName(asked.name) &&
        // Without the question's name in common with the owners a record takes hundreds of octets.
        asked.name.length > 100 &&
        ours.truncated &&
        everyRecord(ours).length < everyRecord(theirs).length
      )
    },
  },
  {
    reason: 'dns64, siit: what they look up for a NOTIFY is a query',
    holds: ({ asked, theirs, ours, corefile }) =>
      asked.opcode === opcode.NOTIFY &&
      (has(corefile, 'dns64') || has(corefile, 'siit')) &&
      // A query is answered from the cache, with what is left of its TTL.
      same({ ...theirs, recursionAvailable: ours.recursionAvailable }, ours, { anyTtl: hasCache(corefile) }),
  },
  {
    reason: 'dns64, siit: what they look up is the name as it was asked, and not as rewrite left it',
    holds: ({ asked, theirs, ours, corefile }) => {
      if (!(has(corefile, 'dns64') && asked.type === type.AAAA) && !(has(corefile, 'siit') && asked.type === type.A))
        return false
      const once = rewrittenName(asked, corefile)
      // A rule that changes its own result: what CoreDNS looks up is another name, or none.
      return (
        once !== undefined &&
        lowerName(once) !== lowerName(rewrittenName({ ...asked, name: once }, corefile) ?? '') &&
        (theirs.rcode !== ours.rcode || !same(withAnswerAlone(theirs), withAnswerAlone(ours)))
      )
    },
  },
  {
    reason: 'dns64, siit: what they look up has an option once that `rewrite edns0` appends',
    holds: ({ theirs, ours, corefile }) =>
      (has(corefile, 'dns64') || has(corefile, 'siit')) &&
      /^ *rewrite (continue |stop )?edns0 .* append/m.test(corefile) &&
      same(withStringsOnce(theirs), ours),
  },
  {
    reason: 'dns64, siit: what an alias leads to at ns.dns is found in any case, so nothing is translated',
    holds: ({ asked, theirs, ours, corefile }) =>
      (has(corefile, 'dns64') || has(corefile, 'siit')) &&
      asked.name !== lowerName(asked.name) &&
      [theirs, ours].every(({ answer }) => answer.some(({ name }) => name.startsWith('ns.dns.'))),
  },
  {
    reason: 'dns64, siit: a template that refuses is passed on with its records',
    holds: ({ theirs, ours, corefile }) =>
      has(corefile, 'template') &&
      (has(corefile, 'dns64') || has(corefile, 'siit')) &&
      ours.rcode !== rcode.NOERROR &&
      everyRecord(theirs).length === 0 &&
      theirs.rcode === ours.rcode,
  },
  {
    // What the upstream cuts is never kept: in CoreDNS the plugins behind the cache see it each time.
    reason: 'forward: the upstream is asked with one EDNS size, and cuts less',
    holds: ({ theirs, ours, corefile }) =>
      has(corefile, 'header') &&
      hasCache(corefile) &&
      theirs.truncated &&
      same({ ...theirs, recursionDesired: ours.recursionDesired }, ours),
  },
  {
    reason: 'forward: the upstream is asked with one EDNS size, and minimal leaves out what it would have cut for',
    holds: ({ asked, theirs, ours, corefile }) =>
      has(corefile, 'minimal') &&
      has(corefile, 'forward') &&
      asked.over === 'udp' &&
      theirs.truncated &&
      !ours.truncated &&
      ours.answer.length >= theirs.answer.length &&
      ours.authority.length + ours.additional.length === 0,
  },
  {
    // 1232 octets, of which an answer that is longer has TC: the client asks over TCP, and gets the same from both.
    reason: 'forward: the upstream is asked with one EDNS size',
    holds: ({ asked, theirs, ours, corefile }) =>
      has(corefile, 'forward') &&
      asked.over === 'udp' &&
      (asked.edns?.payloadSize ?? 0) > upstreamPayload &&
      ours.truncated &&
      !theirs.truncated,
  },
  {
    reason: 'rewrite edns0: a client without EDNS gets 512 octets at most',
    holds: ({ asked, theirs, ours, corefile }) =>
      has(corefile, 'rewrite') && asked.edns === undefined && ours.truncated && !theirs.truncated,
  },
  {
    // The first of them decides the case in which the upstream hears the name.
    reason: 'forward: who asks the same at once shares an exchange, whatever the case',
    holds: ({ theirs, ours, corefile }) =>
      has(corefile, 'forward') &&
      same(theirs, ours, { anyCase: true }) &&
      same(withAnswerAlone(theirs), withAnswerAlone(ours)),
  },
]

/** A difference that is taken out of the replies before they are compared. */
interface Allowance {
  readonly reason: string
  /** The same replies, without it. */
  allow(pairing: Pairing): readonly [theirs: Message, ours: Message]
}

const allowances: readonly Allowance[] = [
  {
    reason: 'whoami: each server is asked from another port',
    allow: ({ theirs, ours, corefile }) =>
      has(corefile, 'whoami') ? [withoutPorts(theirs), withoutPorts(ours)] : [theirs, ours],
  },
  {
    reason: 'rewrite: the question of a reply is the one that was asked',
    allow: ({ theirs, ours, corefile }) =>
      has(corefile, 'rewrite') ? [{ ...theirs, questions: ours.questions }, ours] : [theirs, ours],
  },
  {
    reason: 'autopath: the question of a reply has its case',
    allow({ theirs, ours, corefile }) {
      const [told, got] = [theirs, ours].map(({ questions }) => questions.map(({ name }) => lowerName(name)).join())
      return has(corefile, 'autopath') && told === got
        ? [{ ...theirs, questions: ours.questions }, ours]
        : [theirs, ours]
    },
  },
  {
    // The bits of the OPT record's TTL are the version, the rcode's upper part and DO.
    reason: 'rewrite ttl: the OPT record is left alone',
    allow({ theirs, ours, corefile }) {
      if (!/^ *rewrite (continue |stop )?ttl /m.test(corefile) || !theirs.edns || !ours.edns) return [theirs, ours]
      const { version, dnssecOk } = ours.edns
      return [{ ...theirs, rcode: theirs.rcode & 15, edns: { ...theirs.edns, version, dnssecOk } }, ours]
    },
  },
  {
    reason: 'rewrite edns0: answers from the table carry no option that a rule set',
    allow({ theirs, ours, corefile }) {
      if (!/^ *rewrite (continue |stop )?edns0 /m.test(corefile) || !theirs.edns) return [theirs, ours]
      if ((ours.edns?.options ?? []).length > 0) return [theirs, ours]
      const codes = [...corefile.matchAll(/edns0 local \w+ (\w+)/g)].map(([, code]) => Number(code))
      const options = theirs.edns.options.filter(({ code }) => !codes.includes(code))
      // A client without EDNS gets no OPT record either.
      const edns = ours.edns === undefined && options.length === 0 ? undefined : { ...theirs.edns, options }
      return [{ ...theirs, edns }, ours]
    },
  },
  {
    reason: "rewrite edns0 local: the client's own option comes back from the block that names its code alone",
    allow({ asked, theirs, ours }) {
      const isOwn = ({ code, data }: EdnsOption) =>
        code > 14 &&
        asked.edns?.options.some((option) => option.code === code && Buffer.compare(option.data, data) === 0)
      const isOurs = ({ code }: EdnsOption) => ours.edns?.options.some((option) => option.code === code)
      if (!theirs.edns) return [theirs, ours]
      const options = theirs.edns.options.filter((option) => !isOwn(option) || isOurs(option))
      return [{ ...theirs, edns: { ...theirs.edns, options } }, ours]
    },
  },
]

/** CoreDNS's zone may be unreadable, or never sent: its names are the question's with something in front. */
const zoneOfErratic = 'erratic: AXFR is SERVFAIL'
const isZoneOfErratic = (asked: Ask, ours: Uint8Array, corefile: string): boolean =>
  asked.type === type.AXFR && has(corefile, 'erratic') && (ours[3]! & 15) === rcode.SERVFAIL

const emptyRecord = 'template: a record without its data is not sent'
const isEmptyRecord = (asked: Ask, theirs: Uint8Array, ours: Uint8Array, corefile: string): boolean =>
  has(corefile, 'template') && asked.type === type.NS && theirs[7]! > 0 && (ours[3]! & 15) === rcode.SERVFAIL

const tooLong = 'rewrite: a name that a rule makes too long, or cuts within an escape, is SERVFAIL'
const isMadeTooLong = (asked: Ask, ours: Uint8Array, corefile: string): boolean =>
  has(corefile, 'rewrite') && rewrittenName(asked, corefile) === undefined && (ours[3]! & 15) === rcode.SERVFAIL

/** A group at the end of a replacement has the dot at the end of the name. */
const secondDot = 'rewrite: a replacement in an answer that ends in a dot is a whole name'
const hasSecondDot = (corefile: string): boolean =>
  /^ *rewrite .* answer (name|value) \S+ \S*\{\d\}( |$)/m.test(corefile)

const passedOver = 'autopath: a domain that makes the name too long is passed over'
const isPassedOver = (asked: Ask, corefile: string): boolean => {
  const name = rewrittenName(asked, corefile)
  if (name === undefined || !has(corefile, 'autopath')) return false
  return lists.some(
    ([first, ...others]) =>
      isSubdomain(first, lowerName(name)) && others.some((domain) => isTooLong(name.slice(0, -first.length) + domain)),
  )
}

const withoutPort = 'whoami: no port where its name would be too long'
const isWithoutPort = (asked: Ask, corefile: string): boolean => {
  const name = rewrittenName(asked, corefile)
  return name !== undefined && has(corefile, 'whoami') && isTooLong(`_udp.${name}`)
}

/** Only gRPC must reply. */
const droppedCall = 'grpc://: a dropped query is UNKNOWN, and not sent back'
const isQuery = (message: Uint8Array): boolean => (message[2]! & 0x80) === 0

/** Why this difference is meant, or undefined. */
export function excusePlugin(
  asked: Ask,
  theirs: Uint8Array | undefined,
  ours: Uint8Array | undefined,
  corefile: string,
): string | undefined {
  if (!ours) return theirs && isQuery(theirs) ? droppedCall : undefined
  if (isZoneOfErratic(asked, ours, corefile)) return zoneOfErratic
  if (isPassedOver(asked, corefile)) return passedOver
  if (isMadeTooLong(asked, ours, corefile)) return tooLong
  if (isWithoutPort(asked, corefile)) return withoutPort
  if (!theirs) return hasSecondDot(corefile) ? secondDot : undefined
  const pairing = pairingOf(asked, theirs, ours, corefile)
  if (pairing === undefined) return isEmptyRecord(asked, theirs, ours, corefile) ? emptyRecord : undefined
  return reasonFor(pairing)
}

function reasonFor(whole: Pairing): string | undefined {
  let pairing = whole
  const reasons: string[] = []
  for (const { reason, allow } of allowances) {
    const [theirs, ours] = allow(pairing)
    if (!same(theirs, pairing.theirs)) reasons.push(reason)
    pairing = { ...pairing, theirs, ours }
  }
  if (same(pairing.theirs, pairing.ours)) return reasons.join('; ')
  const found = excuses.find((candidate) => candidate.holds(pairing))
  return found && [...reasons, found.reason].join('; ')
}
