/** Endpoints of a service as answers see them: which places of its slices count, and what they are called. */

import { parseAddress } from '../../dns/address.ts'
import { type ClusterView, type EndpointSlice, endpointFlag } from '../../k8s/model/types.ts'
import { absoluteName, addressLabel, type ServiceNameParts } from '../names/cluster-name.ts'

/** Addresses that share their ports. What stands behind one SRV target, or behind many. */
export interface EndpointGroup {
  /** Octets an address; 0 when the group has names instead (ExternalName, FQDN slices). */
  readonly width: 4 | 16 | 0
  /** Packed, `count × width` octets. */
  readonly addresses: Uint8Array
  /** As the object writes them; `count` of them when width is 0. */
  readonly names: readonly string[]
  readonly count: number
  /** Port numbers that were asked for; `noPort` where the object declares none. */
  readonly ports: readonly number[]
  /** What annotations say of its SRV records. */
  readonly rank?: SrvRank
  /** The SRV target of an address: absolute. */
  target(index: number): string
}

/**
 * Each undefined where nobody says it: the priority is 0 then, and the weight counted (docs/coredns-behaviour.md §4.4).
 */
export interface SrvRank {
  readonly priority: RankChoice | undefined
  readonly weight: RankChoice | undefined
}

export interface RankChoice {
  /** 0–65535; a weight of 0 is one, too (RFC 2782). */
  readonly value: number
  /** For `explain`. */
  readonly source: string
}

/**
 * Stands for the port of an object without ports, and for one that has a name and no number: such ports have addresses
 * but no SRV records (docs/coredns-behaviour.md §4.3).
 */
export const noPort = -1

interface Port {
  readonly name: string
  readonly protocol: string
  readonly port: number
}

/** The ports that a port and protocol label (either may be '' for any) speak of. */
export function matchingPorts(ports: readonly Port[], name: string, protocol: string): number[] {
  if (ports.length === 0) return name === '' && protocol === '' ? [noPort] : []
  return ports
    .filter((port) => (name === '' || port.name === name) && (protocol === '' || port.protocol === protocol))
    .map((port) => port.port)
}

/** The label that an endpoint has below its service. */
export function endpointLabel(slice: EndpointSlice, place: number, podNames: boolean): string {
  const hostname = slice.hostnames?.[place]
  if (hostname) return hostname
  // A label has at most 63 octets (RFC 1035 §2.3.4); longer pod names are passed over.
  const pod = podNames ? slice.podNames?.[place] : undefined
  if (pod && pod.length < 64) return pod
  if (slice.fqdns) return slice.fqdns[place].replaceAll('.', '-')
  const width = slice.addressType === 'IPv4' ? 4 : 16
  return addressLabel(slice.addresses, place * width, width)
}

export const isReady = (slice: EndpointSlice, place: number): boolean => (slice.flags[place] & endpointFlag.ready) !== 0

export function readyCount(slice: EndpointSlice): number {
  let count = 0
  for (let place = 0; place < slice.count; place++) if (isReady(slice, place)) count++
  return count
}

/** Whether an endpoint is one that is told. */
export type EndpointFilter = (slice: EndpointSlice, place: number) => boolean

/** The places of a slice that count and answer to `label` ('' for any), in the topology zone if one is given. */
function placesOf(
  slice: EndpointSlice,
  label: string,
  podNames: boolean,
  topology: string | undefined,
  counts: EndpointFilter,
): number[] {
  const address = label === '' ? undefined : addressOfLabel(label)
  const places: number[] = []
  for (let place = 0; place < slice.count; place++) {
    if (!counts(slice, place)) continue
    if (topology !== undefined && slice.zones?.[place].toLowerCase() !== topology) continue
    if (label !== '' && !mayBeCalled(slice, place, label, podNames, address)) continue
    // The name of a Pod that an endpoint refers to is nobody's to check: it may have capitals.
    if (label !== '' && endpointLabel(slice, place, podNames).toLowerCase() !== label) continue
    places.push(place)
  }
  return places
}

