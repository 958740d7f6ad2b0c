/** What the cluster has at a name: the step between a name and its records, the same for every record type. */

import { formatAddress, parseAddress } from '../../dns/address.ts'
import type { ClusterView, EndpointSlice, Resource, Service } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'
import { lookupBrowse, lookupInstance } from '../features/dns-sd/browsing.ts'
import { listsEndpoints } from '../features/endpoints/listed.ts'
import { isGrpcConfig, lookupGrpcConfig } from '../features/grpc-config/config-name.ts'
import { withTexts } from '../features/metadata/texts.ts'
import { splitOf } from '../features/split/split-backends.ts'
import { lookupSplit } from '../features/split/split-lookup.ts'
import { ranked } from '../features/srv/rank.ts'
import { endpointsTtl, importTtl, serviceTtl } from '../features/ttl/ttl.ts'
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
import { createMessageOctets } from '../records/message-octets.ts'
import { selectEndpoints } from './endpoint-selection.ts'
import {
  type EndpointGroup,
  endpointLabel,
  endpointsAt,
  isReady,
  matchingPorts,
  oneAddress,
  slicesWithLabel,
  virtualAddresses,
} from './endpoints.ts'
import { type LookupResult, missing } from './result.ts'
import { hasEndpoint, isHiddenWhenEmpty, isKnown, isShown, mayBeHidden } from './visibility.ts'

const empty: LookupResult = { kind: 'empty' }

export function lookup(context: ClusterContext, zone: string, clusterName: ClusterName): LookupResult {
  const { view, settings } = context
  switch (clusterName.kind) {
    case 'apex': {
      const { address } = clusterName
      return address ? { kind: 'apex', pointers: lookupPointers(context, address) } : { kind: 'apex' }
    }
    case 'version':
    case 'nameserver':
      return { kind: clusterName.kind }
    case 'tree':
      return empty
    case 'namespace':
      if (!isShown(context, clusterName.namespace)) return missing(view)
      return clusterName.tree === 'pod' && settings.pods === 'disabled' ? missing(view) : empty
    case 'pod':
      if (!isShown(context, clusterName.namespace)) return missing(view)
      return lookupPod(context, zone, clusterName.namespace, clusterName.label)
    case 'service':
      if (!isShown(context, clusterName.namespace)) return missing(view)
      return clusterName.imported ? lookupImport(context, zone, clusterName) : lookupService(context, zone, clusterName)
    case 'browse':
      return lookupBrowse(context, zone, clusterName)
    case 'reverse':
      return lookupPointers(context, clusterName.address)
    case 'nowhere':
      return missing(view)
  }
}

function lookupService(context: ClusterContext, zone: string, clusterName: ServiceNameParts): LookupResult {
  const { view, settings } = context
  const service = view.service(clusterName.namespace, clusterName.service)
  if (!service) return missing(view)
  if (mayBeHidden(settings, service) && view.availability('endpointslices') === 'pending') {
    return { kind: 'unknown', resources: ['endpointslices'] }
  }
  if (isHiddenWhenEmpty(context, service)) return missing(view)
  if (isGrpcConfig(clusterName)) return lookupGrpcConfig(context, service) ?? missing(view)
  if (clusterName.endpoint === everyEndpoint) return lookupEveryEndpoint(context, zone, service, clusterName)
  const result = lookupRecords(context, zone, service, clusterName)
  if (clusterName.instance) return lookupInstance(context, service, clusterName, result)
  return isServiceItself(clusterName) ? withTexts(context, service, result) : result
}

