/**
 * `terminating last_resort`: a service without a ready endpoint answers with those that still serve although they
 * terminate, as kube-proxy does for its ClusterIP (kubernetes/kubernetes#108523).
 */
import { type EndpointSlice, endpointFlag } from '../../k8s/model/types.ts'
import type { ClusterDnsSettings } from '../settings.ts'
import { type EndpointFilter, isReady } from './endpoints.ts'

/** Which endpoints of a service are answered, and for how long. */
export interface EndpointSelection {
  readonly filter: EndpointFilter
  /** Seconds at most, whatever options and annotations say. */
  readonly maxTtl: number
}

/** Seconds: terminating endpoints are gone in a moment. */
const lastResortTtl = 2

const ready: EndpointSelection = { filter: isReady, maxTtl: Number.POSITIVE_INFINITY }
const lastResort: EndpointSelection = { filter: isLeaving, maxTtl: lastResortTtl }

function isLeaving(slice: EndpointSlice, index: number): boolean {
  const wanted = endpointFlag.serving | endpointFlag.terminating
  return (slice.flags[index] & wanted) === wanted
}

/** Selects among the endpoints of the service with these slices. */
export function selectEndpoints(
  { terminatingLastResort }: ClusterDnsSettings,
  slices: readonly EndpointSlice[],
): EndpointSelection {
  return terminatingLastResort && !hasAny(slices, isReady) && hasAny(slices, isLeaving) ? lastResort : ready
}

/** How many endpoints of a slice pass the filter; each address counts where one has several. */
export function countOf(slice: EndpointSlice, filter: EndpointFilter): number {
  let count = 0
  for (let index = 0; index < slice.count; index++) if (filter(slice, index)) count++
  return count
}

export function hasAny(slices: readonly EndpointSlice[], filter: EndpointFilter): boolean {
  for (const slice of slices) for (let index = 0; index < slice.count; index++) if (filter(slice, index)) return true
  return false
}

/** Whether the selection is the last resort. */
export const isLastResort = (selection: EndpointSelection): boolean => selection === lastResort
