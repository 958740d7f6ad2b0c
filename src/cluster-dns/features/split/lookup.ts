/** What a split has at a place: the backends that can be drawn there, and the ports that it is asked for. */
import type { Service } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import type { EndpointGroup } from '../../lookup/endpoints.ts'
import type { ServiceNameParts } from '../../names/cluster-name.ts'
import { type AskedPort, type BackendState, backendStates, type Content, type PortName } from './backends.ts'
import type { Backend } from './named.ts'

/** Of one question: a backend that can be drawn, with a share above 0 and what it has. */
export interface SelectableBackends extends Backend {
  readonly groups: readonly EndpointGroup[]
}

export interface SplitLookup {
  /** For A and AAAA. */
  readonly hosts: readonly SelectableBackends[]
  /** For SRV, by port: each target has the one port of its group. Ports that no backend has are left out. */
  servers(): readonly { readonly port: PortName; readonly backends: readonly SelectableBackends[] }[]
  /** Of all SRV records. */
  readonly priority: number
  readonly maxTtl: number
}

/** Undefined when nothing can be drawn there, `unknown` when that cannot be told. */
export function findSplit(
  context: ClusterContext,
  zone: string,
  service: Service,
  backends: readonly Backend[],
  place: ServiceNameParts,
): SplitLookup | 'unknown' | undefined {
  if (context.view.availability('endpointslices') === 'pending') return 'unknown'
  const states = backendStates(context, zone, backends)
  const present = presentBackends(states)
  if (present === 'unknown') return 'unknown'
  const ports = askedPorts(service, present, place)
  const isPort = place.port !== '' || place.protocol !== ''
  const hosts = isPort ? hostsBehind(present, ports) : drawable(present, (content) => content.groups())
  if (hosts.length === 0) return undefined
  return {
    hosts,
    servers: () =>
      ports
        .map((port) => ({ port, backends: drawable(present, (content) => content.atPort(port)) }))
        .filter(({ backends }) => backends.length > 0),
    priority: context.annotations.service(service).srvPriority ?? 0,
    maxTtl: Math.min(...present.map(({ content }) => content.maxTtl)),
  }
}

/** More endpoints than these take milliseconds, and hundreds of kilobytes of the table, as SRV records. */
const manyEndpoints = 512

export const isLarge = ({ hosts }: SplitLookup): boolean =>
  hosts.reduce((sum, { groups }) => groups.reduce((count, group) => count + group.count, sum), 0) > manyEndpoints

/** The ports that have names of their own. */
export function namedPorts(
  context: ClusterContext,
  zone: string,
  service: Service,
  backends: readonly Backend[],
): readonly PortName[] {
  const present = presentBackends(backendStates(context, zone, backends))
  const ports = present === 'unknown' ? [] : askedPorts(service, present, { port: '', protocol: '' })
  return ports.filter(({ name }) => name !== '')
}

interface Present extends Backend {
  readonly content: Content
}

/**
 * The backends that there are something of. Those whose endpoints all terminate count when there is no other. While a
 * backend that should have traffic cannot be seen, one that should have none does not get it.
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

/** The backends that have something of what is asked for; those of share 0 only when there is no other, and then alike. */
function drawable(
  present: readonly Present[],
  read: (content: Content) => readonly EndpointGroup[],
): SelectableBackends[] {
  const having = present.flatMap(({ namespace, name, share, content }) => {
    const groups = read(content)
    return groups.length > 0 ? [{ namespace, name, share, groups }] : []
  })
  const shared = having.filter(({ share }) => share > 0)
  return shared.length > 0 ? shared : having.map((backend) => ({ ...backend, share: 1 }))
}

const hostsBehind = (present: readonly Present[], ports: readonly AskedPort[]) =>
  drawable(present, (content) => ports.flatMap((port) => content.atPort(port)))

/** The split's own ports that the place speaks of; of one that declares none, its backends'. */
function askedPorts(
  { ports }: Service,
  present: readonly Present[],
  { port, protocol }: Pick<ServiceNameParts, 'port' | 'protocol'>,
): AskedPort[] {
  const isAsked = (candidate: { readonly name: string; readonly protocol: string }): boolean =>
    (port === '' || candidate.name === port) && (protocol === '' || candidate.protocol === protocol)
  if (ports.length > 0) return ports.filter(isAsked).map((own) => ({ ...own, number: own.port }))
  const found = new Map<string, AskedPort>()
  for (const { content } of present) {
    for (const { name, protocol: of } of content.ports) {
      if (isAsked({ name, protocol: of })) found.set(`${name}/${of}`, { name, protocol: of, number: undefined })
    }
  }
  return [...found.values()]
}
