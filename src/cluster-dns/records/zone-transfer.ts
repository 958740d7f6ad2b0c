/** The records of a whole zone, as CoreDNS transfers them (docs/coredns-behaviour.md §4.8): one by one, in its order. */

import { formatAddress, parseAddress, reverseName } from '../../dns/address.ts'
import { type as dnsType } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { below, isSubdomain } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import { addressRecord, record } from '../../dns/record.ts'
import type { ClusterView, EndpointSlice, Service, ServiceImport } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'
import { textNames } from '../features/metadata/texts.ts'
import { splitOf } from '../features/split/split-backends.ts'
import { splitRecords } from '../features/split/split-transfer.ts'
import { srvRank } from '../features/srv/rank.ts'
import { importTtl, serviceTtl } from '../features/ttl/ttl.ts'
import { countOf, type EndpointSelection, hasAny, selectEndpoints } from '../lookup/endpoint-selection.ts'
import { type EndpointFilter, endpointGroup, endpointLabel, noPort } from '../lookup/endpoints.ts'
import { nameservers } from '../lookup/nameservers.ts'
import { isKnown, isShown } from '../lookup/visibility.ts'
import { absoluteName, serviceName } from '../names/cluster-name.ts'
import { isMulticluster, isReverseZone, zoneOf } from '../settings.ts'
import { resolve } from './answers.ts'
import { distinctAddresses } from './distinct-addresses.ts'

/**
 * Whether everything in a zone is known from the API server itself: a secondary treats names missing from a transfer as
 * nonexistent, and keeps the zone until its serial changes.
 */
export function isTransferable({ view, settings }: ClusterContext, zone?: string): boolean {
  if (!view.synced || view.restored || !isKnown(view, 'endpointslices')) return false
  if (zone === undefined || !isMulticluster(settings, zone)) return true
  return isKnown(view, 'serviceimports') && isKnown(view, 'importedslices')
}

/**
 * All records of the zone but its SOA. This call fixes the services and the endpoints of the headless ones; their
 * records are made as the iterator is read.
 */
export function zoneRecords(context: ClusterContext, zone: string): Iterator<ResourceRecord> {
  return isReverseZone(zone) ? reverseRecords(context, zone) : forwardRecords(context, zone)
}

/** A service, and its endpoints where they have names of their own in the zone. */
interface TransferredService {
  readonly service: Service | ServiceImport
  readonly slices: readonly EndpointSlice[]
  /** Records of a split, replacing the service's. */
  readonly split: Iterable<ResourceRecord> | undefined
}

