/** The reports of the running configuration's plugins; totals become rates. */
import type { CacheState, SourceState, UpstreamState } from '../../console/state.ts'
import {
  type CacheReport,
  type ClusterReport,
  cacheReport,
  clusterReport,
  type UpstreamReport,
  upstreamReports,
} from '../../plugin/capabilities/reports.ts'
import { capabilityOf } from '../../plugin/capability.ts'
import type { BlockPlugin } from '../../plugin/contract.ts'
import type { Clock } from '../../scheduling/clock.ts'

export interface Cluster {
  readonly plugin: string
  readonly zones: readonly string[]
  /** From the first plugin that has the cluster. */
  readonly report: ClusterReport
}

/** Each cluster once, with the zones of all plugins that serve it. */
export function clustersOf(plugins: readonly BlockPlugin[]): readonly Cluster[] {
  const clusters = new Map<string, Cluster>()
  for (const { plugin, instance } of plugins) {
    const report = capabilityOf(instance, clusterReport)
    if (!report) continue
    const known = clusters.get(report.key)
    const zones = [...new Set([...(known?.zones ?? []), ...report.zones])]
    clusters.set(report.key, known ? { ...known, zones } : { plugin, zones, report })
  }
  return [...clusters.values()]
}

export const sourceState = ({ plugin, zones, report }: Cluster): SourceState => ({ plugin, zones, ...report.source() })

interface Sample {
  /** Milliseconds of the monotonic clock. */
  readonly at: number
  readonly upstreams: ReadonlyMap<string, UpstreamReport & { readonly plugin: string }>
  readonly caches: ReadonlyMap<string, CacheReport>
}

export interface ReportedRates {
  /** Samples the totals. */
  sample(plugins: readonly BlockPlugin[]): void
  upstreams(): readonly UpstreamState[]
  cache(): readonly CacheState[]
}

export function createReportedRates(clock: Clock): ReportedRates {
  const empty: Sample = { at: 0, upstreams: new Map(), caches: new Map() }
  let before = empty
  let now = empty

  /** A total that shrank was reset by its plugin: it counts as unchanged. */
  const grown = (total: number, earlier: number | undefined) => Math.max(0, total - (earlier ?? total))
  const rate = (total: number, earlier: number | undefined) =>
    now.at > before.at ? (grown(total, earlier) * 1_000) / (now.at - before.at) : 0

  return {
    sample(plugins) {
      before = now
      now = { at: clock.now(), ...readTotals(plugins) }
    },
    upstreams: () =>
      [...now.upstreams].map(([key, { queries, seconds, ...state }]) => {
        const earlier = before.upstreams.get(key)
        const answers = grown(queries, earlier?.queries)
        return {
          ...state,
          rate: rate(queries, earlier?.queries),
          ...(answers > 0 && { latency: grown(seconds, earlier?.seconds) / answers }),
        }
      }),
    cache: () =>
      [...now.caches].map(([key, { hits, misses, evictions, ...state }]) => {
        const earlier = before.caches.get(key)
        return {
          ...state,
          hits: rate(hits, earlier?.hits),
          misses: rate(misses, earlier?.misses),
          evictions: rate(evictions, earlier?.evictions),
        }
      }),
  }
}

function readTotals(plugins: readonly BlockPlugin[]): Omit<Sample, 'at'> {
  const upstreams = new Map<string, UpstreamReport & { readonly plugin: string }>()
  const caches = new Map<string, CacheReport>()
  for (const [place, { plugin, instance }] of plugins.entries()) {
    for (const report of capabilityOf(instance, upstreamReports)?.() ?? [])
      upstreams.set(`${place} ${report.from} ${report.to}`, { plugin, ...report })
    const cache = capabilityOf(instance, cacheReport)?.()
    if (cache) caches.set(`${place}`, cache)
  }
  return { upstreams, caches }
}
