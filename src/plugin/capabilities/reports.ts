/** State that plugins report to `console` and `slicedns top`. Nothing is counted for it ahead of a request. */
import type {
  AnnotationProblemState,
  AnswerChange,
  CacheState,
  EndpointState,
  HeldQueries,
  ServiceList,
  SourceState,
  SplitState,
  UpstreamState,
} from '../../console/state.ts'
import { defineCapability } from '../capability.ts'

export interface ClusterReport {
  /** Equal for plugins of the same cluster, which is shown once. */
  readonly key: string
  readonly zones: readonly string[]
  isNamespace(name: string): boolean
  source(): Omit<SourceState, 'plugin' | 'zones'>
  /**
   * Its services and splits, read in pieces: each step takes a fraction of a millisecond. `picked`: how often the variant
   * with this tag was picked at the name (absolute, lower case).
   */
  services(picked: (name: string, tag: number) => number): Iterator<void, ServicesReport>
  /** Undefined where there is no such service. */
  endpoints(namespace: string, service: string): readonly EndpointState[] | undefined
  held(): HeldQueries
  problems(): readonly AnnotationProblemState[]
  /** Calls back with each change of an answer from now on. */
  follow(changed: (change: AnswerChange) => void): { stop(): void }
}

export interface ServicesReport {
  readonly services: ServiceList
  readonly splits: readonly SplitState[]
}

/** Since the start. `queries` counts answers, `seconds` is the time that they took together. */
export interface UpstreamReport extends Omit<UpstreamState, 'plugin' | 'rate' | 'latency'> {
  readonly queries: number
  readonly seconds: number
}

/** With totals since the start in place of rates. */
export type CacheReport = CacheState

/** `kubernetes` */
export const clusterReport = defineCapability<ClusterReport>('report of a cluster')
/** `forward`, `grpc` */
export const upstreamReports = defineCapability<() => readonly UpstreamReport[]>('reports of upstreams')
/** `cache` */
export const cacheReport = defineCapability<() => CacheReport>('report of a cache')