/** Spares building the label of each of ten thousand addresses: false only where it cannot be `label`. */
function mayBeCalled(
  slice: EndpointSlice,
  place: number,
  label: string,
  podNames: boolean,
  address: Uint8Array | undefined,
): boolean {
  if (slice.hostnames?.[place]) return slice.hostnames[place] === label
  if (podNames || slice.fqdns) return true
  const width = slice.addressType === 'IPv4' ? 4 : 16
  if (address?.length !== width) return false
  for (let i = 0; i < width; i++) if (slice.addresses[place * width + i] !== address[i]) return false
  return true
}

function addressOfLabel(label: string): Uint8Array | undefined {
  return (
    parseAddress(label.replaceAll('-', '.')) ??
    parseAddress(label.replaceAll('-', ':')) ??
    parseAddress(label.slice(0, -1).replaceAll('-', ':'))
  )
}

/** Those of a service's slices that may have an endpoint called `label`: most of a hundred do not have its address. */
export function slicesCalled(
  view: Pick<ClusterView, 'placesByAddress'>,
  slices: readonly EndpointSlice[],
  label: string,
  podNames: boolean,
): readonly EndpointSlice[] {
  if (label === '' || slices.length < 2) return slices
  const address = addressOfLabel(label)
  const holders = new Set(address && view.placesByAddress(address).map(({ slice }) => slice))
  return slices.filter((slice) => slice.hostnames || slice.fqdns || (podNames && slice.podNames) || holders.has(slice))
}

/**
 * A slice's ready endpoints that answer to `label`, with the ports given; undefined when there are none. `topology`
 * (lower case): only those in this topology zone.
 */
export function endpointGroup(
  slice: EndpointSlice,
  label: string,
  ports: readonly number[],
  owner: string,
  podNames: boolean,
  topology?: string,
  counts: EndpointFilter = isReady,
): EndpointGroup | undefined {
  if (ports.length === 0) return undefined
  const places = placesOf(slice, label, podNames, topology, counts)
  if (places.length === 0) return undefined
  const width = slice.fqdns ? 0 : slice.addressType === 'IPv4' ? 4 : 16
  return {
    width,
    addresses: places.length === slice.count ? slice.addresses : pick(slice.addresses, places, width),
    names: slice.fqdns ? places.map((place) => slice.fqdns![place]) : [],
    count: places.length,
    ports,
    target: (index) => `${endpointLabel(slice, places[index], podNames)}.${owner}`,
  }
}

function pick(addresses: Uint8Array, places: readonly number[], width: number): Uint8Array {
  const picked = new Uint8Array(places.length * width)
  for (let i = 0; i < places.length; i++) {
    for (let octet = 0; octet < width; octet++) picked[i * width + octet] = addresses[places[i] * width + octet]
  }
  return picked
}

/** The ready endpoints of a slice that a place speaks of, below `owner`: one group, or none. */
export function endpointsAt(
  slice: EndpointSlice,
  place: Pick<ServiceNameParts, 'endpoint' | 'port' | 'protocol' | 'topology'>,
  owner: string,
  podNames: boolean,
  counts: EndpointFilter = isReady,
): readonly EndpointGroup[] {
  const ports = matchingPorts(slice.ports, place.port, place.protocol)
  const group = endpointGroup(slice, place.endpoint, ports, owner, podNames, place.topology?.zone, counts)
  if (!group) return []
  return [group.width === 0 ? namesGroup(group) : group]
}

function namesGroup(group: EndpointGroup): EndpointGroup {
  const names = group.names.flatMap((text) => absoluteName(text) ?? [])
  return { ...group, names, count: names.length }
}

/** Addresses that stand for a whole service. */
export function virtualAddresses(ips: readonly string[], ports: readonly number[], target: string): EndpointGroup[] {
  return ips.flatMap((ip): EndpointGroup[] => {
    const address = parseAddress(ip)
    return address ? [oneAddress(address, ports, target)] : []
  })
}

export function oneAddress(address: Uint8Array, ports: readonly number[], target: string): EndpointGroup {
  const width = address.length === 4 ? 4 : 16
  return { width, addresses: address, names: [], count: 1, ports, target: () => target }
}
