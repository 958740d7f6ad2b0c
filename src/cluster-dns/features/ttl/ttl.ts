/** The TTL of a service's records, and what sets it (docs/design.md §9). */
import type { Service, ServiceImport } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import { ttlAnnotation } from './parse.ts'
import { limitedTtl } from './snapshot-ttl.ts'

/** Seconds. */
const maxSplitTtl = 5

type ServiceRef = Pick<Service, 'namespace' | 'name'>

export interface TtlChoice {
  readonly seconds: number
  /** What sets it, for `explain`: `option ttl`. */
  readonly source: string
}

/**
 * The TTL of the service's own records. Precedence: annotation of the Service, annotation of its Namespace, adaptive_ttl,
 * ttl_headless, ttl.
 */
export function serviceTtl(context: ClusterContext, service: Service): TtlChoice {
  return choose(context, service, followsEndpoints(context, service) ? [service] : [])
}

/** The TTL of its endpoints' names, which change with the endpoints even if the service's own records do not. */
export function endpointsTtl(context: ClusterContext, service: Service): TtlChoice {
  return choose(context, service, [service])
}

/** The TTL of a traffic split. A cache keeps one selection for all its clients, so only an annotation may raise it. */
export function splitTtl(context: ClusterContext, service: Service, backends: readonly ServiceRef[]): TtlChoice {
  const choice = choose(context, service, backends)
  if (choice.seconds <= maxSplitTtl || context.annotations.service(service).get(ttlAnnotation) !== undefined)
    return choice
  return {
    seconds: maxSplitTtl,
    source: `maximum of a split without a ttl annotation; ${choice.source}`,
  }
}

function choose(context: ClusterContext, service: Service, follows: readonly ServiceRef[]): TtlChoice {
  const choice = chooseFresh(context, service, follows)
  const seconds = limitedTtl(context.view, choice.seconds)
  return seconds === choice.seconds
    ? choice
    : { seconds, source: `maximum while answers come from a snapshot; ${choice.source}` }
}

/** `follows`: the services whose endpoints the records depend on. */
function chooseFresh(context: ClusterContext, service: Service, follows: readonly ServiceRef[]): TtlChoice {
  const { view, settings, annotations, settling } = context
  const own = annotations.service(service).get(ttlAnnotation)
  if (own !== undefined) return { seconds: own, source: `annotation of Service ${service.namespace}/${service.name}` }
  const namespace = view.namespace(service.namespace)
  const ofNamespace = namespace && annotations.namespace(namespace).get(ttlAnnotation)
  if (ofNamespace !== undefined) {
    return { seconds: ofNamespace, source: `annotation of Namespace ${service.namespace}` }
  }
  if (settings.adaptiveTtl) {
    const unsettled = follows.some(({ namespace, name }) => settling.isUnsettled(namespace, name))
    return unsettled
      ? { seconds: settings.adaptiveTtl.min, source: 'option adaptive_ttl: endpoints are unsettled' }
      : { seconds: settings.adaptiveTtl.max, source: 'option adaptive_ttl: endpoints are settled' }
  }
  return ofOptions(context, service.headless)
}

/** Imports have no annotations, and adaptive_ttl does not cover their endpoints. */
export function importTtl(context: ClusterContext, { type }: ServiceImport): TtlChoice {
  return ofOptions(context, type === 'Headless')
}

function ofOptions({ settings }: ClusterContext, headless: boolean): TtlChoice {
  if (headless && settings.ttlHeadless !== undefined) {
    return { seconds: settings.ttlHeadless, source: 'option ttl_headless' }
  }
  return { seconds: settings.ttl, source: 'option ttl' }
}

/** Whether the service's own records change with its endpoints. */
function followsEndpoints({ settings }: ClusterContext, service: Service): boolean {
  return service.headless || (settings.ignoreEmptyServices && service.type !== 'ExternalName')
}
