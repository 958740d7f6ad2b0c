/**
 * Which changes raise the SOA serial: exactly those that CoreDNS counts (docs/coredns-behaviour.md §4.6), so that secondaries
 * see transfers at the same times.
 */
import { sameBytes, sameExternals, samePorts, sameTexts } from './compare.ts'
import { type EndpointSlice, endpointFlag, type Service } from './types.ts'

/** Added, deleted, or changed in its external name or ports. */
export function serviceCounts(before: Service | undefined, after: Service | undefined): boolean {
  if (before === undefined || after === undefined) return true
  return before.externalName !== after.externalName || !samePorts(before.ports, after.ports)
}

/** For k8s_external: only updates of external addresses or ports. */
export function serviceExternalsCount(before: Service | undefined, after: Service | undefined): boolean {
  if (before === undefined || after === undefined) return false
  return !sameExternals(before, after) || !samePorts(before.ports, after.ports)
}

/** Added, deleted, or changed in the addresses, host names or zones of its ready endpoints, or in its ports. */
export function endpointsChanged(before: EndpointSlice | undefined, after: EndpointSlice | undefined): boolean {
  if (before === undefined || after === undefined) return true
  return !samePorts(before.ports, after.ports) || !sameReadyPlaces(before, after)
}

/** Like `endpointsChanged`, but without additions and deletions: CoreDNS raises this serial for updates only. */
export function importedSliceCounts(before: EndpointSlice | undefined, after: EndpointSlice | undefined): boolean {
  return before !== undefined && after !== undefined && endpointsChanged(before, after)
}

function sameReadyPlaces(a: EndpointSlice, b: EndpointSlice): boolean {
  const readyA = readyPlaces(a)
  const readyB = readyPlaces(b)
  if (readyA.length !== readyB.length) return false
  const size = a.addresses.length / Math.max(1, a.count)
  const address = (slice: EndpointSlice, index: number) => slice.addresses.subarray(index * size, (index + 1) * size)
  const pick = (texts: readonly string[] | undefined, indexes: readonly number[]) =>
    texts && indexes.map((index) => texts[index])
  return (
    a.addressType === b.addressType &&
    readyA.every((index, i) => sameBytes(address(a, index), address(b, readyB[i]))) &&
    sameTexts(pick(a.hostnames, readyA), pick(b.hostnames, readyB)) &&
    sameTexts(pick(a.zones, readyA), pick(b.zones, readyB)) &&
    sameTexts(pick(a.fqdns, readyA), pick(b.fqdns, readyB))
  )
}

function readyPlaces(slice: EndpointSlice): number[] {
  const indexes: number[] = []
  for (let index = 0; index < slice.count; index++) {
    if (slice.flags[index] & endpointFlag.ready) indexes.push(index)
  }
  return indexes
}
