/** From what the cluster has at a name to the records of one type: the table of docs/coredns-behaviour.md §4.3. */
import { type as dnsType } from '../../dns/codes.ts'
import { rdata } from '../../dns/rdata.ts'
import type {
  AddressesSpec,
  AnswerSpec,
  RecordSpec,
  RecordsSpec,
  ServicesSpec,
  VariantsSpec,
} from '../../table/spec.ts'
import type { ClusterContext } from '../context.ts'
import { type ChaseSpec, type ChoiceSpec, splitAnswer } from '../features/split/split-answers.ts'
import type { ServicesChoice } from '../features/split/split-srv.ts'
import { limitedTtl } from '../features/ttl/snapshot-ttl.ts'
import { type EndpointGroup, noPort } from '../lookup/endpoints.ts'
import { lookup } from '../lookup/lookup.ts'
import { nameservers } from '../lookup/nameservers.ts'
import { type LookupResult, missing } from '../lookup/result.ts'
import { grammarOf, parseClusterName } from '../names/cluster-name.ts'
import { distinctAddresses } from './distinct-addresses.ts'
import { addAddress, addRecord, createSrvSet, isFull, type SrvSet, servicesOf, srvTarget } from './srv-set.ts'

/** The answer of a name to a query of one type. */
export type Answer =
  | AddressesSpec
  | ServicesSpec
  | RecordsSpec
  | VariantsSpec
  | ChoiceSpec
  | ServicesChoice
  | ChaseSpec
  | { readonly kind: 'nodata' | 'nxdomain' }
  /** The zone's SOA record. */
  | { readonly kind: 'soa' }
  /** SERVFAIL: resources that the answer depends on are not known. */
  | { readonly kind: 'unknown'; readonly resources: readonly string[] }

const nodata: Answer = { kind: 'nodata' }
const nxdomain: Answer = { kind: 'nxdomain' }

/** The version of the Kubernetes DNS specification, and the TTL of its record. */
const versionText = '1.1.0'
const versionTtl = 28_800

/** The answer of `name` (lower case, in `zone`) to a query of the type. Fallthrough is left to the caller. */
export function resolve(context: ClusterContext, zone: string, name: string, type: number): Answer {
  return answerOf(
    context,
    zone,
    lookup(context, zone, parseClusterName(zone, name, grammarOf(context.settings, zone))),
    type,
  )
}

export function answerOf(context: ClusterContext, zone: string, result: LookupResult, type: number): Answer {
  // CoreDNS answers SOA below the apex without looking whether the name exists.
  if (type === dnsType.SOA) return result.kind === 'apex' ? { kind: 'soa' } : nodata
  const { ttl } = context.settings
  switch (result.kind) {
    case 'missing':
      return nxdomain
    case 'unknown':
      return result
    case 'empty':
      return type === dnsType.TXT ? denied(context) : nodata
    case 'apex':
      if (type === dnsType.NS) return nameserversAnswer(nameservers(context, zone), ttl)
      if (type === dnsType.PTR && result.pointers) return answerOf(context, zone, result.pointers, type)
      return type === dnsType.TXT ? denied(context) : nodata
    case 'version':
      return type === dnsType.TXT ? versionAnswer(context) : denied(context)
    case 'nameserver':
      if (type === dnsType.TXT || type === dnsType.PTR) return denied(context)
      if (type !== dnsType.A && type !== dnsType.AAAA) return nodata
      return addressesAnswer(nameservers(context, zone), type, ttl)
    case 'listed':
      return type === dnsType.PTR && result.names.length > 0
        ? records(type, result.ttl, result.names.map(rdata.name))
        : nodata
    case 'instance':
      return instanceAnswer(context, zone, result, type)
    case 'pointers':
      return type === dnsType.PTR ? records(type, result.ttl, result.names.map(rdata.name)) : denied(context)
    case 'groups':
      if (type === dnsType.TXT && result.texts) return records(type, result.ttl, result.texts)
      return result.split ? splitAnswer(result.split, type, result.ttl) : groupsAnswer(result.groups, type, result.ttl)
  }
}

function versionAnswer({ view }: ClusterContext): Answer {
  return records(dnsType.TXT, limitedTtl(view, versionTtl), [rdata.txt([versionText])])
}

/** NXDOMAIN; SERVFAIL until everything is known, even for names that no cluster can have. */
function denied(context: ClusterContext): Answer {
  const result = missing(context.view)
  return result.kind === 'unknown' ? result : nxdomain
}

