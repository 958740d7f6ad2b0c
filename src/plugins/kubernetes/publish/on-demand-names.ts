/**
 * Names that are compiled when they are first asked for: endpoints, their PTRs, SRV of headless services. Compiling
 * them all ahead would take hundreds of octets of the table for each endpoint of the cluster.
 */

import { endpointLabel } from '../../../cluster-dns/lookup/endpoints.ts'
import { type ClusterName, everyEndpoint, type ServiceNameParts } from '../../../cluster-dns/names/cluster-name.ts'
import { reverseName } from '../../../dns/address.ts'
import type { EndpointSlice } from '../../../k8s/model/types.ts'

export interface OnDemandNames {
  has(name: string): boolean
  names(): Iterable<string>
  /** Returns the names that had to make room. */
  add(place: ClusterName, name: string): string[]
  remove(name: string): void
  /**
   * The names of a service to be compiled again: all of them, or those that slices have changed: the service's own,
   * those of its ports, and endpoints of slices that are not what they were.
   */
  ofService(service: ServiceName, which: 'all' | 'changed'): string[]
  /** The names of addresses. */
  ofAddresses(): string[]
  /** The names of the addresses that a service's slices have. */
  ofEndpoints(service: ServiceName): Iterable<string>
}

/** A Service, or the ServiceImport of that name. */
export interface ServiceName {
  readonly imported: boolean
  readonly namespace: string
  readonly name: string
}

/** Names that are kept at most: a scan of all names must not fill the table. */
const capacity = 16_384

interface ServiceNames {
  readonly whole: Set<string>
  /** By endpoint label; the same label in several zones gives several names. */
  readonly endpoints: Map<string, Set<string>>
  slices: readonly EndpointSlice[]
}

export function createOnDemandNames(
  podNames: boolean,
  slicesOf: (service: ServiceName) => readonly EndpointSlice[],
): OnDemandNames {
  /** In the order of first use. */
  const places = new Map<string, ClusterName>()
  const services = new Map<string, ServiceNames>()
  /** Those of addresses. */
  const reverse = new Set<string>()

  function namesOf(service: ServiceName): ServiceNames {
    const key = serviceKey(service)
    let names = services.get(key)
    if (!names) {
      names = { whole: new Set(), endpoints: new Map(), slices: slicesOf(service) }
      services.set(key, names)
    }
    return names
  }

  function remove(name: string): void {
    const place = places.get(name)
    places.delete(name)
    reverse.delete(name)
    if (place?.kind !== 'service') return
    const service = serviceNameOf(place)
    const names = namesOf(service)
    names.whole.delete(name)
    const ofLabel = names.endpoints.get(place.endpoint)
    ofLabel?.delete(name)
    if (ofLabel?.size === 0) names.endpoints.delete(place.endpoint)
    const left = names.whole.size + names.endpoints.size
    if (left === 0) services.delete(serviceKey(service))
  }

  return {
    has: (name) => places.size > 0 && places.has(name),
    names: () => places.keys(),
    add(place, name) {
      places.set(name, place)
      if (place.kind === 'reverse') reverse.add(name)
      if (place.kind === 'service') {
        const names = namesOf(serviceNameOf(place))
        if (place.endpoint === '' || place.endpoint === everyEndpoint) names.whole.add(name)
        else names.endpoints.set(place.endpoint, (names.endpoints.get(place.endpoint) ?? new Set()).add(name))
      }
      const oldest = places.size > capacity ? [places.keys().next().value!] : []
      oldest.forEach(remove)
      return oldest
    },
    remove,
    ofService(service, which) {
      const names = services.get(serviceKey(service))
      if (!names) return []
      const { slices: before } = names
      const after = slicesOf(service)
      names.slices = after
      if (which === 'all') return [...names.whole, ...[...names.endpoints.values()].flatMap((ofLabel) => [...ofLabel])]
      const found = new Set(names.whole)
      if (names.endpoints.size === 0) return [...found]
      for (const slice of new Set([...before, ...after])) {
        if (before.includes(slice) && after.includes(slice)) continue
        for (let place = 0; place < slice.count; place++) {
          for (const name of names.endpoints.get(endpointLabel(slice, place, podNames)) ?? []) found.add(name)
        }
      }
      return [...found]
    },
    ofAddresses: () => [...reverse],
    ofEndpoints(service) {
      const found = new Set<string>()
      if (reverse.size === 0 || service.imported) return found
      for (const slice of slicesOf(service)) {
        const width = slice.addressType === 'IPv4' ? 4 : 16
        for (let at = 0; at < slice.addresses.length; at += width) {
          const name = reverseName(slice.addresses.subarray(at, at + width))
          if (reverse.has(name)) found.add(name)
        }
      }
      return found
    },
  }
}

export const serviceKey = ({ imported, namespace, name }: ServiceName): string =>
  `${imported ? 'import' : 'service'} ${namespace}/${name}`

export const serviceNameOf = ({ imported, namespace, service }: ServiceNameParts): ServiceName => ({
  imported,
  namespace,
  name: service,
})
