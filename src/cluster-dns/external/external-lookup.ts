/**
 * Names of services for clients outside the cluster (docs/coredns-behaviour.md §7, k8s_external): external addresses, and
 * reachable endpoints of headless services.
 */

import { addressOfReverseName, formatAddress, parseAddress } from '../../dns/address.ts'
import { dnsClass, type as dnsType } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { below, labelsOf, lowerName } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import type { Resource, Service } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'
import {
  type EndpointGroup,
  endpointGroup,
  isReady,
  matchingPorts,
  noPort,
  slicesWithLabel,
} from '../lookup/endpoints.ts'
import { hasPointers } from '../lookup/lookup.ts'
import { missing } from '../lookup/result.ts'
import { isKnown, isShown } from '../lookup/visibility.ts'
import { absoluteName, withoutUnderscore } from '../names/cluster-name.ts'
import { createMessageOctets } from '../records/message-octets.ts'

export interface ExternalSettings {
  /** Lower case and absolute; PTR records point into the first one. */
  readonly zones: readonly string[]
  /** The label below which the zone's name servers are. */
  readonly apex: string
  /** Seconds. */
  readonly ttl: number
  /** Endpoints of headless services have names too. */
  readonly headless: boolean
}

export type ExternalLookup =
  /** `final`: the name does not fall through, whatever the settings. */
  | { readonly kind: 'missing'; readonly final: boolean }
  | { readonly kind: 'unknown'; readonly resources: readonly Resource[] }
  /** The name exists without records. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'apex' }
  /** The zone's name server. */
  | { readonly kind: 'nameserver' }
  | { readonly kind: 'groups'; readonly groups: readonly EndpointGroup[] }
  /** Services that have the address asked for: names below the first zone. */
  | { readonly kind: 'pointers'; readonly names: readonly string[] }

/** What the cluster has at `name` (lower case, in `zone`). The type matters only for PTR. */
export function lookupExternal(
  context: ClusterContext,
  settings: ExternalSettings,
  zone: string,
  name: string,
  type: number,
): ExternalLookup {
  if (name === zone) return { kind: 'apex' }
  const labels = labelsOf(zone === '.' ? name : name.slice(0, -zone.length))
  if (labels.at(-1) === lowerName(settings.apex)) {
    if (labels.length === 1) return { kind: 'empty' }
    return labels.length === 2 && labels[0] === 'ns1' ? { kind: 'nameserver' } : { kind: 'missing', final: true }
  }
  const address = type === dnsType.PTR ? addressOfReverseName(name) : undefined
  if (address) return lookupExternalPointers(context, settings, address)
  const namespace = labels.at(-1)!
  if (!isShown(context, namespace)) return missingExternal(context)
  if (labels.length === 1) return { kind: 'empty' }
  if (labels.length > 4) return missingExternal(context)
  const service = context.view.service(namespace, labels.at(-2)!)
  return service
    ? lookupExternalService(context, settings, zone, service, labels.slice(0, -2))
    : missingExternal(context)
}

/** A missing name; unknown until everything has been listed. */
function missingExternal({ view }: ClusterContext, ...needed: Resource[]): ExternalLookup {
  const result = missing(view, ...needed)
  return result.kind === 'unknown' ? result : { kind: 'missing', final: false }
}

/** `left`: an endpoint, or port and protocol, or nothing. */
function lookupExternalService(
  context: ClusterContext,
  { headless }: ExternalSettings,
  zone: string,
  service: Service,
  left: readonly string[],
): ExternalLookup {
  const [port, protocol] = left.length === 2 ? left.map(withoutUnderscore) : ['', '']
  const endpoint = left.length === 1 ? withoutUnderscore(left[0]) : ''
  const hosts = externalHosts(service)
  const owner = below(`${service.name}.${service.namespace}`, zone)
  if (headless && hosts.length === 0 && (service.headless || endpoint !== '')) {
    return lookupExternalEndpoints(context, service, owner, endpoint, port, protocol)
  }
  // As in CoreDNS, one label left of a service with external addresses is ignored.
  const ports = matchingPorts(service.ports, port, protocol)
  const groups = ports.length > 0 ? hosts.flatMap((host) => hostGroup(host, ports, owner) ?? []) : []
  return groups.length > 0 ? { kind: 'groups', groups } : missingExternal(context)
}

