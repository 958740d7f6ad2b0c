import type { ClusterStatus, Upkeep } from './model/cluster.ts'
import type { SnapshotConfig } from './model/config.ts'

/** Where a cluster's objects come from: it fills the model until it is stopped. */
export interface Source {
  /** Returns at once and never throws. */
  start(): void
  /** What it knows of the cluster's status. */
  status(): Omit<ClusterStatus, 'watches'>
  /** As Cluster's. */
  create?(path: string, object: object): Promise<'created' | 'exists'>
  /** As Cluster's. */
  keepSnapshot?(snapshot: SnapshotConfig): Upkeep
  proveFreshness?(interval: number): Upkeep
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>
}