function lookupRecords(
  context: ClusterContext,
  zone: string,
  service: Service,
  clusterName: ServiceNameParts,
): LookupResult {
  const { endpoint, topology } = clusterName
  if (topology) {
    if (!service.headless) return missing(context.view)
    return lookupTopologyZone(context, zone, service, clusterName, topology)
  }
  const backends = endpoint === '' ? splitOf(context, service) : undefined
  if (backends) return lookupSplit(context, zone, service, backends, clusterName)
  if (service.type === 'ExternalName') return lookupExternalName(context, service, clusterName)
  if (service.headless || endpoint !== '') return lookupEndpoints(context, zone, service, clusterName)
  return lookupClusterIPs(context, zone, service, clusterName)
}

function lookupClusterIPs(
  context: ClusterContext,
  zone: string,
  service: Service,
  { port, protocol }: ServiceNameParts,
): LookupResult {
  const { view, settings } = context
  const ports = matchingPorts(service.ports, port, protocol)
  if (ports.length === 0) return missing(view)
  const groups = virtualAddresses(service.clusterIPs, ports, serviceName(service.namespace, service.name, zone))
  if (groups.length === 0) return empty
  const slices = settings.ignoreEmptyServices ? view.slices(service.namespace, service.name) : []
  const ttl = Math.min(serviceTtl(context, service).seconds, selectEndpoints(settings, slices).maxTtl)
  return { kind: 'groups', groups: groups.map((group) => ranked(group, context, service, undefined)), ttl }
}

function lookupExternalName(context: ClusterContext, service: Service, clusterName: ServiceNameParts): LookupResult {
  const { view } = context
  const below = clusterName.endpoint !== '' || clusterName.port !== '' || clusterName.protocol !== ''
  if (below || parseAddress(service.externalName)) return missing(view)
  const target = absoluteName(service.externalName)
  if (target === undefined) return missing(view)
  const group: EndpointGroup = { width: 0, addresses: none, names: [target], count: 1, ports: [], target: () => target }
  return { kind: 'groups', groups: [group], ttl: serviceTtl(context, service).seconds }
}

const none = new Uint8Array(0)

function lookupEndpoints(
  context: ClusterContext,
  zone: string,
  service: Service,
  clusterName: ServiceNameParts,
): LookupResult {
  const { view, settings } = context
  if (!isKnown(view, 'endpointslices')) return { kind: 'unknown', resources: ['endpointslices'] }
  const owner = serviceName(service.namespace, service.name, zone)
  const slices = view.slices(service.namespace, service.name)
  const { filter, maxTtl } = selectEndpoints(settings, slices)
  const candidates = slicesWithLabel(view, slices, clusterName.endpoint, settings.endpointPodNames)
  const groups = candidates.flatMap((slice) =>
    endpointsAt(slice, clusterName, owner, settings.endpointPodNames, filter).map((group) =>
      ranked(group, context, service, slice),
    ),
  )
  if (groups.length === 0) return missing(view, 'endpointslices')
  return { kind: 'groups', groups, ttl: Math.min(endpointsTtl(context, service).seconds, maxTtl) }
}

/** The endpoints that a service lists by annotation, answered as those of a headless service. */
function lookupEveryEndpoint(
  context: ClusterContext,
  zone: string,
  service: Service,
  clusterName: ServiceNameParts,
): LookupResult {
  if (!listsEndpoints(context, service)) return missing(context.view)
  return lookupEndpoints(context, zone, service, { ...clusterName, endpoint: '' })
}

/**
 * Every topology zone has a name below a headless service. The name has no records where the zone has no endpoint (`pin`),
 * or where the service has no endpoint at all (`prefer`).
 */
function lookupTopologyZone(
  context: ClusterContext,
  zone: string,
  service: Service,
  clusterName: ServiceNameParts,
  { mode }: Topology,
): LookupResult {
  const inZone = lookupEndpoints(context, zone, service, clusterName)
  if (inZone.kind !== 'missing') return inZone
  const all =
    mode === 'prefer' ? lookupEndpoints(context, zone, service, { ...clusterName, topology: undefined }) : inZone
  return all.kind === 'missing' ? { kind: 'groups', groups: [], ttl: serviceTtl(context, service).seconds } : all
}

