/**
 * Which endpoint names a change of slices affects. A hundred pods that start together change their slice a hundred
 * times: if each change compiled all names again, the last pod would wait for the names of all others.
 */
import { endpointLabel } from '../../../cluster-dns/lookup/endpoints.ts'
import { sameAnnotations, samePorts } from '../../../k8s/model/compare.ts'
import type { EndpointSlice } from '../../../k8s/model/types.ts'

/**
 * The labels whose answers may differ, possibly with duplicates. `before` and `after` are the slices of one service.
 */
export function* changedLabels(
  before: readonly EndpointSlice[],
  after: readonly EndpointSlice[],
  podNames: boolean,
): Generator<string> {
  const left = new Map(before.map((slice) => [slice.name, slice]))
  for (const slice of after) {
    const was = left.get(slice.name)
    left.delete(slice.name)
    if (was !== slice) yield* changedInSlice(was, slice, podNames)
  }
  for (const slice of left.values()) yield* labelsOf(slice, 0, slice.count, podNames)
}

function* changedInSlice(
  before: EndpointSlice | undefined,
  after: EndpointSlice,
  podNames: boolean,
): Generator<string> {
  if (before === undefined || !sameForAll(before, after)) {
    if (before) yield* labelsOf(before, 0, before.count, podNames)
    yield* labelsOf(after, 0, after.count, podNames)
    return
  }
  if (before.count === after.count) {
    for (let index = 0; index < after.count; index++) {
      if (sameEndpoint(before, index, after, index)) continue
      yield labelOf(before, index, podNames)
      yield labelOf(after, index, podNames)
    }
    return
  }
  // Endpoints were added or removed: the common head and tail have not changed.
  const common = Math.min(before.count, after.count)
  let head = 0
  while (head < common && sameEndpoint(before, head, after, head)) head++
  let tail = 0
  while (head + tail < common && sameEndpoint(before, before.count - 1 - tail, after, after.count - 1 - tail)) tail++
  yield* labelsOf(before, head, before.count - tail, podNames)
  yield* labelsOf(after, head, after.count - tail, podNames)
}

function* labelsOf(slice: EndpointSlice, from: number, to: number, podNames: boolean): Generator<string> {
  for (let index = from; index < to; index++) yield labelOf(slice, index, podNames)
}

/** In lower case, like names of the table: the name of a pod may have capitals. */
const labelOf = (slice: EndpointSlice, index: number, podNames: boolean): string =>
  endpointLabel(slice, index, podNames).toLowerCase()

/** Whether the slices agree on the fields that the answers of all their endpoints depend on. */
const sameForAll = (a: EndpointSlice, b: EndpointSlice): boolean =>
  a.cluster === b.cluster &&
  a.addressType === b.addressType &&
  samePorts(a.ports, b.ports) &&
  sameAnnotations(a.annotations, b.annotations)

function sameEndpoint(a: EndpointSlice, i: number, b: EndpointSlice, j: number): boolean {
  if (a.flags[i] !== b.flags[j] || a.fqdns?.[i] !== b.fqdns?.[j]) return false
  if ((a.hostnames?.[i] ?? '') !== (b.hostnames?.[j] ?? '') || a.podNames?.[i] !== b.podNames?.[j]) return false
  const width = a.addressType === 'IPv4' ? 4 : a.addressType === 'IPv6' ? 16 : 0
  for (let octet = 0; octet < width; octet++) {
    if (a.addresses[i * width + octet] !== b.addresses[j * width + octet]) return false
  }
  return true
}
