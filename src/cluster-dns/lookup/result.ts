/** What the cluster can have at a place, before anybody asks for a type. */
import type { ClusterView, Resource } from '../../k8s/model/types.ts'
import type { SplitLookup } from '../features/split/lookup.ts'
import type { EndpointGroup } from './endpoints.ts'
import { isKnown } from './visibility.ts'

export type LookupResult =
  /** No such name. */
  | { readonly kind: 'missing' }
  /** It cannot be told: these resources have not been listed yet, or may not be. */
  | { readonly kind: 'unknown'; readonly resources: readonly Resource[] }
  /** A name without records of its own, above names that have some. */
  | { readonly kind: 'empty' }
  /** `pointers`: where the zone is one address, what is found there. */
  | { readonly kind: 'apex'; readonly pointers?: LookupResult }
  | { readonly kind: 'version' }
  | { readonly kind: 'nameserver' }
  /**
   * Endpoints; none where the name exists without any (a pinned topology zone), or is a split, which then answers
   * instead. `texts`: rdata of TXT records.
   */
  | {
      readonly kind: 'groups'
      readonly groups: readonly EndpointGroup[]
      readonly ttl: number
      readonly split?: SplitLookup
      readonly texts?: readonly Uint8Array[]
    }
  /** Names to browse, absolute. */
  | { readonly kind: 'listed'; readonly names: readonly string[]; readonly ttl: number }
  /** An instance of a service type: its SRV records are those of the port. */
  | {
      readonly kind: 'instance'
      readonly port: LookupResult
      readonly texts: readonly Uint8Array[]
      readonly ttl: number
    }
  /** Names that an address stands for, absolute. */
  | { readonly kind: 'pointers'; readonly names: readonly string[]; readonly ttl: number }

/** A missing name, as far as it can be told: it rests on all that was to be listed, and on these resources. */
export function missing(view: ClusterView, ...needed: Resource[]): LookupResult {
  const resources = needed.filter((resource) => !isKnown(view, resource))
  if (view.synced && resources.length === 0) return { kind: 'missing' }
  for (const resource of ['services', 'namespaces'] as const) {
    if (!isKnown(view, resource)) resources.push(resource)
  }
  return { kind: 'unknown', resources }
}
