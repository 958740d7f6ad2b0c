/** What the cluster has at a place: the step between a name and its records, the same for every record type. */

import { formatAddress, parseAddress } from '../../dns/address.ts'
import type { ClusterView, Resource, Service } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'
import { findBrowse, findInstance } from '../features/dns-sd/browsing.ts'
import { listsEndpoints } from '../features/endpoints/names.ts'
import { findGrpcConfig, isGrpcConfig, withTexts } from '../features/metadata/records.ts'
import { findSplit } from '../features/split/lookup.ts'
import { type Backend, splitOf } from '../features/split/named.ts'
import { ranked } from '../features/srv/rank.ts'
import { endpointsTtl, importTtl, serviceTtl, splitTtl } from '../features/ttl/ttl.ts'
import {
  absoluteName,
  type ClusterName,
  everyEndpoint,
  isServiceItself,
  namespaceName,
  podAddressText,
  type ServiceNameParts,
  serviceName,
  type Topology,
} from '../names/cluster-name.ts'
import { selectEndpoints } from './endpoint-selection.ts'
import {
  type EndpointGroup,
  endpointLabel,
  endpointsAt,
  isReady,
  matchingPorts,
  oneAddress,
  slicesCalled,
  virtualAddresses,
} from './endpoints.ts'
import { hasEndpoint, isHiddenWhenEmpty, mayBeHidden } from './hidden.ts'
import { type LookupResult, missing } from './result.ts'
import { isKnown, isShown } from './visibility.ts'

const empty: LookupResult = { kind: 'empty' }

export function lookup(context: ClusterContext, zone: string, place: ClusterName): LookupResult {
  const { view, settings } = context
  switch (place.kind) {
    case 'apex':
      return place.address ? { kind: 'apex', pointers: findPointers(context, place.address) } : { kind: 'apex' }
    case 'version':
    case 'nameserver':
      return { kind: place.kind }
    case 'tree':
      return empty
    case 'namespace':
      if (!isShown(context, place.namespace)) return missing(view)
      return place.tree === 'pod' && settings.pods === 'disabled' ? missing(view) : empty
    case 'pod':
      return isShown(context, place.namespace) ? findPod(context, zone, place.namespace, place.label) : missing(view)
    case 'service':
      if (!isShown(context, place.namespace)) return missing(view)
      return place.imported ? findImport(context, zone, place) : findService(context, zone, place)
    case 'browse':
      return findBrowse(context, zone, place)
    case 'reverse':
      return findPointers(context, place.address)
    case 'nowhere':
      return missing(view)
  }
}

function findService(context: ClusterContext, zone: string, place: ServiceNameParts): LookupResult {
  const { view, settings } = context
  const service = view.service(place.namespace, place.service)
  if (!service) return missing(view)
  if (mayBeHidden(settings, service) && view.availability('endpointslices') === 'pending') {
    return { kind: 'unknown', resources: ['endpointslices'] }
  }
  if (isHiddenWhenEmpty(context, service)) return missing(view)
  if (place.instance) return findInstance(context, service, place, findRecords(context, zone, service, place))
  if (isGrpcConfig(place)) return findGrpcConfig(context, service) ?? missing(view)
  if (place.endpoint === everyEndpoint) return findEveryEndpoint(context, zone, service, place)
  const found = findRecords(context, zone, service, place)
  return isServiceItself(place) ? withTexts(context, service, found) : found
}

function findRecords(context: ClusterContext, zone: string, service: Service, place: ServiceNameParts): LookupResult {
  const { view, settings } = context
  const split = place.endpoint === '' && !place.topology ? splitOf(context, service) : undefined
  if (split) return findBackends(context, zone, service, split, place)
  if (place.topology) return service.headless ? findZonal(context, zone, place, service, place.topology) : missing(view)
  if (service.type === 'ExternalName') return findExternalName(context, service, place)
  if (service.headless || place.endpoint !== '') return findEndpoints(context, zone, service, place)
  const ports = matchingPorts(service.ports, place.port, place.protocol)
  if (ports.length === 0) return missing(view)
  const groups = virtualAddresses(service.clusterIPs, ports, serviceName(service.namespace, service.name, zone))
  if (groups.length === 0) return empty
  const ranks = groups.map((group) => ranked(group, context, service, undefined))
  const told = selectEndpoints(
    settings,
    settings.ignoreEmptyServices ? view.slices(service.namespace, service.name) : [],
  )
  return { kind: 'groups', groups: ranks, ttl: Math.min(serviceTtl(context, service).seconds, told.maxTtl) }
}

