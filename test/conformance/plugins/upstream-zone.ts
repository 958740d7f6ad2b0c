/**
 * What the upstream says of names below `test.`: records of every type, replies of every kind, and below `echo.test.` what
 * it was asked, so that what a plugin makes of a query shows.
 */
import { dnsClass, rcode, type as rrType, typeName } from '../../../src/dns/codes.ts'
import type { Message, ResourceRecord } from '../../../src/dns/message.ts'
import { isSubdomain, lowerName } from '../../../src/dns/name.ts'
import { readName } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import type { ReplyParts } from '../../../src/dns/reply.ts'

const soa = parseRecord('up.test. 300 IN SOA ns.up.test. admin.up.test. 7 3600 600 86400 60')
const echoZone = 'echo.test.'
const padding = 12

const records = [
  'up.test. 3600 IN NS ns.up.test.',
  'up.test. 3600 IN MX 10 mail.up.test.',
  'up.test. 3600 IN A 192.0.2.10',
  'ns.up.test. 3600 IN A 192.0.2.53',
  'www.up.test. 120 IN A 192.0.2.1',
  'www.up.test. 120 IN A 192.0.2.2',
  'www.up.test. 120 IN AAAA 2001:db8::1',
  'www.up.test. 120 IN TXT "hello" "world"',
  'four.up.test. 60 IN A 198.51.100.7',
  'six.up.test. 60 IN AAAA 64:ff9b::198.51.100.9',
  'six.up.test. 60 IN AAAA 2001:db8::9',
  'alias.up.test. 90 IN CNAME www.up.test.',
  'chain.up.test. 80 IN CNAME alias.up.test.',
  'dangling.up.test. 70 IN CNAME nosuch.up.test.',
  'outside.up.test. 70 IN CNAME www.example.org.',
  'loop.up.test. 50 IN CNAME loop.up.test.',
  '_http._tcp.up.test. 40 IN SRV 10 60 80 www.up.test.',
  '_http._tcp.up.test. 40 IN SRV 20 40 8080 four.up.test.',
  'mail.up.test. 300 IN MX 5 www.up.test.',
  'mail.up.test. 300 IN MX 9 four.up.test.',
  'mail.up.test. 300 IN A 192.0.2.25',
  'ptr.up.test. 30 IN PTR www.up.test.',
  'sip.up.test. 30 IN NAPTR 1 2 "s" "SIP+D2U" "" _sip._udp.up.test.',
  'caa.up.test. 30 IN CAA 0 issue "ca.up.test"',
  'svc.up.test. 30 IN HTTPS 1 www.up.test. alpn="h2"',
  'svc.up.test. 30 IN SVCB 1 www.up.test. port="53"',
  'dname.up.test. 30 IN DNAME up.test.',
  'zero.up.test. 0 IN A 192.0.2.100',
  'one.up.test. 1 IN A 192.0.2.101',
  'week.up.test. 604800 IN A 192.0.2.102',
  'mixed.up.test. 30 IN A 192.0.2.30',
  'mixed.up.test. 10 IN A 192.0.2.31',
  'text.up.test. 60 IN TXT "only text"',
  ...Array.from({ length: 40 }, (_, n) => `many.up.test. 60 IN A 203.0.113.${n + 1}`),
  ...Array.from({ length: 8 }, (_, n) => `large.up.test. 60 IN TXT "${`${n}`.repeat(200)}"`),
  '1.2.0.192.in-addr.arpa. 60 IN PTR www.up.test.',
].map(parseRecord)

const byName = new Map<string, ResourceRecord[]>()
for (const record of records) byName.set(record.name, [...(byName.get(record.name) ?? []), record])

const failures = new Map<string, number>([
  ['formerr.up.test.', rcode.FORMERR],
  ['servfail.up.test.', rcode.SERVFAIL],
  ['notimp.up.test.', rcode.NOTIMP],
  ['refused.up.test.', rcode.REFUSED],
  ['yxdomain.up.test.', rcode.YXDOMAIN],
])

/** The parts of a reply, or undefined for names that the upstream's own zone has. */
export function answerBelowTest(request: Message): ReplyParts | undefined {
  const { name, type, class: asked } = request.questions[0]!
  const wanted = lowerName(name)
  if (isSubdomain(echoZone, wanted)) return echo(request)
  const here = byName.get(wanted)
  if (here === undefined && !isSubdomain('up.test.', wanted)) return undefined
  if (asked !== dnsClass.IN) return { rcode: rcode.REFUSED }
  const failure = failures.get(wanted)
  if (failure !== undefined) return { rcode: failure }
  if (wanted === 'void.up.test.') return {}
  if (wanted === 'bare.up.test.') return { rcode: rcode.NXDOMAIN }
  if (wanted === 'up.test.' && type === rrType.SOA) return { answer: [soa], authoritative: true }
  if (here === undefined) return { rcode: rcode.NXDOMAIN, authority: [soa] }
  const answer = answerOf(name, type)
  if (answer.length === 0) return { authority: [soa] }
  return { answer, ...(wanted === 'www.up.test.' ? referred : {}), additional: addressesOf(answer) }
}

const referred = { authority: byName.get('up.test.')!.filter(({ type }) => type === rrType.NS), authoritative: true }

/** The name's records of the type, owned by the question's name, and those that its alias leads to. */
function answerOf(name: string, type: number, depth = 0): ResourceRecord[] {
  const here = (byName.get(lowerName(name)) ?? []).map((record) => ({ ...record, name }))
  const alias = here.find((record) => record.type === rrType.CNAME)
  if (alias && type !== rrType.CNAME && type !== rrType.ANY)
    return depth > 3 ? [alias] : [alias, ...answerOf(readName(alias.rdata), type, depth + 1)]
  return here.filter((record) => record.type === type || type === rrType.ANY)
}

const addressesOf = (answer: readonly ResourceRecord[]): ResourceRecord[] =>
  answer
    .filter(({ type }) => type === rrType.SRV)
    .flatMap(({ rdata }) => byName.get(lowerName(readName(rdata.subarray(6)))) ?? [])
    .filter(({ type }) => type === rrType.A)

/** Sizes and padding are the hop's own (docs/differences.md). */
function echo(request: Message): ReplyParts {
  const [question] = request.questions
  const { name, type, class: asked } = question!
  const words = [
    `name=${name}`,
    `type=${typeName(type)}`,
    `class=${asked}`,
    request.recursionDesired && 'rd',
    request.checkingDisabled && 'cd',
    request.authenticData && 'ad',
    request.authoritative && 'aa',
    request.recursionAvailable && 'ra',
    request.edns?.dnssecOk && 'do',
    ...(request.edns?.options ?? [])
      .filter(({ code }) => code !== padding)
      .map(({ code, data }) => `${code}=${Buffer.from(data).toString('hex')}`),
  ]
  const told = words.filter(Boolean).flatMap((word) => `${word}`.match(/.{1,200}/g)!)
  const text = parseRecord(`${echoZone} 60 IN TXT ${told.map((word) => JSON.stringify(word)).join(' ')}`)
  const answer = type === rrType.A ? [{ ...parseRecord('x. 60 IN A 192.0.2.200'), name }] : []
  return { answer, authority: answer.length > 0 ? [] : [{ ...soa, name: echoZone }], additional: [text] }
}
