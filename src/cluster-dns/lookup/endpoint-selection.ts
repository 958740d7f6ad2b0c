/**
 * `terminating last_resort`: a service without a ready endpoint answers with those that still serve although they are
 * on their way out, as kube-proxy does for its ClusterIP (kubernetes/kubernetes#108523).
 */
import { type EndpointSlice, endpointFlag } from '../../k8s/model/types.ts'
import type { ClusterDnsSettings } from '../settings.ts'
import { type EndpointFilter, isReady } from './endpoints.ts'

/** Which endpoints of a service are told, and for how long. */
export interface EndpointSelection {
  readonly counts: EndpointFilter
  /** Seconds at most, whatever options and annotations say. */
  readonly maxTtl: number
}

/** They are gone in a moment. */
const lastResortTtl = 2

const ready: EndpointSelection = { counts: isReady, maxTtl: Number.POSITIVE_INFINITY }
const lastResort: EndpointSelection = { counts: isLeaving, maxTtl: lastResortTtl }

function isLeaving(slice: EndpointSlice, place: number): boolean {
  const wanted = endpointFlag.serving | endpointFlag.terminating
  return (slice.flags[place] & wanted) === wanted
}

/** Of the service that has these slices. */
export function selectEndpoints(
  { terminatingLastResort }: ClusterDnsSettings,
  slices: readonly EndpointSlice[],
): EndpointSelection {
  return terminatingLastResort && !hasAny(slices, isReady) && hasAny(slices, isLeaving) ? lastResort : ready
}

/** How many of a slice's endpoints count: addresses, where one has several. */
export function countOf(slice: EndpointSlice, counts: EndpointFilter): number {
  let count = 0
  for (let place = 0; place < slice.count; place++) if (counts(slice, place)) count++
  return count
}

export function hasAny(slices: readonly EndpointSlice[], counts: EndpointFilter): boolean {
  for (const slice of slices) for (let place = 0; place < slice.count; place++) if (counts(slice, place)) return true
  return false
}

/** Whether it is the last resort that is told. */
export const isLastResort = (told: EndpointSelection): boolean => told === lastResort
