/** The states of a cluster's services, and of its splits with the share that each backend was picked for. */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { type BackendState, backendStates } from '../../../cluster-dns/features/split/backend-state.ts'
import { type Backend, backendTag, splitOf } from '../../../cluster-dns/features/split/split-backends.ts'
import { serviceTtl, splitTtl } from '../../../cluster-dns/features/ttl/ttl.ts'
import { countsOf, type EndpointCounts } from '../../../cluster-dns/lookup/endpoint-counts.ts'
import { isShown } from '../../../cluster-dns/lookup/visibility.ts'
import { serviceName } from '../../../cluster-dns/names/cluster-name.ts'
import type { ServiceState, SplitState } from '../../../console/state.ts'
import type { Service } from '../../../k8s/model/types.ts'
import type { ServicesReport } from '../../../plugin/capabilities/reports.ts'
import { bounds } from './bounds.ts'

/** Services per step, which takes a fraction of a millisecond. */
const perStep = 64

export function* readServices(
  context: ClusterContext,
  problemsOf: ReadonlyMap<string, number>,
  picked: (name: string, tag: number) => number,
): Generator<void, ServicesReport> {
  const { view } = context
  /** Services without a ready endpoint, and the others. */
  const lacking: ServiceState[] = []
  const others: ServiceState[] = []
  const splits: SplitState[] = []
  let total = 0
  for (const service of view.services()) {
    if (!isShown(context, service.namespace)) continue
    if (++total % perStep === 0) yield
    const backends = splitOf(context, service)
    const counts = backends
      ? countsOfBackends(context, backends)
      : countsOf(view.slices(service.namespace, service.name))
    const list = lacks(service, counts) ? lacking : others
    if (list.length < bounds.services)
      list.push(
        stateOf(context, service, backends, counts, problemsOf.get(`${service.namespace}/${service.name}`) ?? 0),
      )
    if (backends && splits.length < bounds.services) splits.push(splitState(context, service, backends, picked))
  }
  const list = [...lacking.sort(byName), ...others.sort(byName)].slice(0, bounds.services)
  return { services: { total, more: total - list.length, list }, splits: splits.sort(byName) }
}

interface Named {
  readonly namespace: string
  readonly name: string
}

function byName(one: Named, other: Named): number {
  if (one.namespace !== other.namespace) return one.namespace < other.namespace ? -1 : 1
  return one.name < other.name ? -1 : 1
}

/** An ExternalName has no endpoints. */
const lacks = ({ type }: Service, { ready }: EndpointCounts): boolean => ready === 0 && type !== 'ExternalName'

/** A split answers with the endpoints of its backends; an ExternalName backend counts as one ready endpoint. */
function countsOfBackends({ view }: ClusterContext, backends: readonly Backend[]): EndpointCounts {
  const sum = { ready: 0, notReady: 0, terminating: 0 }
  for (const { namespace, name } of backends) {
    const counts = countsOf(view.slices(namespace, name))
    sum.ready += counts.ready + (view.service(namespace, name)?.type === 'ExternalName' ? 1 : 0)
    sum.notReady += counts.notReady
    sum.terminating += counts.terminating
  }
  return sum
}

function stateOf(
  context: ClusterContext,
  service: Service,
  backends: readonly Backend[] | undefined,
  counts: EndpointCounts,
  problems: number,
): ServiceState {
  const { namespace, name } = service
  const ttl = backends ? splitTtl(context, service, backends) : serviceTtl(context, service)
  const ttlState = ttlStateOf(context, service, backends)
  return {
    namespace,
    name,
    type: service.headless ? 'Headless' : service.type,
    ...counts,
    ttl: ttl.seconds,
    ...(ttlState && { ttlState }),
    problems,
  }
}

/** The TTL state of a service whose records depend on endpoints (docs/design.md §9). */
function ttlStateOf(
  { settings, settling }: ClusterContext,
  service: Service,
  backends: readonly Backend[] | undefined,
): ServiceState['ttlState'] {
  if (!settings.adaptiveTtl || !(backends || service.headless || settings.ignoreEmptyServices)) return undefined
  const reasons = (backends ?? [service]).flatMap(({ namespace, name }) => settling.why(namespace, name) ?? [])
  if (reasons.length === 0) return { state: 'settled' }
  // While an endpoint is not ready, the time left is unknown.
  if (reasons.some(({ unready }) => unready > 0)) return { state: 'unsettled' }
  return { state: 'unsettled', left: Math.ceil(Math.max(...reasons.map(({ changing }) => changing ?? 0)) / 1_000) }
}

function splitState(
  context: ClusterContext,
  service: Service,
  backends: readonly Backend[],
  picked: (name: string, tag: number) => number,
): SplitState {
  const { zones } = context.settings
  const states = backendStates(context, zones[0]!, backends)
  const shares = sharesOf(states)
  const picks = states.map((backend) => {
    const tag = backendTag(backend)
    return zones.reduce((sum, zone) => sum + picked(serviceName(service.namespace, service.name, zone), tag), 0)
  })
  const all = picks.reduce((sum, count) => sum + count, 0)
  return {
    namespace: service.namespace,
    name: service.name,
    backends: states.map((state, i) => ({
      name: state.namespace === service.namespace ? state.name : `${state.name}.${state.namespace}`,
      weight: state.share,
      share: shares[i],
      served: all > 0 ? picks[i] / all : 0,
      ready: countsOf(context.view.slices(state.namespace, state.name)).ready,
    })),
  }
}

/** The share of the traffic that each backend gets now, as the split's lookup selects them (docs/design.md §8). */
export function sharesOf(states: readonly BackendState[]): number[] {
  const ready = states.filter(({ condition }) => condition === 'ready')
  const present = new Set(ready.length > 0 ? ready : states.filter(({ condition }) => condition === 'leaving'))
  const isWeighted = [...present].some(({ share }) => share > 0)
  const weights = states.map((state) => (present.has(state) ? (isWeighted ? state.share : 1) : 0))
  const sum = weights.reduce((all, weight) => all + weight, 0)
  return weights.map((weight) => (sum > 0 ? weight / sum : 0))
}