function findBackends(
  context: ClusterContext,
  zone: string,
  service: Service,
  backends: readonly Backend[],
  place: ServiceNameParts,
): LookupResult {
  const split = findSplit(context, zone, service, backends, place)
  if (split === 'unknown') return { kind: 'unknown', resources: ['endpointslices'] }
  if (!split) return missing(context.view, 'endpointslices')
  const ttl = Math.min(splitTtl(context, service, backends).seconds, split.maxTtl)
  return { kind: 'groups', groups: [], split, ttl }
}

function findExternalName(context: ClusterContext, service: Service, place: ServiceNameParts): LookupResult {
  const { view } = context
  const below = place.endpoint !== '' || place.port !== '' || place.protocol !== ''
  if (below || parseAddress(service.externalName)) return missing(view)
  const target = absoluteName(service.externalName)
  if (target === undefined) return missing(view)
  const group: EndpointGroup = { width: 0, addresses: none, names: [target], count: 1, ports: [], target: () => target }
  return { kind: 'groups', groups: [group], ttl: serviceTtl(context, service).seconds }
}

const none = new Uint8Array(0)

function findEndpoints(context: ClusterContext, zone: string, service: Service, place: ServiceNameParts): LookupResult {
  const { view, settings } = context
  if (!isKnown(view, 'endpointslices')) return { kind: 'unknown', resources: ['endpointslices'] }
  const owner = serviceName(service.namespace, service.name, zone)
  const slices = view.slices(service.namespace, service.name)
  const { counts, maxTtl } = selectEndpoints(settings, slices)
  const called = slicesCalled(view, slices, place.endpoint, settings.endpointPodNames)
  const groups = called.flatMap((slice) =>
    endpointsAt(slice, place, owner, settings.endpointPodNames, counts).map((group) =>
      ranked(group, context, service, slice),
    ),
  )
  if (groups.length === 0) return missing(view, 'endpointslices')
  return { kind: 'groups', groups, ttl: Math.min(endpointsTtl(context, service).seconds, maxTtl) }
}

/** The endpoints of a service that its annotation `endpoints` lists, as those of a headless one. */
function findEveryEndpoint(
  context: ClusterContext,
  zone: string,
  service: Service,
  place: ServiceNameParts,
): LookupResult {
  if (!listsEndpoints(context, service)) return missing(context.view)
  return findEndpoints(context, zone, service, { ...place, endpoint: '' })
}

/**
 * Every topology zone has a name below a headless service, if without records where it has no endpoints (`pin`), or where
 * the service has none at all (`prefer`).
 */
function findZonal(
  context: ClusterContext,
  zone: string,
  place: ServiceNameParts,
  service: Service,
  { mode }: Topology,
): LookupResult {
  const found = findEndpoints(context, zone, service, place)
  if (found.kind !== 'missing') return found
  const all = mode === 'prefer' ? findEndpoints(context, zone, service, { ...place, topology: undefined }) : found
  return all.kind === 'missing' ? { kind: 'groups', groups: [], ttl: serviceTtl(context, service).seconds } : all
}

/** Slices of imports come from their clusters: their endpoints are found by cluster too, and named after both. */
function findImport(context: ClusterContext, zone: string, place: ServiceNameParts): LookupResult {
  const { view, settings } = context
  const { namespace, service: name } = place
  const imported = view.serviceImport(namespace, name)
  if (!imported) return missing(view, 'serviceimports')
  const slices = view.importedSlices(namespace, name)
  const headless = imported.type === 'Headless'
  const ttl = importTtl(context, imported).seconds
  if (settings.ignoreEmptyServices && !headless) {
    if (view.availability('importedslices') === 'pending') return { kind: 'unknown', resources: ['importedslices'] }
    if (!hasEndpoint(view, 'importedslices', slices)) return missing(view)
  }
  const owner = serviceName(namespace, name, zone)
  if (headless || place.endpoint !== '') {
    if (!isKnown(view, 'importedslices')) return { kind: 'unknown', resources: ['importedslices'] }
    const groups = slices.flatMap((slice): readonly EndpointGroup[] => {
      const { cluster } = slice
      if (place.endpoint !== '' && cluster.toLowerCase() !== place.cluster) return []
      return endpointsAt(slice, place, cluster === '' ? owner : `${cluster}.${owner}`, settings.endpointPodNames)
    })
    return groups.length > 0 ? { kind: 'groups', groups, ttl } : missing(view)
  }
  // Unlike a Service, an import without ports has no addresses either (docs/coredns-behaviour.md §4.3).
  const ports = imported.ports.length > 0 ? matchingPorts(imported.ports, place.port, place.protocol) : []
  if (ports.length === 0) return missing(view)
  const groups = virtualAddresses(imported.ips, ports, owner)
  return groups.length > 0 ? { kind: 'groups', groups, ttl } : empty
}

