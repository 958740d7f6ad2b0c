/**
 * The SRV records of a split, weighted so that each backend gets its share of each port (docs/design.md §8). A split over
 * 32,000 endpoints is answered in parts: each reply has one part of every backend, and all parts together have them all.
 */
import type { ServicesSpec, VariantsSpec } from '../../../table/spec.ts'
import type { EndpointGroup } from '../../lookup/endpoints.ts'
import { addAddress, addRecord, createSrvSet, type SrvSet, servicesOf, srvTarget } from '../../records/srv-set.ts'
import type { PortName } from './backend-state.ts'
import type { SelectableBackend, SplitLookup } from './selection.ts'
import { allocateWeights, type WeightAllocation } from './weights.ts'

/** Records of one part: about what a message of 64 KiB holds. */
const maxPartRecords = 1024
/** Backends × ports of one part. */
const maxPartBackends = 512
/** Records that are computed ahead of a query, for all selections together. */
const maxStoredRecords = 4096
const maxParts = 256

/** One of several sets of SRV records, selected by weight and computed when it is selected. */
export interface ServicesChoice {
  readonly kind: 'services-choice'
  readonly ttl: number
  readonly sets: readonly ServicesSet[]
}

interface ServicesSet {
  readonly weight: number
  services(): ServicesSpec | ServicesChoice | { readonly kind: 'nodata' }
}

/** One port's targets and their weights. */
export interface WeightedPort {
  readonly port: PortName
  readonly backends: readonly SelectableBackend[]
  /** By backend: its targets, or those of one part of them. */
  readonly targets: readonly (readonly Server[])[]
  /** Sets of records with the backends' runs, of which one is selected for a reply. */
  readonly layouts: readonly WeightAllocation[]
}

/** A target at a port. */
interface Server {
  readonly name: string
  readonly port: number
  readonly addresses: Uint8Array[]
}

/** A part of a split's ports and, of each backend, of its endpoints. */
interface Part {
  readonly ports: Fraction
  readonly endpoints: Fraction
}

/** The `index`th of `of` equal parts. */
interface Fraction {
  readonly index: number
  readonly of: number
}

export function splitServices(
  split: SplitLookup,
  ttl: number,
): ServicesSpec | VariantsSpec | ServicesChoice | { readonly kind: 'nodata' } {
  const parts = partsOf(split)
  if (parts.length > 1) {
    const sets = parts.map((part) => ({ weight: 1, services: () => oneOf(setsOf(split, part, ttl), ttl) }))
    return { kind: 'services-choice', ttl, sets }
  }
  const sets = setsOf(split, parts[0], ttl)
  const isStored = sets.length > 1 && sets.reduce((sum, { size }) => sum + size, 0) <= maxStoredRecords
  if (!isStored) return oneOf(sets, ttl)
  return { kind: 'variants', variants: sets.map(({ weight, services }) => ({ weight, answer: services() })) }
}

function oneOf(sets: readonly SizedSet[], ttl: number): ServicesSpec | ServicesChoice | { readonly kind: 'nodata' } {
  if (sets.length === 0) return { kind: 'nodata' }
  return sets.length === 1 ? sets[0].services() : { kind: 'services-choice', ttl, sets }
}

/** The ports of the first part, and the number of parts, for `explain`. */
export function explainedPorts(split: SplitLookup): {
  readonly ports: readonly WeightedPort[]
  readonly parts: number
} {
  const parts = partsOf(split)
  return { ports: weightedPorts(split, parts[0]), parts: parts.length }
}

/** At least one. */
function partsOf(split: SplitLookup): Part[] {
  const { portCount, backendCount, endpointCount } = split
  const portsOfPart = Math.max(1, Math.floor(maxPartBackends / backendCount))
  const portParts = Math.max(1, Math.ceil(portCount / portsOfPart))
  const records = portParts === 1 ? recordCount(split) : portsOfPart * endpointCount
  const endpointParts = Math.max(1, Math.ceil(records / maxPartRecords))
  const all = portParts * endpointParts
  const count = Math.min(all, maxParts)
  return Array.from({ length: count }, (_, i) => {
    const part = Math.floor((i * all) / count)
    return {
      ports: { index: part % portParts, of: portParts },
      endpoints: { index: Math.floor(part / portParts), of: endpointParts },
    }
  })
}

