/**
 * Names that are compiled on first use: endpoints, their PTRs, SRV of headless services, large splits. Compiling all of
 * them ahead would take hundreds of octets of the table for each endpoint of the cluster. Their number and their octets
 * are bounded. The oldest name is evicted first: the data plane does not count answers by name, but a name that is
 * still in use is admitted again with its next query.
 */

import { type ClusterName, everyEndpoint, type ServiceNameParts } from '../../../cluster-dns/names/cluster-name.ts'
import { reverseName } from '../../../dns/address.ts'
import type { EndpointSlice } from '../../../k8s/model/types.ts'
import { changedLabels } from './changed-labels.ts'

export interface OnDemandNames {
  has(name: string): boolean
  names(): Iterable<string>
  /** Admits a name. Returns the names evicted for it. */
  add(clusterName: ClusterName, name: string): string[]
  /**
   * Sets the octets of the table that the name takes now. Returns the names evicted for it, possibly including itself.
   */
  resize(name: string, octets: number): string[]
  remove(name: string): void
  /**
   * The names of a service to compile again: all of them, or those that a change of slices affects, which are the
   * service's own, those of its ports, and changed endpoints.
   */
  ofService(service: ServiceName, which: 'all' | 'changed'): string[]
  /** The reverse names. */
  ofAddresses(): string[]
  /** The reverse names of the addresses in a service's slices. */
  ofEndpoints(service: ServiceName): Iterable<string>
}

/** A Service, or the ServiceImport of that name. */
export interface ServiceName {
  readonly imported: boolean
  readonly namespace: string
  readonly name: string
}

/** Bound on names: a scan of all names must not fill the table. */
const maxNames = 16_384
/** Bound on their octets: a tenth of what a pod of 170 MiB has for all answers besides its heap. */
const maxOctets = 8 * 1024 * 1024

interface Admitted {
  readonly clusterName: ClusterName
  /** Octets of the table; 0 until the name is compiled. */
  octets: number
}

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
  /** In the order of their admission. */
  const admitted = new Map<string, Admitted>()
  const services = new Map<string, ServiceNames>()
  /** The reverse names. */
  const reverse = new Set<string>()
  let octets = 0

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
    const entry = admitted.get(name)
    if (!entry) return
    admitted.delete(name)
    octets -= entry.octets
    reverse.delete(name)
    const { clusterName } = entry
    if (clusterName.kind !== 'service') return
    const service = serviceNameOf(clusterName)
    const names = namesOf(service)
    names.whole.delete(name)
    const ofLabel = names.endpoints.get(clusterName.endpoint)
    ofLabel?.delete(name)
    if (ofLabel?.size === 0) names.endpoints.delete(clusterName.endpoint)
    const left = names.whole.size + names.endpoints.size
    if (left === 0) services.delete(serviceKey(service))
  }

  function makeRoom(): string[] {
    const removed: string[] = []
    for (const name of admitted.keys()) {
      if (admitted.size <= maxNames && octets <= maxOctets) break
      remove(name)
      removed.push(name)
    }
    return removed
  }

  return {
    has: (name) => admitted.size > 0 && admitted.has(name),
    names: () => admitted.keys(),
    add(clusterName, name) {
      admitted.set(name, { clusterName, octets: 0 })
      if (clusterName.kind === 'reverse') reverse.add(name)
      if (clusterName.kind === 'service') {
        const { endpoint } = clusterName
        const names = namesOf(serviceNameOf(clusterName))
        if (endpoint === '' || endpoint === everyEndpoint) names.whole.add(name)
        else names.endpoints.set(endpoint, (names.endpoints.get(endpoint) ?? new Set()).add(name))
      }
      return makeRoom()
    },
    resize(name, now) {
      const entry = admitted.get(name)
      if (!entry) return []
      octets += now - entry.octets
      entry.octets = now
      return makeRoom()
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
      for (const label of changedLabels(before, after, podNames)) {
        for (const name of names.endpoints.get(label) ?? []) found.add(name)
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
