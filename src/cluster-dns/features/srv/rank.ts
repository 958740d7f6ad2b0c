/** Priority and weight of SRV records where annotations set them (docs/design.md §10), and where they come from. */
import type { EndpointSlice, Service } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import type { EndpointGroup, RankChoice, SrvRank } from '../../lookup/endpoints.ts'

/**
 * Of a service's own target, or of the endpoints of one of its slices: what the slice says comes before what the service
 * says. Undefined when nobody says anything.
 */
export function srvRank(
  { annotations }: ClusterContext,
  service: Service | undefined,
  slice: EndpointSlice | undefined,
): SrvRank | undefined {
  const ofSlice = slice && annotations.slice(slice)
  const ofService = service && annotations.service(service)
  const choose = (key: 'srvPriority' | 'srvWeight'): RankChoice | undefined => {
    if (ofSlice?.[key] !== undefined) {
      return { value: ofSlice[key], source: `annotation of EndpointSlice ${slice!.namespace}/${slice!.name}` }
    }
    if (ofService?.[key] === undefined) return undefined
    return { value: ofService[key], source: `annotation of Service ${service!.namespace}/${service!.name}` }
  }
  const priority = choose('srvPriority')
  const weight = choose('srvWeight')
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
