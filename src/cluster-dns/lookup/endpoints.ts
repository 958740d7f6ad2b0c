/** Endpoints of a service as answers see them: which of its slices' endpoints are selected, and their names. */

import { parseAddress } from '../../dns/address.ts'
import { type ClusterView, type EndpointSlice, endpointFlag } from '../../k8s/model/types.ts'
import { absoluteName, addressLabel, type ServiceNameParts } from '../names/cluster-name.ts'

/** Addresses that share their ports: of one SRV target, or of many. */
export interface EndpointGroup {
  /** Octets an address; 0 when the group has names instead (ExternalName, FQDN slices). */
  readonly width: 4 | 16 | 0
  /** Packed, `count × width` octets. */
  readonly addresses: Uint8Array
  /** As the object writes them; `count` of them when width is 0. */
  readonly names: readonly string[]
  readonly count: number
  /** The port numbers that the name asks for; `noPort` where the object declares none. */
  readonly ports: readonly number[]
  /** What annotations set for its SRV records. */
  readonly rank?: SrvRank
  /** The SRV target of an address: absolute. */
  target(index: number): string
}

/** Each undefined where no annotation sets it: the priority is 0 then, the weight counted (docs/coredns-behaviour.md §4.4). */
export interface SrvRank {
  readonly priority: RankChoice | undefined
  readonly weight: RankChoice | undefined
}