function instanceAnswer(
  context: ClusterContext,
  zone: string,
  { port, texts, ttl }: LookupResult & { readonly kind: 'instance' },
  type: number,
): Answer {
  if (type === dnsType.TXT) return records(type, ttl, texts)
  if (type !== dnsType.SRV) return nodata
  const answer = answerOf(context, zone, port, type)
  // The instance exists, even without an endpoint.
  return answer.kind === 'nxdomain' ? nodata : answer
}

function groupsAnswer(groups: readonly EndpointGroup[], type: number, ttl: number): Answer {
  switch (type) {
    case dnsType.A:
    case dnsType.AAAA:
      if (groups.some((group) => group.width === 0)) return { kind: 'chase', groups, ttl }
      return addressesAnswer(groups, type, ttl)
    case dnsType.SRV:
      return servicesAnswer(groups, ttl)
    case dnsType.CNAME:
      // As in CoreDNS the first entry decides. A name has at most one CNAME (RFC 1034 §3.6.2).
      return groups[0]?.width === 0 && groups[0].count > 0
        ? records(type, ttl, [rdata.name(groups[0].names[0])])
        : nodata
    default:
      return nodata
  }
}

function addressesAnswer(groups: readonly EndpointGroup[], type: number, ttl: number): Answer {
  const addresses = distinctAddresses(groups, type === dnsType.A ? 4 : 16)
  return addresses.length > 0 ? { kind: 'addresses', ttl, addresses } : nodata
}

/** SRV records and their targets' addresses. Weights are annotated, or counted (docs/coredns-behaviour.md §4.4). */
function servicesAnswer(groups: readonly EndpointGroup[], ttl: number): Answer {
  const addressed = groups.filter(({ width }) => width !== 0)
  const entries = addressed.reduce((sum, { ports, count }) => sum + ports.length * count, 0)
  const counted = Math.max(1, Math.floor(100 / entries))
  const set = createSrvSet()
  // Where two slices share a target (dual stack), the first with a rank decides.
  for (const group of addressed.toSorted((a, b) => Number(b.rank !== undefined) - Number(a.rank !== undefined))) {
    if (isFull(set)) break
    addGroup(set, group, counted)
  }
  return set.records.length > 0 ? servicesOf(set, ttl) : nodata
}

function addGroup(set: SrvSet, group: EndpointGroup, counted: number): void {
  const { ports, rank, width } = group
  if (ports.every((port) => port === noPort)) return
  const priority = rank?.priority?.value ?? 0
  const weight = rank?.weight?.value ?? counted
  const firstOfGroup = set.targets.length
  for (let i = 0; i < group.count && !isFull(set); i++) {
    const known = set.targets.length
    const target = srvTarget(set, group.target(i))
    if (!target) continue
    addAddress(target, group.addresses.subarray(i * width, (i + 1) * width))
    // Endpoints of one slice may share a hostname: they have the same ports.
    if (target.index >= firstOfGroup && target.index < known) continue
    for (const port of ports) {
      if (port !== noPort) addRecord(set, target, port, priority, weight)
      if (isFull(set)) break
    }
  }
}

/** NS at the apex, with the servers' addresses. */
function nameserversAnswer(servers: readonly EndpointGroup[], ttl: number): Answer {
  const names = new Map<string, Uint8Array>()
  const additional = new Map<string, RecordSpec>()
  for (const server of servers) {
    const owner = server.target(0)
    names.set(owner, rdata.name(owner))
    const glue = { owner, type: server.width === 4 ? dnsType.A : dnsType.AAAA, ttl, rdata: server.addresses }
    additional.set(`${owner} ${server.addresses}`, glue)
  }
  if (names.size === 0) return nodata
  return { ...records(dnsType.NS, ttl, [...names.values()]), additional: [...additional.values()] }
}

const records = (type: number, ttl: number, all: readonly Uint8Array[]): RecordsSpec => ({
  kind: 'records',
  answer: all.map((data) => ({ owner: '', type, ttl, rdata: data })),
  additional: [],
})

const unstorable: ReadonlySet<Answer['kind']> = new Set(['chase', 'choice', 'services-choice', 'unknown'])

/** Whether the table can hold the answer; otherwise the chain gives it. */
export function isStorable(answer: Answer): answer is Extract<Answer, AnswerSpec> {
  return !unstorable.has(answer.kind)
}
