/** A zone's answer to a question (RFC 1034 §4.3.2), as in CoreDNS: docs/coredns-behaviour.md. */
import { rcode, type } from '../dns/codes.ts'
import type { ResourceRecord } from '../dns/message.ts'
import { isSubdomain, labelsOf, lowerName, NameError, parentOf, parseName, wireToName } from '../dns/name.ts'
import { rdata, readName } from '../dns/rdata.ts'
import type { Outcome } from '../plugin/query.ts'
import { coveredType, type RRsets, type Zone } from './zone.ts'

export interface Found {
  readonly kind: 'success' | 'nodata' | 'nxdomain' | 'delegation' | 'servfail' | 'yxdomain'
  readonly answer: readonly ResourceRecord[]
  readonly authority: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
  /** An empty non-terminal, or an apex with only SOA and NS: falls through like a missing name. */
  readonly isBare?: true
  /** The wildcard that the answer was made from, even if it is empty. */
  readonly wildcard?: string
}

/** CNAMEs followed inside the zone, as in CoreDNS. */
const maxChain = 8

const failed: Found = { kind: 'servfail', answer: [], authority: [], additional: [] }

export interface ZoneQuestion {
  /** Lower case, in the zone. */
  readonly name: string
  readonly qtype: number
  /** Signatures are requested. */
  readonly dnssecOk: boolean
  /** The server's own answer for the target of a CNAME; undefined: it cannot be asked. */
  elsewhere(target: string): Promise<Outcome> | undefined
}

/** Answers synchronously unless the target of a CNAME must be looked up elsewhere. */
export function lookUp(zone: Zone, query: ZoneQuestion): Found | Promise<Found> {
  const { name, qtype } = query
  const view = createView(zone, query.dnssecOk)
  if (name === zone.origin && qtype === type.SOA) return found('success', view.soa(), view.ns())
  if (name === zone.origin && qtype === type.NS) return found('success', view.ns(), [], view.glue(zone.ns))
  for (const at of pathFrom(zone.origin, name)) {
    const rrsets = zone.at(at)
    if (!rrsets) continue
    const [dname] = at === name ? [] : rrsets.get(type.DNAME)
    if (dname) return substituted(view, query, rrsets, dname)
    const referral = view.referral(at, rrsets, name, qtype)
    if (referral) return referral
  }
  const rrsets = zone.at(name)
  if (rrsets) return fromName(view, query, rrsets)
  return fromWildcard(view, query) ?? denial(view, name)
}

/** The zone's records for one client: with or without signatures. */
type View = ReturnType<typeof createView>

function createView(zone: Zone, signed: boolean) {
  const signatures = (rrsets: RRsets, covered: number): readonly ResourceRecord[] =>
    signed ? rrsets.get(type.RRSIG).filter((record) => coveredType(record) === covered) : []
  const apexSignatures = (covered: number): readonly ResourceRecord[] =>
    signed ? zone.apexSignatures.filter((record) => coveredType(record) === covered) : []
  const rrset = (rrsets: RRsets, rrType: number): readonly ResourceRecord[] => rrsets.get(rrType)
  /** Records of a type with their signatures. */
  const records = (rrsets: RRsets, rrType: number): ResourceRecord[] => [
    ...rrset(rrsets, rrType),
    ...signatures(rrsets, rrType),
  ]
  const addresses = (target: string): ResourceRecord[] => {
    const rrsets = zone.at(lowerName(target))
    return rrsets ? [...records(rrsets, type.A), ...records(rrsets, type.AAAA)] : []
  }
  const glue = (servers: readonly ResourceRecord[]): ResourceRecord[] =>
    servers.flatMap((server) => {
      const target = readName(server.rdata)
      return isSubdomain(server.name, lowerName(target)) ? addresses(target) : []
    })

  return {
    zone,
    signed,
    records,
    signatures,
    glue,
    soa: () => [zone.soa, ...apexSignatures(type.SOA)],
    ns: () => [...zone.ns, ...apexSignatures(type.NS)],
    /** NSEC records of a name, if the client requested them. */
    nsec: (name: string | undefined): ResourceRecord[] => {
      const rrsets = signed && name !== undefined ? zone.at(name) : undefined
      return rrsets ? records(rrsets, type.NSEC) : []
    },
    /** A referral at a zone cut; a DS query for the cut itself is answered by the parent (RFC 4035 §3.1.4.1). */
    referral(cut: string, rrsets: RRsets, name: string, qtype: number, answer: readonly ResourceRecord[] = []) {
      const servers = rrset(rrsets, type.NS)
      if (servers.length === 0 || (qtype === type.DS && cut === name)) return undefined
      const ds = signed ? records(rrsets, type.DS) : []
      return found('delegation', answer, [...servers, ...ds], glue(servers))
    },
    /** Addresses of the targets of MX, SRV, SVCB and HTTPS records in the answer, each name once. */
    additional(answer: readonly ResourceRecord[]): ResourceRecord[] {
      const targets = new Set(answer.map(targetOf).filter((target) => target !== undefined && target !== '.'))
      return [...targets].flatMap((target) =>
        isSubdomain(zone.origin, target as string) ? addresses(target as string) : [],
      )
    },
  }
}