export interface RankChoice {
  /** 0–65535. 0 is a valid weight (RFC 2782). */
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

/** The ports that a port and a protocol label select; '' selects any. */
export function matchingPorts(ports: readonly Port[], name: string, protocol: string): number[] {
  if (ports.length === 0) return name === '' && protocol === '' ? [noPort] : []
  if (ports.length > fewPorts && name !== '' && protocol !== '')
    return portsByName(ports).get(`${name}/${protocol}`) ?? []
  return ports
    .filter((port) => (name === '' || port.name === name) && (protocol === '' || port.protocol === protocol))
    .map((port) => port.port)
}

/** Up to this many are compared one by one: cheaper than an index. */
const fewPorts = 16

/** The ports of an object never change; one with 15,000 has as many names, each of which is looked up. */
const portIndexes = new WeakMap<readonly Port[], ReadonlyMap<string, number[]>>()

function portsByName(ports: readonly Port[]): ReadonlyMap<string, number[]> {
  const known = portIndexes.get(ports)
  if (known) return known
  const index = new Map<string, number[]>()
  for (const { name, protocol, port } of ports) {
    const key = `${name}/${protocol}`
    const same = index.get(key)
    if (same) same.push(port)
    else index.set(key, [port])
  }
  portIndexes.set(ports, index)
  return index
}

/** The label that an endpoint has below its service. */
export function endpointLabel(slice: EndpointSlice, index: number, podNames: boolean): string {
  const hostname = slice.hostnames?.[index]
  if (hostname) return hostname
  // A label has at most 63 octets (RFC 1035 §2.3.4); a longer pod name is not used.
  const pod = podNames ? slice.podNames?.[index] : undefined
  if (pod && pod.length < 64) return pod
  if (slice.fqdns) return slice.fqdns[index].replaceAll('.', '-')
  const width = slice.addressType === 'IPv4' ? 4 : 16
  return addressLabel(slice.addresses, index * width, width)
}

export const isReady = (slice: EndpointSlice, index: number): boolean => (slice.flags[index] & endpointFlag.ready) !== 0

export function readyCount(slice: EndpointSlice): number {
  let count = 0
  for (let index = 0; index < slice.count; index++) if (isReady(slice, index)) count++
  return count
}

/** Whether an endpoint is answered. */
export type EndpointFilter = (slice: EndpointSlice, index: number) => boolean

/** Indexes of the endpoints that pass the filter and have the `label` ('' for any), in the topology zone if given. */
function indexesOf(
  slice: EndpointSlice,
  label: string,
  podNames: boolean,
  topology: string | undefined,
  filter: EndpointFilter,
): number[] {
  const address = label === '' ? undefined : addressOfLabel(label)
  const indexes: number[] = []
  for (let index = 0; index < slice.count; index++) {
    if (!filter(slice, index)) continue
    if (topology !== undefined && slice.zones?.[index].toLowerCase() !== topology) continue
    if (label !== '' && !mayHaveLabel(slice, index, label, podNames, address)) continue
    // The API server does not check the name of the Pod that an endpoint refers to: it may have capitals.
    if (label !== '' && endpointLabel(slice, index, podNames).toLowerCase() !== label) continue
    indexes.push(index)
  }
  return indexes
}

/** Avoids building the label of each of ten thousand addresses: false only where it cannot be `label`. */
function mayHaveLabel(
  slice: EndpointSlice,
  index: number,
  label: string,
  podNames: boolean,
  address: Uint8Array | undefined,
): boolean {
  if (slice.hostnames?.[index]) return slice.hostnames[index] === label
  if (podNames || slice.fqdns) return true
  const width = slice.addressType === 'IPv4' ? 4 : 16
  if (address?.length !== width) return false
  for (let i = 0; i < width; i++) if (slice.addresses[index * width + i] !== address[i]) return false
  return true
}

function addressOfLabel(label: string): Uint8Array | undefined {
  return (
    parseAddress(label.replaceAll('-', '.')) ??
    parseAddress(label.replaceAll('-', ':')) ??
    parseAddress(label.slice(0, -1).replaceAll('-', ':'))
  )
}

/** The slices that may have an endpoint with the `label`: most of a hundred do not have its address. */
export function slicesWithLabel(
  view: Pick<ClusterView, 'endpointsByAddress'>,
  slices: readonly EndpointSlice[],
  label: string,
  podNames: boolean,
): readonly EndpointSlice[] {
  if (label === '' || slices.length < 2) return slices
  const address = addressOfLabel(label)
  const holders = new Set(address && view.endpointsByAddress(address).map(({ slice }) => slice))
  return slices.filter((slice) => slice.hostnames || slice.fqdns || (podNames && slice.podNames) || holders.has(slice))
}

/**
 * A slice's endpoints that pass the filter and have the `label`, with the ports given; undefined when there are none.
 * `topology` (lower case): only those in this topology zone.
 */
export function endpointGroup(
  slice: EndpointSlice,
  label: string,
  ports: readonly number[],
  owner: string,
  podNames: boolean,
  topology?: string,
  filter: EndpointFilter = isReady,
): EndpointGroup | undefined {
  if (ports.length === 0) return undefined
  const indexes = indexesOf(slice, label, podNames, topology, filter)
  if (indexes.length === 0) return undefined
  const width = slice.fqdns ? 0 : slice.addressType === 'IPv4' ? 4 : 16
  return {
    width,
    addresses: indexes.length === slice.count ? slice.addresses : pick(slice.addresses, indexes, width),
    names: slice.fqdns ? indexes.map((index) => slice.fqdns![index]) : [],
    count: indexes.length,
    ports,
    target: (i) => `${endpointLabel(slice, indexes[i], podNames)}.${owner}`,
  }
}

function pick(addresses: Uint8Array, indexes: readonly number[], width: number): Uint8Array {
  const picked = new Uint8Array(indexes.length * width)
  for (let i = 0; i < indexes.length; i++) {
    for (let octet = 0; octet < width; octet++) picked[i * width + octet] = addresses[indexes[i] * width + octet]
  }
  return picked
}

/** The endpoints of a slice that a name selects, below `owner`: one group, or none. */
export function endpointsAt(
  slice: EndpointSlice,
  clusterName: Pick<ServiceNameParts, 'endpoint' | 'port' | 'protocol' | 'topology'>,
  owner: string,
  podNames: boolean,
  filter: EndpointFilter = isReady,
): readonly EndpointGroup[] {
  const ports = matchingPorts(slice.ports, clusterName.port, clusterName.protocol)
  const group = endpointGroup(slice, clusterName.endpoint, ports, owner, podNames, clusterName.topology?.zone, filter)
  if (!group) return []
  return [group.width === 0 ? namesGroup(slice, group) : group]
}

const absoluteNames = new WeakMap<EndpointSlice, readonly string[]>()

/** With absolute names; texts that are not names are left out. A slice of a thousand names is parsed once. */
function namesGroup(slice: EndpointSlice, group: EndpointGroup): EndpointGroup {
  const parsed = group.count === slice.count ? absoluteNames.get(slice) : undefined
  const names = parsed ?? group.names.flatMap((text) => absoluteName(text) ?? [])
  if (group.count === slice.count) absoluteNames.set(slice, names)
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
