/** The backends of a split as they are now (docs/design.md §8): which can be selected, and why the others cannot. */

import { parseAddress } from '../../../dns/address.ts'
import type { EndpointSlice, Service } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import { countOf, type EndpointSelection, isLastResort, selectEndpoints } from '../../lookup/endpoint-selection.ts'
import { type EndpointGroup, endpointsAt, noPort, virtualAddresses } from '../../lookup/endpoints.ts'
import { isKnown, isShown } from '../../lookup/visibility.ts'
import { absoluteName, type ServiceNameParts, serviceName } from '../../names/cluster-name.ts'
import type { ClusterDnsSettings } from '../../settings.ts'
import type { Backend } from './split-backends.ts'

/** A port by the labels of its name. */
export interface PortName {
  readonly name: string
  readonly protocol: string
}

export interface BackendState extends Backend {
  /** `leaving`: all its endpoints terminate. `unknown`: its endpoints cannot be read. */
  readonly condition: 'ready' | 'leaving' | 'unknown' | 'out'
  /** For `explain`. */
  readonly reason: string
  /** Undefined for one that is out, or unknown. */
  readonly content: Content | undefined
}

/** What a backend contributes to the split. */
export interface Content {
  /** The ports that it declares, each once. */
  ports(): readonly PortName[]
  readonly endpointCount: number
  /** Seconds at most. */
  readonly maxTtl: number
  /** For A and AAAA: addresses, or names whose addresses have to be resolved. */
  groups(): readonly EndpointGroup[]
  /** For SRV at a port: empty when the backend lacks it. Names (width 0) are targets themselves. */
  atPort(port: AskedPort): readonly EndpointGroup[]
}

export interface AskedPort extends PortName {
  /** The split's own number for it, which an ExternalName without ports takes over; undefined for a port without a number. */
  readonly number: number | undefined
}

export function backendStates(context: ClusterContext, zone: string, backends: readonly Backend[]): BackendState[] {
  return backends.map((backend) => stateOf(context, zone, backend))
}

function stateOf(context: ClusterContext, zone: string, backend: Backend): BackendState {
  const { view, settings } = context
  const { namespace, name } = backend
  const out = (reason: string): BackendState => ({ ...backend, condition: 'out', reason, content: undefined })
  if (!isShown(context, namespace)) {
    return out(view.namespace(namespace) ? `the Corefile hides namespace ${namespace}` : `no namespace ${namespace}`)
  }
  const service = view.service(namespace, name)
  if (!service) return out(`no Service ${namespace}/${name}`)
  if (service.type === 'ExternalName') {
    const target = parseAddress(service.externalName) ? undefined : absoluteName(service.externalName)
    if (target === undefined) return out(`its external name '${service.externalName}' is not a domain name`)
    const content = externalContent(service, target)
    return { ...backend, condition: 'ready', reason: `ExternalName ${target}`, content }
  }
  const owner = serviceName(namespace, name, zone)
  const { selection, count, content: endpoints } = endpointsOf(settings, owner, view.slices(namespace, name))
  const endpointsAreKnown = isKnown(view, 'endpointslices') && view.availability('endpointslices') !== 'off'
  if (service.headless) {
    if (!isKnown(view, 'endpointslices')) {
      return { ...backend, condition: 'unknown', reason: 'EndpointSlices cannot be read', content: undefined }
    }
    if (count === 0) return out('no ready endpoint')
    return { ...backend, ...conditionOf(selection, count), content: endpoints }
  }
  if (service.clusterIPs.length === 0) return out('no ClusterIP yet')
  const content = virtualContent(service, owner, selection)
  if (endpointsAreKnown) {
    return count > 0 ? { ...backend, ...conditionOf(selection, count), content } : out('no ready endpoint')
  }
  // A ClusterIP does not depend on endpoints.
  return { ...backend, condition: 'ready', reason: 'ClusterIP, endpoints not known', content }
}

const conditionOf = (selection: EndpointSelection, count: number): Pick<BackendState, 'condition' | 'reason'> =>
  isLastResort(selection)
    ? { condition: 'leaving', reason: `${count} serving and terminating, none ready` }
    : { condition: 'ready', reason: `${count} ready` }

function virtualContent(service: Service, target: string, { maxTtl }: EndpointSelection): Content {
  return {
    ports: () => service.ports,
    endpointCount: service.clusterIPs.length,
    maxTtl,
    groups: () => virtualAddresses(service.clusterIPs, [], target),
    atPort: (asked) => virtualGroups(service, target, asked),
  }
}

function virtualGroups(service: Service, target: string, asked: AskedPort): readonly EndpointGroup[] {
  const ports = portsFor(asked, service.ports)
  return ports.length > 0 ? virtualAddresses(service.clusterIPs, ports, target) : []
}

const anyPort: Pick<ServiceNameParts, 'endpoint' | 'topology' | 'port' | 'protocol'> = {
  endpoint: '',
  topology: undefined,
  port: '',
  protocol: '',
}

/** The endpoints of a service, as every split that names it has them. */
interface BackendEndpoints {
  readonly selection: EndpointSelection
  readonly count: number
  readonly content: Content
}

