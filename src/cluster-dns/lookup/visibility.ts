/** How much of the cluster is visible: what has been read, what the Corefile shows, what `ignore empty_service` hides. */
import type { ClusterView, EndpointSlice, Resource, Service } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'
import { splitOf } from '../features/split/split-backends.ts'
import type { ClusterDnsSettings } from '../settings.ts'
import { hasAny, selectEndpoints } from './endpoint-selection.ts'
import { type EndpointFilter, isReady } from './endpoints.ts'

export function isKnown(view: ClusterView, resource: Resource): boolean {
  const availability = view.availability(resource)
  return availability === 'synced' || availability === 'off'
}

/** The namespace exists, and the Corefile shows it. */
export function isShown({ view, settings }: ClusterContext, namespace: string): boolean {
  return (settings.namespaces?.has(namespace) ?? true) && view.namespace(namespace) !== undefined
}

/** Whether `ignore empty_service` applies to the service: it must have a ClusterIP. */
export const mayBeHidden = ({ ignoreEmptyServices }: ClusterDnsSettings, { headless, type }: Service): boolean =>
  ignoreEmptyServices && !headless && type !== 'ExternalName'

/** Whether `ignore empty_service` hides the service as it is now. */
export function isHiddenWhenEmpty(context: ClusterContext, service: Service): boolean {
  const { view, settings } = context
  if (!mayBeHidden(settings, service) || splitOf(context, service)) return false
  const slices = view.slices(service.namespace, service.name)
  return !hasEndpoint(view, 'endpointslices', slices, selectEndpoints(settings, slices).filter)
}

/** Slices that must not be listed count as if they had an endpoint: a ClusterIP does not depend on them. */
export function hasEndpoint(
  view: ClusterView,
  resource: Resource,
  slices: readonly EndpointSlice[],
  filter: EndpointFilter = isReady,
): boolean {
  return view.availability(resource) === 'forbidden' || hasAny(slices, filter)
}
