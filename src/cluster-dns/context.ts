/** The inputs of answers: the cluster's current state, and the settings of a `kubernetes` block. */
import type { ClusterView, Service } from '../k8s/model/types.ts'
import type { AnnotationReader } from './annotations/reader.ts'
import type { ClusterDnsSettings } from './settings.ts'

export interface ClusterContext {
  readonly view: ClusterView
  readonly settings: ClusterDnsSettings
  /** Packed addresses of this machine that may be endpoints in the cluster: they decide the zone's NS records. */
  readonly localAddresses: readonly Uint8Array[]
  readonly annotations: AnnotationReader
  readonly settling: Settling
  readonly aliases: Aliases
  readonly browsing: Browsing
}

/** Which services' endpoints are unsettled (docs/design.md §9): one is not ready or terminating, or the set just changed. */
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

/** Which service has which alias. */
export interface Aliases {
  /** The zones that can hold aliases. */
  readonly zones: readonly string[]
  /** The zone of services' own names. */
  readonly home: string
  /** The service or its annotations have changed. */
  changed(namespace: string, name: string): void
  /** Aliases that the service claims, including those that another service has. */
  claimedBy(namespace: string, name: string): readonly string[]
  /** Services that claim the alias, oldest first. */
  claimants(alias: string): readonly Claimant[]
}

/** A service; ties in creation time are ordered by name. */
export type Claimant = Pick<Service, 'namespace' | 'name' | 'createdAt'>

/** What can be browsed in a namespace. */
export interface Listing {
  /** `_port._proto`, in order. */
  readonly types: readonly string[]
  /** Names of the services that have such a port, in order. */
  readonly offers: ReadonlyMap<string, readonly string[]>
}

/** Listings of namespaces, updated as their services change: some namespaces have thousands. */
export interface Browsing {
  changed(namespace: string, name: string): void
  listing(context: ClusterContext, namespace: string): Listing
}
