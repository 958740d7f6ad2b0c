/** What a split answers: addresses of one backend per reply, SRV records of all in proportion (docs/design.md §8). */
import { type as dnsType } from '../../../dns/codes.ts'
import { rdata } from '../../../dns/rdata.ts'
import type { AddressesSpec, RecordsSpec, ServicesSpec, VariantsSpec } from '../../../table/spec.ts'
import type { EndpointGroup } from '../../lookup/endpoints.ts'
import { distinctAddresses } from '../../records/distinct-addresses.ts'
import { createSrvTargets } from '../../records/srv-targets.ts'
import type { PortName } from './backend-state.ts'
import type { SelectableBackend, SplitLookup } from './split-lookup.ts'
import { allocateWeights, type WeightAllocation } from './weights.ts'

/** Names and addresses, in this order: CNAME records are followed by what their targets resolve to. */
export interface ChaseSpec {
  readonly kind: 'chase'
  readonly groups: readonly EndpointGroup[]
  readonly ttl: number
}

/** One of several answers, selected by weight; the target of a CNAME has to be resolved first. */
export interface ChoiceSpec {
  readonly kind: 'choice'
  readonly variants: readonly { readonly weight: number; readonly answer: AddressesSpec | ChaseSpec }[]
}

export type SplitAnswer =
  | AddressesSpec
  | ServicesSpec
  | RecordsSpec
  | VariantsSpec
  | ChaseSpec
  | ChoiceSpec
  | { readonly kind: 'nodata' }

const nodata: SplitAnswer = { kind: 'nodata' }

export function splitAnswer(split: SplitLookup, type: number, ttl: number): SplitAnswer {
  switch (type) {
    case dnsType.A:
      return hostsAnswer(split, 4, ttl)
    case dnsType.AAAA:
      return hostsAnswer(split, 16, ttl)
    case dnsType.SRV:
      return serversAnswer(split, ttl)
    case dnsType.CNAME:
      return aliasAnswer(split, ttl)
    default:
      return nodata
  }
}

/** A backend without addresses of the family is not selected for it. */
function hostsAnswer({ hosts }: SplitLookup, width: 4 | 16, ttl: number): SplitAnswer {
  const variants = hosts.flatMap(({ share, groups }): ChoiceSpec['variants'][number][] => {
    if (groups.some((group) => group.width === 0)) {
      return [{ weight: share, answer: { kind: 'chase', groups, ttl } }]
    }
    const addresses = distinctAddresses(groups, width)
    return addresses.length > 0 ? [{ weight: share, answer: { kind: 'addresses', ttl, addresses } }] : []
  })
  if (variants.length === 0) return nodata
  if (variants.length === 1) return variants[0].answer
  return isStorable(variants) ? { kind: 'variants', variants } : { kind: 'choice', variants }
}

const isStorable = (variants: ChoiceSpec['variants']): variants is VariantsSpec['variants'] & ChoiceSpec['variants'] =>
  variants.every(({ answer }) => answer.kind === 'addresses')

/** A CNAME must be the only record (RFC 1034 §3.6.2): there is one while an ExternalName is the only backend. */
function aliasAnswer({ hosts }: SplitLookup, ttl: number): SplitAnswer {
  const [only] = hosts
  const [group] = only.groups
  if (hosts.length > 1 || group.width !== 0 || group.count === 0) return nodata
  const record = { owner: '', type: dnsType.CNAME, ttl, rdata: rdata.name(group.names[0]) }
  return { kind: 'records', answer: [record], additional: [] }
}

/** One port's targets and their weights. */
export interface WeightedPort {
  readonly port: PortName
  readonly backends: readonly SelectableBackend[]
  /** By backend: its targets. */
  readonly targets: readonly (readonly Server[])[]
  /** Sets of records with the backends' runs, of which one is selected for a reply. */
  readonly layouts: readonly WeightAllocation[]
}

/** A target at a port. */
export interface Server {
  readonly name: string
  readonly port: number
  readonly addresses: readonly Uint8Array[]
}

export function weightedPorts({ servers }: SplitLookup): WeightedPort[] {
  return servers().map(({ port, backends }) => {
    const targets = backends.map(({ groups }) => serversOf(groups))
    const layouts = allocateWeights(backends.map(({ share }, i) => ({ share, targets: targets[i].length })))
    return { port, backends, targets, layouts }
  })
}

function serversAnswer(split: SplitLookup, ttl: number): SplitAnswer {
  const ports = weightedPorts(split)
  if (ports.length === 0) return nodata
  const longest = ports.reduce((most, port) => (port.layouts.length > most.layouts.length ? port : most))
  const variants = longest.layouts.map(({ weight }, i) => ({
    weight,
    answer: serviceSpec(ports, i, split.priority, ttl),
  }))
  return variants.length === 1 ? variants[0].answer : { kind: 'variants', variants }
}

/** Each target once, with all of its addresses. */
function serversOf(groups: readonly EndpointGroup[]): Server[] {
  const byPort = new Map<number, Map<string, { name: string; port: number; addresses: Uint8Array[] }>>()
  for (const group of groups) {
    const [port] = group.ports
    const servers = byPort.get(port) ?? new Map<string, { name: string; port: number; addresses: Uint8Array[] }>()
    byPort.set(port, servers)
    for (let i = 0; i < group.count; i++) {
      const name = group.target(i)
      let server = servers.get(name)
      if (!server) {
        server = { name, port, addresses: [] }
        servers.set(name, server)
      }
      if (group.width > 0) server.addresses.push(group.addresses.subarray(i * group.width, (i + 1) * group.width))
    }
  }
  return [...byPort.values()].flatMap((servers) => [...servers.values()])
}

/** The records of one layout of each port; ports with fewer of them begin anew. */
function serviceSpec(ports: readonly WeightedPort[], i: number, priority: number, ttl: number): ServicesSpec {
  const targets = createSrvTargets()
  const records: MadeRecord[] = []
  const ofTarget: MadeRecord[][] = []
  for (const port of ports) {
    const { runs } = port.layouts[i % port.layouts.length]
    for (const [backend, { from, to, weight, heavier }] of runs.entries()) {
      for (let at = from; at < to; at++) {
        const server = port.targets[backend][at]
        const target = targets.of(server.name)
        for (const address of server.addresses) targets.add(target, address)
        const own = at - from < heavier ? weight + 1 : weight
        // Two backends may share a target, and two ports of a service a number (tcp, udp).
        ofTarget[target.index] ??= []
        const known = ofTarget[target.index].find((record) => record.port === server.port)
        if (known) {
          if (known.by === port) known.weight = Math.min(0xffff, known.weight + own)
          continue
        }
        const made = { priority, weight: own, port: server.port, target: target.index, by: port }
        ofTarget[target.index].push(made)
        records.push(made)
      }
    }
  }
  const answer = { kind: 'services' as const, ttl, targets: targets.all(), records }
  return records.length > 1 ? { ...answer, order: 'weighted' } : answer
}

interface MadeRecord {
  readonly priority: number
  weight: number
  readonly port: number
  /** Its index. */
  readonly target: number
  /** The port that is asked for. */
  readonly by: WeightedPort
}