/** A backend may lack some of the ports. */
function recordCount(split: SplitLookup): number {
  if (split.portCount * split.endpointCount <= maxPartRecords) return split.portCount * split.endpointCount
  return split
    .servers(0, split.portCount)
    .reduce((sum, { backends }) => sum + backends.reduce((all, { groups }) => all + entriesOf(groups), 0), 0)
}

const entriesOf = (groups: readonly EndpointGroup[]): number => groups.reduce((sum, { count }) => sum + count, 0)

const rangeOf = ({ index, of }: Fraction, count: number): readonly [from: number, to: number] => [
  Math.floor((index * count) / of),
  Math.floor(((index + 1) * count) / of),
]

function weightedPorts(split: SplitLookup, { ports, endpoints }: Part): WeightedPort[] {
  return split.servers(...rangeOf(ports, split.portCount)).map(({ port, backends }) => {
    const targets = backends.map(({ groups }) => serversOf(groups, endpoints))
    const layouts = allocateWeights(backends.map(({ share }, i) => ({ share, targets: targets[i].length })))
    return { port, backends, targets, layouts }
  })
}

/** The targets in a part of the endpoints, each once, with all of its addresses. At least one. */
function serversOf(groups: readonly EndpointGroup[], part: Fraction): Server[] {
  const servers = new Map<string, Server>()
  const [from, end] = rangeOf(part, entriesOf(groups))
  // A backend with fewer endpoints than parts repeats some of them.
  const to = Math.max(end, from + 1)
  let before = 0
  for (const group of groups) {
    const { width, count, addresses } = group
    const [port] = group.ports
    for (let i = Math.max(0, from - before); i < Math.min(count, to - before); i++) {
      const name = group.target(i)
      const key = `${port} ${name}`
      let server = servers.get(key)
      if (!server) {
        server = { name, port, addresses: [] }
        servers.set(key, server)
      }
      if (width > 0) server.addresses.push(addresses.subarray(i * width, (i + 1) * width))
    }
    before += count
  }
  return [...servers.values()]
}

interface SizedSet extends ServicesSet {
  /** Records at most. */
  readonly size: number
  services(): ServicesSpec
}

/** A part as the sets of its layouts; ports with fewer layouts repeat them. */
function setsOf(split: SplitLookup, part: Part, ttl: number): SizedSet[] {
  const ports = weightedPorts(split, part)
  if (ports.length === 0) return []
  const longest = ports.reduce((most, port) => (port.layouts.length > most.layouts.length ? port : most))
  return longest.layouts.map(({ weight }, i) => ({
    weight,
    size: ports.reduce(
      (sum, port) => sum + layoutAt(port, i).runs.reduce((all, { from, to }) => all + to - from, 0),
      0,
    ),
    services: () => servicesAt(ports, i, split.priority, ttl),
  }))
}

const layoutAt = ({ layouts }: WeightedPort, i: number): WeightAllocation => layouts[i % layouts.length]

function servicesAt(ports: readonly WeightedPort[], i: number, priority: number, ttl: number): ServicesSpec {
  const set = createSrvSet()
  for (const port of ports) addPort(set, port, layoutAt(port, i), priority)
  const services = servicesOf(set, ttl)
  return set.records.length > 1 ? { ...services, order: 'weighted' } : services
}

function addPort(set: SrvSet, port: WeightedPort, { runs }: WeightAllocation, priority: number): void {
  for (const [backend, { from, to, weight, heavier }] of runs.entries()) {
    for (let at = from; at < to; at++) {
      const server = port.targets[backend][at]
      const target = srvTarget(set, server.name)
      if (!target) continue
      for (const address of server.addresses) addAddress(target, address)
      // Backends of one port may share a target: its weights add up. Two ports may share a number (tcp, udp).
      addRecord(set, target, server.port, priority, at - from < heavier ? weight + 1 : weight, port)
    }
  }
}
