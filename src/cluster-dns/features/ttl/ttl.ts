/** How long the records of a service may be kept, and who says so (docs/design.md §10, Annotations). */
import type { Service, ServiceImport } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'

/** Seconds. */
const maxSplitTtl = 5

type Followed = Pick<Service, 'namespace' | 'name'>

export interface TtlChoice {
  readonly seconds: number
  /** Where it comes from, for `explain`: `option ttl`. */
  readonly source: string
}

/**
 * Of what the service itself answers. Order: the Service's annotation, its Namespace's, adaptive_ttl, ttl_headless, ttl.
 */
export function serviceTtl(context: ClusterContext, service: Service): TtlChoice {
  return choose(context, service, followsEndpoints(context, service) ? [service] : [])
}

/** Of the names of its endpoints, which come and go with them even where the service's answers do not. */
export function endpointsTtl(context: ClusterContext, service: Service): TtlChoice {
  return choose(context, service, [service])
}

/** Of a traffic split. Whoever caches its answer keeps the draw that it holds: only the Service itself may say more. */
export function splitTtl(context: ClusterContext, service: Service, backends: readonly Followed[]): TtlChoice {
  const choice = choose(context, service, backends)
  if (choice.seconds <= maxSplitTtl || context.annotations.service(service).ttl !== undefined) return choice
  return {
    seconds: maxSplitTtl,
    source: `the most that a split has, without an annotation of its own (${choice.source})`,
  }
}

/** `follows`: the services whose endpoints the records come and go with. */
function choose(context: ClusterContext, service: Service, follows: readonly Followed[]): TtlChoice {
  const { view, settings, annotations, settling } = context
  const own = annotations.service(service).ttl
  if (own !== undefined) return { seconds: own, source: `annotation of Service ${service.namespace}/${service.name}` }
  const namespace = view.namespace(service.namespace)
  const ofNamespace = namespace && annotations.namespace(namespace).ttl
  if (ofNamespace !== undefined) {
    return { seconds: ofNamespace, source: `annotation of Namespace ${service.namespace}` }
  }
  if (settings.adaptiveTtl) {
    const unsettled = follows.some(({ namespace, name }) => settling.isUnsettled(namespace, name))
    return unsettled
      ? { seconds: settings.adaptiveTtl.min, source: 'option adaptive_ttl: its endpoints are unsettled' }
      : { seconds: settings.adaptiveTtl.max, source: 'option adaptive_ttl: settled' }
  }
  return ofOptions(context, service.headless)
}

/** Imports have no annotations, and nobody watches their endpoints settle. */
export function importTtl(context: ClusterContext, { type }: ServiceImport): TtlChoice {
  return ofOptions(context, type === 'Headless')
}

function ofOptions({ settings }: ClusterContext, headless: boolean): TtlChoice {
  if (headless && settings.ttlHeadless !== undefined) {
    return { seconds: settings.ttlHeadless, source: 'option ttl_headless' }
  }
  return { seconds: settings.ttl, source: 'option ttl' }
}

/** Whether the service's answers change with its endpoints. */
function followsEndpoints({ settings }: ClusterContext, service: Service): boolean {
  return service.headless || (settings.ignoreEmptyServices && service.type !== 'ExternalName')
}
