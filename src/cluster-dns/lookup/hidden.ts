/** `ignore empty_service`: services with an address of their own that do not exist while they have no endpoint. */
import type { ClusterView, EndpointSlice, Resource, Service } from '../../k8s/model/types.ts'
import { type Counts, isReady } from './endpoints.ts'
import type { Knowledge } from '../context.ts'
import { hasAny, toldEndpoints } from './endpoint-selection.ts'
import type { ClusterDnsSettings } from '../settings.ts'
import { splitOf } from '../features/split/named.ts'

export const mayBeHidden = ({ ignoreEmptyServices }: ClusterDnsSettings, { headless, type }: Service): boolean =>
  ignoreEmptyServices && !headless && type !== 'ExternalName'

/** A service that `ignore empty_service` hides as it is now. */
export function isHidden(knowledge: Knowledge, service: Service): boolean {
  const { view, settings } = knowledge
  if (!mayBeHidden(settings, service) || splitOf(knowledge, service)) return false
  const slices = view.slices(service.namespace, service.name)
  return !hasEndpoint(view, 'endpointslices', slices, toldEndpoints(settings, slices).counts)
}

/** Slices that may not be listed count as if they had one: the ClusterIP does not depend on them. */
export function hasEndpoint(
  view: ClusterView,
  resource: Resource,
  slices: readonly EndpointSlice[],
  counts: Counts = isReady,
): boolean {
  return view.availability(resource) === 'forbidden' || hasAny(slices, counts)
}
