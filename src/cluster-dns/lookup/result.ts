/** What the cluster has at a name, whatever the type of the query. */
import type { ClusterView, Resource } from '../../k8s/model/types.ts'
import type { SplitLookup } from '../features/split/selection.ts'
import type { EndpointGroup } from './endpoints.ts'
import { isKnown } from './visibility.ts'

export type LookupResult =
  /** No such name. */
  | { readonly kind: 'missing' }
  /** Not known: these resources have not been listed yet, or must not be. */
  | { readonly kind: 'unknown'; readonly resources: readonly Resource[] }
  /** An empty non-terminal: a name without records, above names that have some. */
  | { readonly kind: 'empty' }
  /** `pointers`: where the zone is one address, the result for that address. */
  | { readonly kind: 'apex'; readonly pointers?: LookupResult }
  | { readonly kind: 'version' }
  | { readonly kind: 'nameserver' }
  /**
   * Endpoints; none where the name exists without any (a pinned topology zone), and where `split` answers instead.
   * `texts`: rdata of TXT records.
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
  /** An instance of a service type (RFC 6763): its SRV records are those of the port. */
  | {
      readonly kind: 'instance'
      readonly port: LookupResult
      readonly texts: readonly Uint8Array[]
      readonly ttl: number
    }
  /** PTR targets, absolute. */
  | { readonly kind: 'pointers'; readonly names: readonly string[]; readonly ttl: number }

/** A missing name; unknown until services, namespaces and the `needed` resources have been listed. */
export function missing(view: ClusterView, ...needed: Resource[]): LookupResult {
  const resources = needed.filter((resource) => !isKnown(view, resource))
  if (view.synced && resources.length === 0) return { kind: 'missing' }
  for (const resource of ['services', 'namespaces'] as const) {
    if (!isKnown(view, resource)) resources.push(resource)
  }
  return { kind: 'unknown', resources }
}
