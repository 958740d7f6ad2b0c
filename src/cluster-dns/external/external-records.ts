/** The records of an external name, and of a whole external zone. */

import { formatAddress, parseAddress, reverseName } from '../../dns/address.ts'
import { type as dnsType } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { below, isSubdomain } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import { addressRecord, record } from '../../dns/record.ts'
import type { Service } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'
import { type EndpointGroup, endpointLabel, isReady, noPort } from '../lookup/endpoints.ts'
import { createMessageOctets } from '../records/message-octets.ts'
import { addAddress, addRecord, createSrvSet, isFull, servicesOf, srvTarget } from '../records/srv-set.ts'
import { isReverseZone } from '../settings.ts'
import { type ExternalSettings, externalServerName, externalServers, lookupExternal } from './external-lookup.ts'

export interface ExternalRecords {
  readonly answer: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
  /** Targets of SRV records outside the served zones: the handler adds their addresses. */
  readonly elsewhere: readonly string[]
}

/** The records of `type` at `qname`; the caller follows CNAME records among addresses. Empty for NODATA. */
export function externalRecords(
  context: ClusterContext,
  { ttl }: ExternalSettings,
  groups: readonly EndpointGroup[],
  qname: string,
  type: number,
  weight = weightOf(groups),
): ExternalRecords {
  // As in CoreDNS the option ttl applies to addresses and the zone; CNAME and SRV records have that of `kubernetes`.
  const aliasTtl = context.settings.ttl
  if (type === dnsType.SRV) return serviceRecords(groups, qname, weight, aliasTtl, ttl)
  if (type !== dnsType.A && type !== dnsType.AAAA) return none
  const answer = new Map<string, ResourceRecord>()
  const message = createMessageOctets()
  for (const group of groups) {
    for (const name of group.names) answer.set(name, record(qname, dnsType.CNAME, aliasTtl, rdata.name(name)))
    const { width } = group
    if (width !== (type === dnsType.A ? 4 : 16)) continue
    for (let i = 0; i < group.count && !message.isFull; i++) {
      const address = group.addresses.subarray(i * width, (i + 1) * width)
      const size = answer.size
      answer.set(formatAddress(address), addressRecord(qname, ttl, address))
      if (answer.size > size) message.add(width)
    }
  }
  return { ...none, answer: [...answer.values()] }
}

const none: ExternalRecords = { answer: [], additional: [], elsewhere: [] }

/** The weight by docs/coredns-behaviour.md §4.4, counted over all targets at the name. */
function weightOf(groups: readonly EndpointGroup[]): number {
  const entries = groups.reduce((sum, group) => sum + group.count * group.ports.length, 0)
  return Math.max(1, Math.floor(100 / entries))
}

function serviceRecords(
  groups: readonly EndpointGroup[],
  qname: string,
  weight: number,
  srvTtl: number,
  addressTtl: number,
): ExternalRecords {
  const set = createSrvSet()
  const elsewhere = new Set<string>()
  for (const group of groups) {
    for (let i = 0; i < group.count && !isFull(set); i++) {
      const target = srvTarget(set, group.target(i))
      if (!target) continue
      for (const port of group.ports) {
        if (port === noPort) continue
        if (group.width === 0) elsewhere.add(target.name)
        addRecord(set, target, port, 0, weight)
        if (isFull(set)) break
      }
      if (group.width > 0 && group.ports.some((port) => port !== noPort)) {
        addAddress(target, group.addresses.subarray(i * group.width, (i + 1) * group.width))
      }
    }
  }
  const { targets, records } = servicesOf(set, srvTtl)
  return {
    answer: records.map(({ priority, weight, port, target }) =>
      record(qname, dnsType.SRV, srvTtl, rdata.srv({ priority, weight, port, target: targets[target].name })),
    ),
    additional: targets.flatMap(({ name, a, aaaa }) =>
      [...addressesIn(a, 4), ...addressesIn(aaaa, 16)].map((address) => addressRecord(name, addressTtl, address)),
    ),
    elsewhere: [...elsewhere],
  }
}

const addressesIn = (packed: Uint8Array, width: number): Uint8Array[] =>
  Array.from({ length: packed.length / width }, (_, i) => packed.subarray(i * width, (i + 1) * width))

