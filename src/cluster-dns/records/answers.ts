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
import { type EndpointGroup, noPort } from '../lookup/endpoints.ts'
import { lookup } from '../lookup/lookup.ts'
import { nameservers } from '../lookup/nameservers.ts'
import { type LookupResult, missing } from '../lookup/result.ts'
import { grammarOf, parseClusterName } from '../names/cluster-name.ts'
import { distinctAddresses, includes } from './distinct-addresses.ts'

/** The answer of a name to a query of one type. */
export type Answer =
  | AddressesSpec
  | ServicesSpec
  | RecordsSpec
  | VariantsSpec
  | ChoiceSpec
  | ChaseSpec
  | { readonly kind: 'nodata' | 'nxdomain' }
  /** The zone's SOA record. */
  | { readonly kind: 'soa' }
  /** SERVFAIL: resources that the answer depends on are not known. */
  | { readonly kind: 'unknown'; readonly resources: readonly string[] }

const nodata: Answer = { kind: 'nodata' }
const nxdomain: Answer = { kind: 'nxdomain' }

/** The version of the Kubernetes DNS specification, and the TTL of the record that tells it. */
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
      return type === dnsType.TXT ? records(type, versionTtl, [rdata.txt([versionText])]) : denied(context)
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

interface Target {
  readonly index: number
  readonly name: string
  readonly ports: number[]
  a: Uint8Array
  aaaa: Uint8Array
}

const noAddress = new Uint8Array(0)

/** SRV records and their targets' addresses. Weights are annotated, or counted (docs/coredns-behaviour.md §4.4). */
function servicesAnswer(groups: readonly EndpointGroup[], ttl: number): Answer {
  let entries = 0
  for (const group of groups) if (group.width !== 0) entries += group.ports.length * group.count
  const counted = Math.max(1, Math.floor(100 / entries))
  const targets = new Map<string, Target>()
  const srv: { priority: number; weight: number; port: number; target: number }[] = []
  // Where two slices share a target (dual stack), the first with a rank decides.
  for (const group of groups.toSorted((a, b) => Number(b.rank !== undefined) - Number(a.rank !== undefined))) {
    if (group.width === 0) continue
    const ports = group.ports.filter((port) => port !== noPort)
    if (ports.length === 0) continue
    const priority = group.rank?.priority?.value ?? 0
    const weight = group.rank?.weight?.value ?? counted
    for (let i = 0; i < group.count; i++) {
      const name = group.target(i)
      let target = targets.get(name)
      if (!target) {
        target = { index: targets.size, name, ports: [], a: noAddress, aaaa: noAddress }
        targets.set(name, target)
      }
      addAddress(target, group.addresses.subarray(i * group.width, (i + 1) * group.width))
      for (const port of ports) {
        if (target.ports.includes(port)) continue
        target.ports.push(port)
        srv.push({ priority, weight, port, target: target.index })
      }
    }
  }
  return srv.length > 0 ? { kind: 'services', ttl, targets: [...targets.values()], records: srv } : nodata
}

function addAddress(target: Target, address: Uint8Array): void {
  const family = address.length === 4 ? 'a' : 'aaaa'
  const before = target[family]
  if (before.length === 0) target[family] = address
  else if (!includes(before, before.length / address.length, address, 0, address.length)) {
    target[family] = Buffer.concat([before, address])
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

/** Whether the table can hold the answer; otherwise the chain gives it. */
export function isStorable(answer: Answer): answer is Extract<Answer, AnswerSpec> {
  return answer.kind !== 'chase' && answer.kind !== 'choice' && answer.kind !== 'unknown'
}