function findPod({ view, settings }: ClusterContext, zone: string, namespace: string, label: string): LookupResult {
  if (settings.pods === 'disabled') return missing(view)
  const text = podAddressText(label)
  const address = unmapped(parseAddress(text))
  if (settings.pods === 'insecure' ? !address : !view.hasPod(namespace, text)) return missing(view, 'pods')
  if (!address) return missing(view, 'pods')
  const target = `${label}.${namespaceName(namespace, 'pod', zone)}`
  // Pods of the host's network share its address: each counts in the weights, as in CoreDNS.
  const pods =
    settings.pods === 'verified' ? view.podsByIP(text).filter((pod) => pod.namespace === namespace).length : 1
  const groups = Array.from({ length: Math.max(1, pods) }, () => oneAddress(address, [0], target))
  return { kind: 'groups', groups, ttl: settings.ttl }
}

/** An IPv4-mapped IPv6 address is its IPv4 address. */
function unmapped(address: Uint8Array | undefined): Uint8Array | undefined {
  if (address?.length !== 16) return address
  const mapped = address[10] === 0xff && address[11] === 0xff && address.subarray(0, 10).every((octet) => octet === 0)
  return mapped ? address.subarray(12) : address
}

/** The service whose ClusterIP this is, if it is shown: its PTR names nothing else. */
export function clusterIPOwner(context: ClusterContext, address: Uint8Array): Service | undefined {
  const service = context.view.serviceByClusterIP(formatAddress(address))
  return service && hasPointers(context, service.namespace) ? service : undefined
}

/** As in CoreDNS, whether the namespace exists counts only where the Corefile lists namespaces. */
export function hasPointers(context: ClusterContext, namespace: string): boolean {
  return context.settings.namespaces === undefined || isShown(context, namespace)
}

/** An address that is no ClusterIP stands for every ready endpoint that has it. */
function findPointers(context: ClusterContext, address: Uint8Array): LookupResult {
  const { view, settings } = context
  const service = clusterIPOwner(context, address)
  if (service) {
    const name = serviceName(service.namespace, service.name, settings.primaryZone)
    return pointers(view, [name], serviceTtl(context, service).seconds)
  }
  if (!isKnown(view, 'endpointslices')) return { kind: 'unknown', resources: ['endpointslices'] }
  const names = new Set<string>()
  let ttl = Number.POSITIVE_INFINITY
  for (const { slice, place } of view.placesByAddress(address)) {
    if (!isReady(slice, place) || slice.service === '' || !hasPointers(context, slice.namespace)) continue
    const label = endpointLabel(slice, place, settings.endpointPodNames)
    names.add(`${label}.${serviceName(slice.namespace, slice.service, settings.primaryZone)}`)
    const owner = view.service(slice.namespace, slice.service)
    ttl = Math.min(ttl, owner ? endpointsTtl(context, owner).seconds : settings.ttl)
  }
  // One RRset has one TTL (RFC 2181 §5.2): the shortest of those whose endpoints share the address.
  return pointers(view, [...names], ttl, 'endpointslices')
}

/** A slice's label may say a service's name that is none (`a..b` is a label value): it takes no other's records along. */
function pointers(view: ClusterView, texts: readonly string[], ttl: number, ...needed: Resource[]): LookupResult {
  const names = texts.filter((text) => absoluteName(text) !== undefined)
  return names.length > 0 ? { kind: 'pointers', names, ttl } : missing(view, ...needed)
}
