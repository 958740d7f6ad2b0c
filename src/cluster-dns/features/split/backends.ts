/**
 * What stands behind a split at this moment (docs/design.md §10): which backends can be drawn, and why the others
 * cannot.
 */

import { parseAddress } from '../../../dns/address.ts'
import type { EndpointSlice, Service } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import { countOf, type EndpointSelection, isLastResort, selectEndpoints } from '../../lookup/endpoint-selection.ts'
import { type EndpointGroup, endpointsAt, noPort, virtualAddresses } from '../../lookup/endpoints.ts'
import { isKnown, isShown } from '../../lookup/visibility.ts'
import { absoluteName, type ServiceNameParts, serviceName } from '../../names/cluster-name.ts'
import type { Backend } from './named.ts'

/** A port as it is asked for. */
export interface PortName {
  readonly name: string
  readonly protocol: string
}

export interface BackendState extends Backend {
  /** `leaving`: all that it has are endpoints which terminate. `unknown`: its endpoints may not be read. */
  readonly condition: 'ready' | 'leaving' | 'unknown' | 'out'
  /** What it has, or lacks: for `explain`. */
  readonly reason: string
  /** Undefined for one that is out, or unknown. */
  readonly content: Content | undefined
}

/** What a backend gives to the split. */
export interface Content {
  /** The ports that it has, by its own declaration; none where it declares none. */
  readonly ports: readonly PortName[]
  /** Seconds at most. */
  readonly maxTtl: number
  /** What is behind it for A and AAAA: names, where these are to be followed. */
  groups(): readonly EndpointGroup[]
  /** What is behind a port: empty when the backend lacks it. Names (width 0) are targets as they are. */
  atPort(port: AskedPort): readonly EndpointGroup[]
}

export interface AskedPort extends PortName {
  /** The split's own number for it, which an ExternalName backend without ports has too; undefined when it has none. */
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
    if (target === undefined) return out(`its external name '${service.externalName}' is no domain name`)
    const content = externalContent(service, target)
    return { ...backend, condition: 'ready', reason: `ExternalName ${target}`, content }
  }
  const slices = view.slices(namespace, name)
  const told = selectEndpoints(settings, slices)
  const count = slices.reduce((sum, slice) => sum + countOf(slice, told.counts), 0)
  const endpointsAreKnown = isKnown(view, 'endpointslices') && view.availability('endpointslices') !== 'off'
  if (service.headless) {
    if (!isKnown(view, 'endpointslices')) {
      return { ...backend, condition: 'unknown', reason: 'its EndpointSlices may not be read', content: undefined }
    }
    if (count === 0) return out('no ready endpoint')
    const owner = serviceName(namespace, name, zone)
    return { ...backend, ...conditionOf(told, count), content: headlessContent(context, owner, slices, told) }
  }
  if (service.clusterIPs.length === 0) return out('no ClusterIP yet')
  const content = virtualContent(service, serviceName(namespace, name, zone), told)
  if (endpointsAreKnown) {
    return count > 0 ? { ...backend, ...conditionOf(told, count), content } : out('no ready endpoint')
  }
  // Its ClusterIP answers without them, too.
  return { ...backend, condition: 'ready', reason: 'ClusterIP, endpoints not known', content }
}

const conditionOf = (told: EndpointSelection, count: number): Pick<BackendState, 'condition' | 'reason'> =>
  isLastResort(told)
    ? { condition: 'leaving', reason: `${count} serving while they terminate, none ready` }
    : { condition: 'ready', reason: `${count} ready` }

function virtualContent(service: Service, target: string, { maxTtl }: EndpointSelection): Content {
  return {
    ports: service.ports,
    maxTtl,
    groups: () => virtualAddresses(service.clusterIPs, [], target),
    atPort: (asked) => virtualGroups(service, target, asked),
  }
}

function virtualGroups(service: Service, target: string, asked: AskedPort): readonly EndpointGroup[] {
  const ports = portsFor(asked, service.ports)
  return ports.length > 0 ? virtualAddresses(service.clusterIPs, ports, target) : []
}

const everything: Pick<ServiceNameParts, 'endpoint' | 'topology'> = { endpoint: '', topology: undefined }

function headlessContent(
  { settings: { endpointPodNames } }: ClusterContext,
  owner: string,
  slices: readonly EndpointSlice[],
  { counts, maxTtl }: EndpointSelection,
): Content {
  const anyPort = { ...everything, port: '', protocol: '' }
  return {
    ports: slices.flatMap((slice) => slice.ports),
    maxTtl,
    groups: () => slices.flatMap((slice) => endpointsAt(slice, anyPort, owner, endpointPodNames, counts)),
    atPort: (asked) =>
      slices.flatMap((slice) => {
        const [port] = portsFor(asked, slice.ports)
        if (port === undefined) return []
        return endpointsAt(slice, anyPort, owner, endpointPodNames, counts)
          .filter(({ width }) => width !== 0)
          .map((group) => ({ ...group, ports: [port] }))
      }),
  }
}

const noAddress = new Uint8Array(0)

function externalContent(service: Service, target: string): Content {
  const group = { width: 0 as const, addresses: noAddress, names: [target], count: 1, target: () => target }
  return {
    ports: service.ports,
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
 * The number that a backend has for a port, or none. A port without a name is the only one of its service (the API
 * server sees to that), so it stands for a backend's only port, whatever that is called.
 */
function portsFor(asked: AskedPort, ports: readonly (PortName & { readonly port: number })[]): number[] {
  const alike = ports.filter(({ protocol, port }) => protocol === asked.protocol && port !== noPort)
  const named = alike.find(({ name }) => name === asked.name)
  if (named) return [named.port]
  return asked.name === '' && asked.number !== undefined && alike.length === 1 ? [alike[0].port] : []
}