/** The name servers' records: NS at the apex, and their addresses. */
export function externalServerRecords(
  context: ClusterContext,
  settings: ExternalSettings,
  zone: string,
  owner: string,
): { readonly ns: ResourceRecord; readonly addresses: readonly ResourceRecord[] } {
  const addresses = externalServers(context, settings)
  return {
    ns: record(zone, dnsType.NS, settings.ttl, rdata.name(externalServerName(settings, zone))),
    addresses: addresses.map((address) => addressRecord(owner, settings.ttl, address)),
  }
}

export const externalPointers = (
  { ttl }: ExternalSettings,
  qname: string,
  names: readonly string[],
): readonly ResourceRecord[] => names.map((name) => record(qname, dnsType.PTR, ttl, rdata.name(name)))

/**
 * All records of the zone but its SOA, as queries get them. This call fixes the services; their records are made as the
 * iterator is read.
 */
export function externalZoneRecords(
  context: ClusterContext,
  settings: ExternalSettings,
  zone: string,
): Iterator<ResourceRecord> {
  const services = [...context.view.services()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return walk()

  function* walk(): Generator<ResourceRecord> {
    const { ns, addresses } = externalServerRecords(context, settings, zone, externalServerName(settings, zone))
    yield ns
    yield* addresses
    if (!isReverseZone(zone)) {
      for (const service of services) yield* recordsOfService(context, settings, zone, service)
      return
    }
    for (const address of externalAddresses(services)) {
      const name = reverseName(address)
      if (!isSubdomain(zone, name)) continue
      const result = lookupExternal(context, settings, zone, name, dnsType.PTR)
      if (result.kind === 'pointers') yield* externalPointers(settings, name, result.names)
    }
  }
}

function* recordsOfService(
  context: ClusterContext,
  settings: ExternalSettings,
  zone: string,
  service: Service,
): Generator<ResourceRecord> {
  const seen = new Set<string>()
  for (const name of namesOfService(context, settings, zone, service)) {
    if (seen.has(name)) continue
    seen.add(name)
    const result = lookupExternal(context, settings, zone, name, dnsType.A)
    if (result.kind !== 'groups') continue
    // As in CoreDNS a transfer gives each external address its full weight; endpoints share theirs as in answers.
    const weight = service.externalIPs.length + service.ingress.length > 0 ? 100 : weightOf(result.groups)
    const records = (type: number, groups: readonly EndpointGroup[] = result.groups): readonly ResourceRecord[] =>
      externalRecords(context, settings, groups, name, type, weight).answer
    if (name.startsWith('_')) {
      // Names of ports have SRV records only (RFC 2782).
      yield* records(dnsType.SRV)
      continue
    }
    // A CNAME stands alone at its name, or secondaries refuse the zone (RFC 1034 §3.6.2).
    const addressed = result.groups.filter(({ width }) => width !== 0)
    const aliases = records(dnsType.A).filter(({ type }) => type === dnsType.CNAME)
    if (addressed.length === 0) yield* aliases.slice(0, 1)
    else {
      for (const type of [dnsType.A, dnsType.AAAA]) yield* records(type, addressed)
      // A host name is a target like any other.
      yield* records(dnsType.SRV)
    }
  }
}

/** The names of a service that may have records; some may come twice. */
function* namesOfService(
  { view, settings: { endpointPodNames } }: ClusterContext,
  { headless }: ExternalSettings,
  zone: string,
  service: Service,
): Generator<string> {
  const owner = below(`${service.name}.${service.namespace}`, zone)
  const slices = headless && service.headless ? view.slices(service.namespace, service.name) : []
  yield owner
  for (const { ports } of [service, ...slices]) {
    for (const { name, protocol } of ports) if (name !== '') yield `_${name}._${protocol}.${owner}`
  }
  if (service.externalIPs.length + service.ingress.length > 0) return
  for (const slice of slices) {
    for (let index = 0; index < slice.count; index++) {
      if (isReady(slice, index)) yield `${endpointLabel(slice, index, endpointPodNames).toLowerCase()}.${owner}`
    }
  }
}

function externalAddresses(services: readonly Service[]): Uint8Array[] {
  const addresses = new Map<string, Uint8Array>()
  for (const { externalIPs, ingress } of services) {
    for (const text of [...externalIPs, ...ingress.map(({ ip }) => ip)]) {
      const address = parseAddress(text)
      if (address) addresses.set(formatAddress(address), address)
    }
  }
  return [...addresses.values()]
}
