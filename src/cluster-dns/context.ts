/** What the answers of cluster names are computed from: the cluster as it is, and the settings of a `kubernetes` block. */
import type { ClusterView, Service } from '../k8s/model/types.ts'
import type { AnnotationReader } from './annotations/reader.ts'
import type { ClusterDnsSettings } from './settings.ts'

export interface ClusterContext {
  readonly view: ClusterView
  readonly settings: ClusterDnsSettings
  /** Addresses of this machine by which the cluster may know us, packed: they decide the zone's NS records. */
  readonly localAddresses: readonly Uint8Array[]
  readonly annotations: AnnotationReader
  readonly settling: Settling
  readonly aliases: Aliases
  readonly browsing: Browsing
}

/**
 * Which services' endpoints are unsettled (docs/design.md §9): one is not ready or terminating, or the set has just
 * changed.
 */
export interface Settling {
  isUnsettled(namespace: string, service: string): boolean
  /** For `explain`: undefined when it is settled. */
  why(namespace: string, service: string): Unsettled | undefined
}

export interface Unsettled {
  /** Endpoints that are not ready, or terminating. */
  readonly unready: number
  /** Milliseconds until the set of endpoints has been the same for long enough; undefined when it has. */
  readonly changing: number | undefined
}

export const alwaysSettled: Settling = { isUnsettled: () => false, why: () => undefined }

/** Which service has which alias (`slicedns.io/alias`). */
export interface Aliases {
  /** The zones that aliases can be in. */
  readonly zones: readonly string[]
  /** The zone of services' own names. */
  readonly home: string
  /** The service, or what it is annotated with, has changed. */
  changed(namespace: string, name: string): void
  /** Aliases that the service claims, those that it does not get too. */
  claimedBy(namespace: string, name: string): readonly string[]
  /** Services that claim the alias, oldest first. */
  claimants(alias: string): readonly Claimant[]
}

/** A service; of the same second, in the order of their names. */
export type Claimant = Pick<Service, 'namespace' | 'name' | 'createdAt'>

/** What a namespace has to browse. */
export interface Listing {
  /** `_port._proto`, in order. */
  readonly types: readonly string[]
  /** Names of the services that have such a port, in order. */
  readonly offers: ReadonlyMap<string, readonly string[]>
}

/** Listings of namespaces, kept up as their services change: some have thousands. */
export interface Browsing {
  changed(namespace: string, name: string): void
  listing(context: ClusterContext, namespace: string): Listing
}