/** Offset of the target's name in the rdata. */
const targetAt: ReadonlyMap<number, number> = new Map([
  [type.MX, 2],
  [type.SRV, 6],
  [type.SVCB, 2],
  [type.HTTPS, 2],
])

function targetOf({ type: rrType, rdata: octets }: ResourceRecord): string | undefined {
  const at = targetAt.get(rrType)
  return at === undefined ? undefined : lowerName(wireToName(octets, at))
}

const found = (
  kind: Found['kind'],
  answer: readonly ResourceRecord[],
  authority: readonly ResourceRecord[],
  additional: readonly ResourceRecord[] = [],
): Found => ({ kind, answer, authority, additional })

/** The names from the zone's apex to the name, inclusive. */
function pathFrom(origin: string, name: string): string[] {
  const path: string[] = [name]
  for (let at = name; at !== origin; path.push(at)) at = parentOf(at)
  return path.reverse()
}

function fromName(view: View, query: ZoneQuestion, rrsets: RRsets): Found | Promise<Found> {
  const { qtype } = query
  if (qtype !== type.CNAME && rrsets.has(type.CNAME)) return followed(view, query, view.records(rrsets, type.CNAME))
  const answer = view.records(rrsets, qtype)
  if (!rrsets.has(qtype)) return found('nodata', [], [...view.soa(), ...view.nsec(query.name)])
  return found('success', answer, view.ns(), view.additional(answer))
}

/** The wildcard below the closest encloser, which may be an empty non-terminal (RFC 4592 §3.3.1). */
function fromWildcard(view: View, query: ZoneQuestion): Found | Promise<Found> | undefined {
  const { zone } = view
  const { name, qtype } = query
  if (name === zone.origin || zone.isAbove(name)) return undefined
  const wildcard = wildcardAt(zone, name)
  const rrsets = zone.at(wildcard)
  if (!rrsets) return zone.isAbove(wildcard) ? found('nodata', [], view.soa()) : undefined
  const expand = (records: readonly ResourceRecord[]) => records.map((record) => ({ ...record, name }))
  if (qtype !== type.CNAME && rrsets.has(type.CNAME))
    return madeBy(wildcard, followed(view, query, expand(view.records(rrsets, type.CNAME))))
  if (!rrsets.has(qtype)) return { ...found('nodata', [], [...view.soa(), ...view.nsec(wildcard)]), wildcard }
  const answer = expand(view.records(rrsets, qtype))
  // The NSEC record shows that no closer name exists (RFC 4035 §3.1.3.3).
  const authority = [...view.ns(), ...view.nsec(zone.denier(name))]
  return { ...found('success', answer, authority, view.additional(answer)), wildcard }
}

function madeBy(wildcard: string, answer: Found | Promise<Found>): Found | Promise<Found> {
  return answer instanceof Promise ? answer.then((each) => ({ ...each, wildcard })) : { ...answer, wildcard }
}

/** `name` is below the apex. */
function wildcardAt(zone: Zone, name: string): string {
  let encloser = parentOf(name)
  while (encloser !== zone.origin && !zone.at(encloser) && !zone.isAbove(encloser)) encloser = parentOf(encloser)
  return encloser === '.' ? '*.' : `*.${encloser}`
}

function denial(view: View, name: string): Found {
  const { zone } = view
  const isThere = zone.isAbove(name) || name === zone.origin
  const denier = view.signed ? zone.denier(name) : undefined
  const authority = [...view.soa(), ...view.nsec(denier)]
  if (isThere) return { ...found('nodata', [], authority), isBare: true }
  const wildcardDenier = view.signed ? zone.denier(wildcardAt(zone, name)) : undefined
  return found('nxdomain', [], wildcardDenier === denier ? authority : [...authority, ...view.nsec(wildcardDenier)])
}

