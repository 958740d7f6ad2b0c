/** A running cluster, and its status. */
import type { SnapshotConfig } from './config.ts'
import type { Subscribe } from './event-feed.ts'
import type { Availability, ClusterView, Resource } from './types.ts'

/** A running cluster: reflectors or manifests, and their model. */
export interface Cluster {
  readonly view: ClusterView
  /** The change feed: see event-feed.ts. */
  readonly subscribe: Subscribe
  /**
   * Tells that somebody has the content of zones with the current serials. The next change then raises them, even within the
   * same second, and even if CoreDNS would not count it: otherwise secondaries would keep the old content.
   */
  sealSerials(): void
  /**
   * Creates an object at `path` (a collection's) of the API server. Rejects with ApiFailure. Absent without an API server.
   */
  create?(path: string, object: object): Promise<'created' | 'exists'>
  /** Keeps the state in a file from now on. A cluster that is not synced yet may start from it. No effect on manifests. */
  keepSnapshot(snapshot: SnapshotConfig): Upkeep
  /** Compares all objects' names and versions with the API server's every `interval` milliseconds. No effect on manifests. */
  proveFreshness(interval: number): Upkeep
  /** State of the connection and freshness of the data. */
  status(): ClusterStatus
  /** Starts watching. Returns at once and never throws: failures are logged, retried and visible as availability. */
  start(): void
  stop(): Promise<void>
}

/** A background task beside the watches: a reload may change it without affecting them. */
export interface Upkeep {
  /** Resolves when the task has ended. To be called before the cluster is stopped. */
  stop(): Promise<void>
}

/** For the console and `slicedns explain`. */
export interface ClusterStatus {
  /** The API server's URL once it is known, or the folder of the manifests. */
  readonly endpoint: string
  /** The last request reached the API server; true for manifests. */
  readonly connected: boolean
  readonly watches: readonly WatchStatus[]
  /** Seconds since the API server last confirmed what the snapshot holds. Present while answers come from it. */
  readonly snapshot?: { readonly age: number }
  /** The last comparison of the objects' names and versions with the API server's. Absent before the first. */
  readonly freshness?: Freshness
}

export interface WatchStatus {
  readonly resource: Resource
  readonly objects: number
  readonly availability: Availability
  /** Seconds since the API server last sent something for it; undefined before the first octet. */
  readonly age: number | undefined
  /** Why the last request failed (a FailureReason), until the server sends something again. */
  readonly error: string | undefined
}

export interface Freshness {
  /** Milliseconds since 1970. */
  readonly time: number
  /** Every resource has the objects that the API server has. */
  readonly ok: boolean
  /** The differences, or why nothing was compared. */
  readonly detail?: string
}