function lookupExternalEndpoints(
  context: ClusterContext,
  service: Service,
  owner: string,
  endpoint: string,
  port: string,
  protocol: string,
): ExternalLookup {
  const { view, settings } = context
  if (!isKnown(view, 'endpointslices')) return { kind: 'unknown', resources: ['endpointslices'] }
  const slices = view.slices(service.namespace, service.name)
  const candidates = slicesWithLabel(view, slices, endpoint, settings.endpointPodNames)
  const groups = candidates.flatMap((slice): EndpointGroup[] => {
    const ports = matchingPorts(slice.ports, port, protocol)
    const group = endpointGroup(slice, endpoint, ports, owner, settings.endpointPodNames)
    if (group?.width !== 0) return group ? [group] : []
    return group.names.flatMap((name) => hostGroup(name, ports, owner) ?? [])
  })
  return groups.length > 0 ? { kind: 'groups', groups } : missingExternal(context, 'endpointslices')
}

/** Addresses and host names in the object's order: externalIPs before what the load balancer says. */
function externalHosts({ externalIPs, ingress }: Service): string[] {
  return [...externalIPs, ...ingress.map(({ ip, hostname }) => ip || hostname)]
}

/** Undefined for a text that is neither an address nor a name: a load balancer may be incomplete. */
function hostGroup(host: string, ports: readonly number[], owner: string): EndpointGroup | undefined {
  const address = parseAddress(host)
  if (address) {
    const width = address.length === 4 ? 4 : 16
    return { width, addresses: address, names: [], count: 1, ports, target: () => owner }
  }
  const name = host === '' ? undefined : absoluteName(host)
  return name === undefined
    ? undefined
    : { width: 0, addresses: new Uint8Array(0), names: [name], count: 1, ports, target: () => name }
}

function lookupExternalPointers(
  context: ClusterContext,
  { zones }: ExternalSettings,
  address: Uint8Array,
): ExternalLookup {
  const names: string[] = []
  const message = createMessageOctets()
  for (const { name, namespace } of context.view.servicesByExternalIP(formatAddress(address))) {
    if (message.isFull) break
    if (!hasPointers(context, namespace)) continue
    const target = below(`${name}.${namespace}`, zones[0])
    message.add(target.length + 1)
    names.push(target)
  }
  return names.length > 0 ? { kind: 'pointers', names } : missingExternal(context)
}

/** The addresses of the zone's name server: this server's external addresses if it has any, else this machine's. */
export function externalServers(context: ClusterContext, { headless }: ExternalSettings): Uint8Array[] {
  const { view, localAddresses } = context
  const servers = new Map<string, Uint8Array>()
  let known = false
  for (const local of localAddresses) {
    for (const { slice, index } of view.endpointsByAddress(local)) {
      if (!isReady(slice, index)) continue
      known = true
      const service = view.service(slice.namespace, slice.service)
      if (!service) continue
      const group = headless && service.headless ? endpointGroup(slice, '', [noPort], '', false) : undefined
      const addresses = group ? addressesOf(group) : externalHosts(service).flatMap((host) => parseAddress(host) ?? [])
      for (const address of addresses) servers.set(formatAddress(address), address)
    }
  }
  return known ? [...servers.values()] : [...localAddresses]
}

/** The addresses of a group, one by one; [] for a group of names. */
export function addressesOf({ addresses, width }: EndpointGroup): Uint8Array[] {
  if (width === 0) return []
  return Array.from({ length: addresses.length / width }, (_, i) => addresses.subarray(i * width, (i + 1) * width))
}

export const externalServerName = ({ apex }: ExternalSettings, zone: string): string => below(`ns1.${apex}`, zone)

/** Endpoint changes have a separate serial; CoreDNS raises this one for external addresses only. */
export function externalSerial({ view }: ClusterContext, { headless }: ExternalSettings): number {
  return headless ? Math.max(view.externalSerial, view.serial) : view.externalSerial
}

export function externalSoa(context: ClusterContext, settings: ExternalSettings, zone: string): ResourceRecord {
  const data = rdata.soa({
    mname: externalServerName(settings, zone),
    rname: below(`hostmaster.${settings.apex}`, zone),
    serial: externalSerial(context, settings),
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: settings.ttl,
  })
  return { name: zone, type: dnsType.SOA, class: dnsClass.IN, ttl: settings.ttl, rdata: data }
}
