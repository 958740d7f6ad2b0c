/** Priority and weight of SRV records where annotations set them (docs/design.md §10), and where they come from. */
import type { EndpointSlice, Service } from '../../../k8s/model/types.ts'
import type { Annotation } from '../../annotations/annotation.ts'
import type { ClusterContext } from '../../context.ts'
import type { EndpointGroup, RankChoice, SrvRank } from '../../lookup/endpoints.ts'
import { priorityAnnotation, weightAnnotation } from './parse.ts'

/**
 * The rank of a service's own target, or of the endpoints of one of its slices. The slice's annotation takes precedence
 * over the service's. Undefined when neither sets anything.
 */
export function srvRank(
  { annotations }: ClusterContext,
  service: Service | undefined,
  slice: EndpointSlice | undefined,
): SrvRank | undefined {
  const choose = (annotation: Annotation<number>): RankChoice | undefined => {
    const ofSlice = slice && annotations.slice(slice).get(annotation)
    if (ofSlice !== undefined) {
      return { value: ofSlice, source: `annotation of EndpointSlice ${slice!.namespace}/${slice!.name}` }
    }
    const ofService = service && annotations.service(service).get(annotation)
    if (ofService === undefined) return undefined
    return { value: ofService, source: `annotation of Service ${service!.namespace}/${service!.name}` }
  }
  const priority = choose(priorityAnnotation)
  const weight = choose(weightAnnotation)
  return priority || weight ? { priority, weight } : undefined
}

/** The group, with the rank of its SRV records. */
export function ranked(
  group: EndpointGroup,
  context: ClusterContext,
  service: Service | undefined,
  slice: EndpointSlice | undefined,
): EndpointGroup {
  const rank = srvRank(context, service, slice)
  return rank ? { ...group, rank } : group
}
