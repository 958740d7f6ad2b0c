/** `ignore empty_service`: services with an address of their own that do not exist while they have no endpoint. */
import type { ClusterView, EndpointSlice, Resource, Service } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'
import { splitOf } from '../features/split/named.ts'
import type { ClusterDnsSettings } from '../settings.ts'
import { hasAny, selectEndpoints } from './endpoint-selection.ts'
import { type EndpointFilter, isReady } from './endpoints.ts'

export const mayBeHidden = ({ ignoreEmptyServices }: ClusterDnsSettings, { headless, type }: Service): boolean =>
  ignoreEmptyServices && !headless && type !== 'ExternalName'

/** A service that `ignore empty_service` hides as it is now. */
export function isHiddenWhenEmpty(context: ClusterContext, service: Service): boolean {
  const { view, settings } = context
  if (!mayBeHidden(settings, service) || splitOf(context, service)) return false
  const slices = view.slices(service.namespace, service.name)
  return !hasEndpoint(view, 'endpointslices', slices, selectEndpoints(settings, slices).counts)
}

/** Slices that may not be listed count as if they had one: the ClusterIP does not depend on them. */
export function hasEndpoint(
  view: ClusterView,
  resource: Resource,
  slices: readonly EndpointSlice[],
  counts: EndpointFilter = isReady,
): boolean {
  return view.availability(resource) === 'forbidden' || hasAny(slices, counts)
}