/** Slices of imports come from other clusters: their endpoints are named after the cluster too. */
function lookupImport(context: ClusterContext, zone: string, clusterName: ServiceNameParts): LookupResult {
  const { view, settings } = context
  const { namespace, service: name, endpoint } = clusterName
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
  if (headless || endpoint !== '') {
    if (!isKnown(view, 'importedslices')) return { kind: 'unknown', resources: ['importedslices'] }
    const groups = slices.flatMap((slice): readonly EndpointGroup[] => {
      const { cluster } = slice
      if (endpoint !== '' && cluster.toLowerCase() !== clusterName.cluster) return []
      return endpointsAt(slice, clusterName, cluster === '' ? owner : `${cluster}.${owner}`, settings.endpointPodNames)
    })
    return groups.length > 0 ? { kind: 'groups', groups, ttl } : missing(view)
  }
  // Unlike a Service, an import without ports has no addresses either (docs/coredns-behaviour.md §4.3).
  const ports = imported.ports.length > 0 ? matchingPorts(imported.ports, clusterName.port, clusterName.protocol) : []
  if (ports.length === 0) return missing(view)
  const groups = virtualAddresses(imported.ips, ports, owner)
  return groups.length > 0 ? { kind: 'groups', groups, ttl } : empty
}

function lookupPod({ view, settings }: ClusterContext, zone: string, namespace: string, label: string): LookupResult {
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

/** The visible service that has this ClusterIP: the address has no other PTR record. */
export function clusterIPOwner(context: ClusterContext, address: Uint8Array): Service | undefined {
  const service = context.view.serviceByClusterIP(formatAddress(address))
  return service && hasPointers(context, service.namespace) ? service : undefined
}

/** As in CoreDNS, the namespace has to exist only where the Corefile lists namespaces. */
export function hasPointers(context: ClusterContext, namespace: string): boolean {
  return context.settings.namespaces === undefined || isShown(context, namespace)
}

/** An address that is not a ClusterIP has a PTR record for every ready endpoint with it. */
function lookupPointers(context: ClusterContext, address: Uint8Array): LookupResult {
  const { view, settings } = context
  const service = clusterIPOwner(context, address)
  if (service) {
    const name = serviceName(service.namespace, service.name, settings.primaryZone)
    return pointers(view, [name], serviceTtl(context, service).seconds)
  }
  if (!isKnown(view, 'endpointslices')) return { kind: 'unknown', resources: ['endpointslices'] }
  const names = new Set<string>()
  const message = createMessageOctets()
  let ttl = Number.POSITIVE_INFINITY
  let previous: EndpointSlice | undefined
  // Thousands of endpoints may have one address.
  for (const { slice, index } of view.endpointsByAddress(address)) {
    if (message.isFull) break
    if (!isReady(slice, index) || slice.service === '' || !hasPointers(context, slice.namespace)) continue
    const label = endpointLabel(slice, index, settings.endpointPodNames)
    const name = `${label}.${serviceName(slice.namespace, slice.service, settings.primaryZone)}`
    if (!names.has(name)) message.add(name.length + 1)
    names.add(name)
    if (slice === previous) continue
    previous = slice
    const owner = view.service(slice.namespace, slice.service)
    ttl = Math.min(ttl, owner ? endpointsTtl(context, owner).seconds : settings.ttl)
  }
  // One RRset has one TTL (RFC 2181 §5.2): the shortest of those whose endpoints share the address.
  return pointers(view, [...names], ttl, 'endpointslices')
}

/** An invalid name is left out singly: the service's name in a slice's label need not be a DNS name (`a..b`). */
function pointers(view: ClusterView, texts: readonly string[], ttl: number, ...needed: Resource[]): LookupResult {
  const names = texts.filter((text) => absoluteName(text) !== undefined)
  return names.length > 0 ? { kind: 'pointers', names, ttl } : missing(view, ...needed)
}