function forwardRecords(context: ClusterContext, zone: string): Iterator<ResourceRecord> {
  const { view, settings } = context
  const namespaces = new Map([...view.namespaces()].map(({ name }) => [name, isShown(context, name)]))
  const transferred: TransferredService[] = []
  for (const service of isMulticluster(settings, zone) ? view.serviceImports() : view.services()) {
    if (!namespaces.get(service.namespace) || isHidden(context, service)) continue
    const backends = isImport(service) ? undefined : splitOf(context, service)
    const split = backends && !isImport(service) ? splitRecords(context, zone, service, backends) : undefined
    transferred.push({ service, slices: isHeadless(service) ? slicesOf(view, service) : noSlices, split })
  }
  transferred.sort(({ service: a }, { service: b }) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return walk()

  function* walk(): Generator<ResourceRecord> {
    yield* apexRecords(context, zone)
    for (const { service, slices, split } of transferred) {
      const name = serviceName(service.namespace, service.name, zone)
      // Names in a zone inside this one belong to that zone.
      if (zoneOf(settings, name) !== zone) continue
      if (!isImport(service)) yield* textRecords(context, zone, service)
      if (split) yield* split
      if (split && isHeadless(service)) yield* endpointRecords(context, name, service, slices, false)
      if (split) continue
      if (service.type === 'ExternalName') yield* aliasRecords(service, name, ttlOf(context, service))
      else if (isHeadless(service)) yield* endpointRecords(context, name, service, slices, true)
      else yield* addressedRecords(context, name, service)
    }
  }
}

const noSlices: readonly EndpointSlice[] = []

const isImport = (service: Service | ServiceImport): service is ServiceImport => 'ips' in service

const isHeadless = (service: Service | ServiceImport): boolean =>
  isImport(service) ? service.type === 'Headless' : service.headless

function slicesOf(view: ClusterView, service: Service | ServiceImport): readonly EndpointSlice[] {
  const { namespace, name } = service
  return isImport(service) ? view.importedSlices(namespace, name) : view.slices(namespace, name)
}

/** As for queries: `ignore empty_service`, and imports without ports. */
function isHidden(context: ClusterContext, service: Service | ServiceImport): boolean {
  const { view, settings } = context
  if (isHeadless(service) || service.type === 'ExternalName') return false
  if (isImport(service) && service.ports.length === 0) return true
  if (!settings.ignoreEmptyServices || (!isImport(service) && splitOf(context, service))) return false
  const slices = slicesOf(view, service)
  return !hasAny(slices, selectionOf(context, service, slices).filter)
}

function* apexRecords(context: ClusterContext, zone: string): Generator<ResourceRecord> {
  const servers = nameservers(context, zone)
  const { ttl } = context.settings
  for (const name of new Set(servers.map((server) => server.target(0)))) {
    yield record(zone, dnsType.NS, ttl, rdata.name(name))
  }
  for (const server of servers) {
    const name = server.target(0)
    const type = server.width === 4 ? dnsType.A : dnsType.AAAA
    // A service's addresses follow with the service: one RRset must not have two TTLs (RFC 2181 §5.2).
    const { kind } = resolve(context, zone, name, type)
    if (name !== below('ns.dns', zone) && (kind === 'addresses' || kind === 'variants')) continue
    yield record(name, type, 0, server.addresses)
  }
}

/** `terminating last_resort` does not apply to imports. */
const selectionOf = (
  { settings }: ClusterContext,
  service: Service | ServiceImport,
  slices: readonly EndpointSlice[],
): EndpointSelection => selectEndpoints(settings, isImport(service) ? [] : slices)

const ttlOf = (context: ClusterContext, service: Service | ServiceImport): number =>
  (isImport(service) ? importTtl(context, service) : serviceTtl(context, service)).seconds

/** TXT records from annotations. A service that has been deleted meanwhile has no records. */
function* textRecords(context: ClusterContext, zone: string, service: Service): Generator<ResourceRecord> {
  for (const name of textNames(context, zone, service)) {
    const answer = resolve(context, zone, name, dnsType.TXT)
    for (const { ttl, rdata: data } of answer.kind === 'records' ? answer.answer : []) {
      yield record(name, dnsType.TXT, ttl, data)
    }
  }
}

function* addressedRecords(
  context: ClusterContext,
  name: string,
  service: Service | ServiceImport,
): Generator<ResourceRecord> {
  const ips = isImport(service) ? service.ips : service.clusterIPs
  const { ignoreEmptyServices } = context.settings
  const selection = selectionOf(context, service, ignoreEmptyServices ? slicesOf(context.view, service) : noSlices)
  const ttl = Math.min(ttlOf(context, service), selection.maxTtl)
  for (const ip of ips) {
    const address = parseAddress(ip)
    if (address) yield addressRecord(name, ttl, address)
  }
  if (ips.length === 0) return
  const { priority, weight } = rankOf(context, service, undefined, 100)
  for (const { name: port, protocol, port: number } of service.ports) {
    if (number === noPort) continue
    const data = rdata.srv({ priority, weight, port: number, target: name })
    yield record(name, dnsType.SRV, ttl, data)
    if (port !== '') yield record(`_${port}._${protocol}.${name}`, dnsType.SRV, ttl, data)
  }
}

/** `counted`: the weight where no annotation sets one. */
function rankOf(
  context: ClusterContext,
  service: Service | ServiceImport,
  slice: EndpointSlice | undefined,
  counted: number,
): { readonly priority: number; readonly weight: number } {
  const rank = isImport(service) ? undefined : srvRank(context, service, slice)
  return { priority: rank?.priority?.value ?? 0, weight: rank?.weight?.value ?? counted }
}

/**
 * `atService`: also the records at the service's own name and at its ports'. Ports without a name have no SRV record
 * here. Imported endpoints are named after their cluster too.
 */
function* endpointRecords(
  context: ClusterContext,
  name: string,
  service: Service | ServiceImport,
  slices: readonly EndpointSlice[],
  atService: boolean,
): Generator<ResourceRecord> {
  const { endpointPodNames } = context.settings
  const { filter, maxTtl } = selectionOf(context, service, slices)
  const ttl = Math.min(ttlOf(context, service), maxTtl)
  // Endpoints that are names cannot coexist with other records (RFC 1034 §3.6.2); CoreDNS omits them too.
  const addressed = slices.filter(({ fqdns }) => !fqdns)
  // If no address occurs twice, nothing has to be remembered.
  const sent = haveRepeated(addressed, filter) ? new Set<string>() : undefined
  /** False for a record that was sent already. */
  const isNew = (...words: readonly (string | number)[]): boolean =>
    sent === undefined || sent.size < sent.add(words.join(' ')).size
  for (const slice of addressed) {
    const width = slice.addressType === 'IPv4' ? 4 : 16
    const owner = isImport(service) && slice.cluster !== '' ? `${slice.cluster}.${name}` : name
    const counted = Math.max(1, Math.floor(100 / countOf(slice, filter)))
    const { priority, weight } = rankOf(context, service, slice, counted)
    for (let index = 0; index < slice.count; index++) {
      if (!filter(slice, index)) continue
      const address = slice.addresses.subarray(index * width, (index + 1) * width)
      const target = `${endpointLabel(slice, index, endpointPodNames)}.${owner}`
      if (atService && (!sent || isNew(formatAddress(address)))) yield addressRecord(name, ttl, address)
      // The API server refuses an invalid hostname, but not every API server.
      if (absoluteName(target) === undefined) continue
      if (!sent || isNew(target, formatAddress(address))) yield addressRecord(target, ttl, address)
      for (const { name: port, protocol, port: number } of atService ? slice.ports : []) {
        if (port === '' || number === noPort || (sent && !isNew(target, port, protocol, number, priority, weight)))
          continue
        const data = rdata.srv({ priority, weight, port: number, target })
        yield record(`_${port}._${protocol}.${name}`, dnsType.SRV, ttl, data)
      }
    }
  }
}

/** Whether two endpoints share an address. */
function haveRepeated(slices: readonly EndpointSlice[], filter: EndpointFilter): boolean {
  const groups = slices.flatMap((slice) => endpointGroup(slice, '', [noPort], '', false, undefined, filter) ?? [])
  return ([4, 16] as const).some((width) => {
    const places = groups.reduce((sum, group) => (group.width === width ? sum + group.count : sum), 0)
    return distinctAddresses(groups, width).length < places * width
  })
}

function* aliasRecords({ externalName }: Service, name: string, ttl: number): Generator<ResourceRecord> {
  const target = parseAddress(externalName) ? undefined : absoluteName(externalName)
  if (target !== undefined) yield record(name, dnsType.CNAME, ttl, rdata.name(target))
}

/** A reverse zone has its PTR records. CoreDNS would transfer the services' forward names in it. */
function reverseRecords(context: ClusterContext, zone: string): Iterator<ResourceRecord> {
  const { view } = context
  const clusterIPs = [...view.services()].flatMap((service) => service.clusterIPs)
  const slices = [...view.allSlices()]
  return walk()

  function* walk(): Generator<ResourceRecord> {
    yield* apexRecords(context, zone)
    for (const ip of clusterIPs) {
      const address = parseAddress(ip)
      if (address) yield* pointerRecords(context, zone, address)
    }
    for (const slice of slices) {
      if (slice.fqdns) continue
      const width = slice.addressType === 'IPv4' ? 4 : 16
      for (let index = 0; index < slice.count; index++) {
        const address = slice.addresses.subarray(index * width, (index + 1) * width)
        const [first] = view.endpointsByAddress(address)
        // Several endpoints may share an address: the first of them sends it. ClusterIPs were sent above.
        if (first?.index !== index || first.slice.name !== slice.name || first.slice.namespace !== slice.namespace)
          continue
        if (!view.serviceByClusterIP(formatAddress(address))) yield* pointerRecords(context, zone, address)
      }
    }
  }
}

function* pointerRecords(context: ClusterContext, zone: string, address: Uint8Array): Generator<ResourceRecord> {
  const name = reverseName(address)
  if (!isSubdomain(zone, name) || zoneOf(context.settings, name) !== zone) return
  const answer = resolve(context, zone, name, dnsType.PTR)
  if (answer.kind !== 'records') return
  for (const { type, ttl, rdata: data } of answer.answer) yield record(name, type, ttl, data)
}