/**
 * The list of a service's slices is replaced when one of them changes. A hundred splits may name one service of thousands
 * of endpoints: what they have in common is read once. By the settings that matter.
 */
const knownEndpoints = new WeakMap<readonly EndpointSlice[], Map<string, BackendEndpoints>>()

function endpointsOf(settings: ClusterDnsSettings, owner: string, slices: readonly EndpointSlice[]): BackendEndpoints {
  const known = knownEndpoints.get(slices) ?? new Map<string, BackendEndpoints>()
  if (slices.length > 0) knownEndpoints.set(slices, known)
  const key = `${settings.terminatingLastResort} ${settings.endpointPodNames} ${owner}`
  let endpoints = known.get(key)
  if (!endpoints) {
    const selection = selectEndpoints(settings, slices)
    const count = slices.reduce((sum, slice) => sum + countOf(slice, selection.filter), 0)
    const content = headlessContent(settings, owner, slices, selection, count)
    endpoints = { selection, count, content }
    if (slices.length > 0) known.set(key, endpoints)
  }
  return endpoints
}

function headlessContent(
  { endpointPodNames }: ClusterDnsSettings,
  owner: string,
  slices: readonly EndpointSlice[],
  { filter, maxTtl }: EndpointSelection,
  endpointCount: number,
): Content {
  let distinct: readonly PortName[] | undefined
  let all: readonly EndpointGroup[] | undefined
  let known: ReadonlyMap<EndpointSlice, readonly EndpointGroup[]> | undefined
  /** One group, or none, of each slice: the same for all ports. */
  const groupsOf = (): ReadonlyMap<EndpointSlice, readonly EndpointGroup[]> => {
    known ??= new Map(slices.map((slice) => [slice, endpointsAt(slice, anyPort, owner, endpointPodNames, filter)]))
    return known
  }
  return {
    ports() {
      distinct ??= distinctPorts(slices)
      return distinct
    },
    endpointCount,
    maxTtl,
    groups() {
      all ??= [...groupsOf().values()].flat()
      return all
    },
    atPort: (asked) =>
      [...groupsOf()].flatMap(([slice, groups]) => {
        const [port] = portsFor(asked, slice.ports)
        if (port === undefined) return []
        return groups.filter(({ width }) => width !== 0).map((group) => ({ ...group, ports: [port] }))
      }),
  }
}

/** The slices of a service mostly have the same ports. */
function distinctPorts(slices: readonly EndpointSlice[]): readonly PortName[] {
  const distinct = new Map<string, PortName>()
  let previous: readonly PortName[] = []
  for (const { ports } of slices) {
    const isSame =
      ports.length === previous.length &&
      ports.every(({ name, protocol }, i) => name === previous[i].name && protocol === previous[i].protocol)
    previous = ports
    for (const port of isSame ? [] : ports) distinct.set(`${port.name}/${port.protocol}`, port)
  }
  return [...distinct.values()]
}

const noAddress = new Uint8Array(0)

function externalContent(service: Service, target: string): Content {
  const group = { width: 0 as const, addresses: noAddress, names: [target], count: 1, target: () => target }
  return {
    ports: () => service.ports,
    endpointCount: 1,
    maxTtl: Number.POSITIVE_INFINITY,
    groups: () => [{ ...group, ports: [] }],
    atPort(asked) {
      const own = asked.number === undefined ? [] : [asked.number]
      const ports = service.ports.length > 0 ? portsFor(asked, service.ports) : own
      return ports.length > 0 ? [{ ...group, ports }] : []
    },
  }
}

/**
 * The backend's number for a port, or none. A port without a name is the only one of its service (the API server
 * enforces that), so it stands for a backend's only port, whatever its name.
 */
function portsFor(asked: AskedPort, ports: readonly NumberedPort[]): number[] {
  const { named, single } = portIndexOf(ports)
  const port = named.get(`${asked.name}/${asked.protocol}`)
  if (port !== undefined) return [port]
  const only = asked.name === '' && asked.number !== undefined ? single.get(asked.protocol) : undefined
  return only === undefined ? [] : [only]
}

type NumberedPort = PortName & { readonly port: number }

interface PortIndex {
  /** By name and protocol. */
  readonly named: ReadonlyMap<string, number>
  /** By protocol, where it has one port only. */
  readonly single: ReadonlyMap<string, number>
}

/** Ports of objects never change; a split with thousands of them asks for each. */
const portIndexes = new WeakMap<readonly NumberedPort[], PortIndex>()

function portIndexOf(ports: readonly NumberedPort[]): PortIndex {
  let index = portIndexes.get(ports)
  if (index) return index
  const named = new Map<string, number>()
  const byProtocol = new Map<string, number[]>()
  for (const { name, protocol, port } of ports) {
    if (port === noPort) continue
    const key = `${name}/${protocol}`
    if (!named.has(key)) named.set(key, port)
    byProtocol.set(protocol, [...(byProtocol.get(protocol) ?? []).slice(0, 1), port])
  }
  const single = new Map(
    [...byProtocol].flatMap(([protocol, all]): [string, number][] => (all.length === 1 ? [[protocol, all[0]]] : [])),
  )
  index = { named, single }
  portIndexes.set(ports, index)
  return index
}
