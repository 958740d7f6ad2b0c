/** What a split has at a name: the backends that can be selected there, and the ports that the name asks for. */
import type { Service } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import type { EndpointGroup } from '../../lookup/endpoints.ts'
import { type LookupResult, missing } from '../../lookup/result.ts'
import type { ServiceNameParts } from '../../names/cluster-name.ts'
import { priorityAnnotation } from '../srv/parse.ts'
import { splitTtl } from '../ttl/ttl.ts'
import { type AskedPort, type BackendState, backendStates, type Content, type PortName } from './backend-state.ts'
import type { SelectableBackend, SplitLookup } from './selection.ts'
import type { Backend } from './split-backends.ts'

/** The split's answer at the name, with its TTL. */
export function lookupSplit(
  context: ClusterContext,
  zone: string,
  service: Service,
  backends: readonly Backend[],
  clusterName: ServiceNameParts,
  states = backendStates(context, zone, backends),
): LookupResult {
  const split = selectBackends(context, service, clusterName, states)
  if (split === 'unknown') return { kind: 'unknown', resources: ['endpointslices'] }
  if (!split) return missing(context.view, 'endpointslices')
  const ttl = Math.min(splitTtl(context, service, backends).seconds, split.maxTtl)
  return { kind: 'groups', groups: [], split, ttl }
}

/** Undefined when no backend can be selected, `unknown` when their endpoints cannot be read. */
export function selectBackends(
  context: ClusterContext,
  service: Service,
  clusterName: ServiceNameParts,
  states: readonly BackendState[],
): SplitLookup | 'unknown' | undefined {
  if (context.view.availability('endpointslices') === 'pending') return 'unknown'
  const present = presentBackends(states)
  if (present === 'unknown') return 'unknown'
  const ports = askedPorts(service, present, clusterName)
  const isPort = clusterName.port !== '' || clusterName.protocol !== ''
  const hosts = isPort ? hostsBehind(present, ports) : selectable(present, (content) => content.groups())
  if (hosts.length === 0) return undefined
  return {
    hosts,
    servers: (from, to) =>
      ports
        .slice(from, to)
        .map((port) => ({ port, backends: selectable(present, (content) => content.atPort(port)) }))
        .filter(({ backends }) => backends.length > 0),
    portCount: ports.length,
    backendCount: present.length,
    endpointCount: present.reduce((sum, { content }) => sum + content.endpointCount, 0),
    priority: context.annotations.service(service).get(priorityAnnotation) ?? 0,
    maxTtl: Math.min(...present.map(({ content }) => content.maxTtl)),
  }
}

/** SRV records. More take milliseconds, and hundreds of kilobytes of the table. */
const manyRecords = 512

export const isLarge = ({ portCount, endpointCount }: SplitLookup): boolean => portCount * endpointCount > manyRecords

/** The ports that have a name. */
export function namedPorts(service: Service, states: readonly BackendState[]): readonly PortName[] {
  const present = presentBackends(states)
  const ports = present === 'unknown' ? [] : askedPorts(service, present, { port: '', protocol: '' })
  return ports.filter(({ name }) => name !== '')
}

interface Present extends Backend {
  readonly content: Content
}

/**
 * The backends that have an endpoint. Those whose endpoints all terminate count when there is no other. While a backend
 * with a share cannot be seen, its traffic does not go to a backend of share 0.
 */
function presentBackends(states: readonly BackendState[]): readonly Present[] | 'unknown' {
  const having = (condition: BackendState['condition']): Present[] =>
    states.flatMap((state) =>
      state.condition === condition && state.content ? [{ ...state, content: state.content }] : [],
    )
  const ready = having('ready')
  const isUnseen = states.some(({ condition, share }) => condition === 'unknown' && share > 0)
  if (isUnseen && !ready.some(({ share }) => share > 0)) return 'unknown'
  return ready.length > 0 ? ready : having('leaving')
}

/** The backends that have what is asked for; those of share 0 only when there is no other, then in equal parts. */
function selectable(
  present: readonly Present[],
  read: (content: Content) => readonly EndpointGroup[],
): SelectableBackend[] {
  const having = present.flatMap(({ namespace, name, share, content }) => {
    const groups = read(content)
    return groups.length > 0 ? [{ namespace, name, share, groups }] : []
  })
  const shared = having.filter(({ share }) => share > 0)
  return shared.length > 0 ? shared : having.map((backend) => ({ ...backend, share: 1 }))
}

const hostsBehind = (present: readonly Present[], ports: readonly AskedPort[]) =>
  selectable(present, (content) => ports.flatMap((port) => content.atPort(port)))

/** The split's own ports that the name asks for; its backends' ports when it declares none. */
function askedPorts(
  { ports }: Service,
  present: readonly Present[],
  { port, protocol }: Pick<ServiceNameParts, 'port' | 'protocol'>,
): AskedPort[] {
  const isAsked = (candidate: { readonly name: string; readonly protocol: string }): boolean =>
    (port === '' || candidate.name === port) && (protocol === '' || candidate.protocol === protocol)
  if (ports.length > 0) return ports.filter(isAsked).map((own) => ({ ...own, number: own.port }))
  if (port !== '' && protocol !== '') {
    const one: AskedPort = { name: port, protocol, number: undefined }
    return present.some(({ content }) => content.atPort(one).length > 0) ? [one] : []
  }
  const asked = new Map<string, AskedPort>()
  for (const { content } of present) {
    for (const { name, protocol: of } of content.ports()) {
      if (isAsked({ name, protocol: of })) asked.set(`${name}/${of}`, { name, protocol: of, number: undefined })
    }
  }
  return [...asked.values()]
}