/** RFC 6672 §3.2: the DNAME, a CNAME synthesised from it, and the answer for the CNAME's target. */
function substituted(view: View, query: ZoneQuestion, rrsets: RRsets, dname: ResourceRecord): Found | Promise<Found> {
  const dnames = [...rrsets.get(type.DNAME), ...view.signatures(rrsets, type.DNAME)]
  const target = substitute(query.name, dname.name, readName(dname.rdata))
  // The substituted name is too long (RFC 6672 §2.2).
  if (target === undefined) return found('yxdomain', dnames, [])
  if (lowerName(target) === query.name) return failed
  const cname = { ...dname, name: query.name, type: type.CNAME, rdata: rdata.name(target) }
  if (query.qtype === type.CNAME) return found('success', [...dnames, cname], view.ns())
  const withDname = (rest: Found): Found => ({ ...rest, answer: [...dnames, ...rest.answer] })
  const rest = followed(view, query, [cname])
  return rest instanceof Promise ? rest.then(withDname) : withDname(rest)
}

function substitute(name: string, owner: string, target: string): string | undefined {
  const labels = labelsOf(name)
  const kept = labels.slice(0, labels.length - labelsOf(owner).length)
  try {
    return parseName([...kept, ...labelsOf(target)].join('.'))
  } catch (error) {
    if (error instanceof NameError) return undefined
    throw error
  }
}

/** Follows the CNAME that `answer` begins with, inside the zone and then outside. */
function followed(view: View, query: ZoneQuestion, first: readonly ResourceRecord[]): Found | Promise<Found> {
  const { zone } = view
  const { qtype } = query
  const answer = [...first]
  let target = lowerName(readName(first[0].rdata))
  for (let length = 0; ; length++) {
    const inside = isSubdomain(zone.origin, target)
    const cut = inside ? delegationOf(view, target, qtype, answer) : undefined
    if (cut) return cut
    const rrsets = inside ? zone.at(target) : undefined
    const isApexType = qtype === type.NS || (qtype === type.SOA && target === zone.origin)
    if (!rrsets || isApexType) return elsewhere(view, query, target, answer)
    if (length > maxChain) return found('success', answer, view.ns(), view.additional(answer))
    const cnames = view.records(rrsets, type.CNAME)
    if (cnames.length === 0 || !rrsets.has(type.CNAME)) {
      if (rrsets.has(qtype)) answer.push(...view.records(rrsets, qtype))
      return found('success', answer, view.ns(), view.additional(answer))
    }
    const next = lowerName(readName(cnames[0].rdata))
    // A CNAME to itself can only loop.
    if (next === target) return failed
    answer.push(...cnames)
    target = next
  }
}

/** The referral of the first zone cut on the path to the name. */
function delegationOf(view: View, name: string, qtype: number, answer: readonly ResourceRecord[]): Found | undefined {
  for (const at of pathFrom(view.zone.origin, name)) {
    const rrsets = view.zone.at(at)
    const referral = rrsets && view.referral(at, rrsets, name, qtype, answer)
    if (referral) return referral
  }
  return undefined
}

/** The server's own answer for the target: from another zone of the block, an upstream, or a wildcard of this zone. */
function elsewhere(
  view: View,
  query: ZoneQuestion,
  target: string,
  answer: readonly ResourceRecord[],
): Found | Promise<Found> {
  const asked = query.elsewhere(target)
  return asked ? asked.then((outcome) => withElsewhere(view, outcome, answer)) : found('servfail', answer, view.ns())
}

function withElsewhere(view: View, outcome: Outcome, answer: readonly ResourceRecord[]): Found {
  const more = outcome.kind === 'reply' ? outcome.message.answer : []
  const whole = [...answer, ...more]
  const kind = kindOf(
    outcome.kind === 'reply' ? outcome.message.rcode : outcome.kind === 'rcode' ? outcome.rcode : 0,
    more,
  )
  const isDenied = kind === 'nxdomain' || (kind === 'nodata' && outcome.kind !== 'drop')
  return found(kind, whole, isDenied ? view.soa() : view.ns(), view.additional(whole))
}

/** REFUSED for a name outside all zones stays NOERROR: the resolver then follows the CNAME itself. */
function kindOf(code: number, answer: readonly ResourceRecord[]): Found['kind'] {
  if (code === rcode.NXDOMAIN) return 'nxdomain'
  if (code === rcode.SERVFAIL) return 'servfail'
  return code === rcode.NOERROR && answer.length === 0 ? 'nodata' : 'success'
}
