import type { BlockFacts, DataPlaneFacts } from '../../plugin/contract.ts'
import { createGrowth } from '../../plugin/growth.ts'
import type { CounterCell, MetricsRegistry } from '../../telemetry/metrics.ts'
import type { Kind } from './store.ts'

/** The counters of one listener (and view). */
export interface CacheCells {
  readonly requests: CounterCell
  readonly misses: CounterCell
  readonly prefetches: CounterCell
  readonly skippedRenewals: CounterCell
  readonly drops: CounterCell
  readonly servedStale: CounterCell
  readonly hits: Readonly<Record<Kind, CounterCell>>
  readonly evictions: Readonly<Record<Kind, CounterCell>>
}

export interface CacheMetrics {
  cells(server: string, view: string): CacheCells
  /** Of all listeners, since the start of the plugin. */
  totals(): { readonly hits: number; readonly misses: number; readonly evictions: number }
  stop(): void
}

export interface CacheMetricsOptions {
  readonly registry: MetricsRegistry
  readonly dataPlane: DataPlaneFacts
  /** Its listeners are known once it serves. */
  readonly block: Pick<BlockFacts, 'servers' | 'zones'>
  /** The plugin's zones, joined with commas. */
  readonly zones: string
  readonly size: (kind: Kind) => number
}

const kinds: readonly Kind[] = ['success', 'denial']

/**
 * Named and labelled as CoreDNS's (docs/coredns-behaviour.md §8). Hits that the data plane served are added at each
 * scrape.
 */
export function createCacheMetrics(options: CacheMetricsOptions): CacheMetrics {
  const { registry, block, zones } = options
  const labels = ['server', 'zones', 'view']
  const typed = ['server', 'type', 'zones', 'view']
  const counter = (name: string, help: string, names: readonly string[] = labels) => registry.counter(name, help, names)
  const requests = counter('coredns_cache_requests_total', 'Queries that were looked up in the cache.')
  const misses = counter('coredns_cache_misses_total', 'Queries that were not in the cache.')
  const prefetches = counter('coredns_cache_prefetch_total', 'Popular entries renewed before they expired.')
  const skippedRenewals = counter(
    'slicedns_cache_skipped_renewals_total',
    'Renewals of entries put off because too many were under way.',
  )
  const drops = counter('coredns_cache_drops_total', 'Replies not cached because they answer another question.')
  const stale = counter('coredns_cache_served_stale_total', 'Queries answered with an entry that had expired.')
  const hits = counter('coredns_cache_hits_total', 'Queries answered from the cache.', typed)
  const evictions = counter('coredns_cache_evictions_total', 'Entries evicted because the cache was full.', typed)
  const entries = registry.gauge('coredns_cache_entries', 'Replies that the cache holds.', typed)
  const known = new Map<string, CacheCells>()

  function cells(server: string, view: string): CacheCells {
    const key = `${server} ${view}`
    let found = known.get(key)
    if (!found) {
      found = {
        requests: requests.with(server, zones, view),
        misses: misses.with(server, zones, view),
        prefetches: prefetches.with(server, zones, view),
        skippedRenewals: skippedRenewals.with(server, zones, view),
        drops: drops.with(server, zones, view),
        servedStale: stale.with(server, zones, view),
        hits: { success: hits.with(server, 'success', zones, view), denial: hits.with(server, 'denial', zones, view) },
        evictions: {
          success: evictions.with(server, 'success', zones, view),
          denial: evictions.with(server, 'denial', zones, view),
        },
      }
      known.set(key, found)
    }
    return found
  }

  const tableHits = createTableHits(options)
  /** Adds what the data plane has counted. */
  function collect(): void {
    for (const { server, view, kind, count } of tableHits()) {
      const found = cells(server, view)
      found.requests.inc(count)
      found.hits[kind].inc(count)
    }
  }

  const collector = registry.onCollect(() => {
    collect()
    for (const server of block.servers)
      for (const kind of kinds) entries.with(server, kind, zones, '').set(options.size(kind))
  })
  return {
    cells,
    totals() {
      collect()
      const all = [...known.values()]
      const sum = (value: (cells: CacheCells) => number) => all.reduce((total, each) => total + value(each), 0)
      return {
        hits: sum((each) => each.hits.success.value + each.hits.denial.value),
        misses: sum((each) => each.misses.value),
        evictions: sum((each) => each.evictions.success.value + each.evictions.denial.value),
      }
    },
    stop() {
      collector.remove()
      for (const server of block.servers) for (const kind of kinds) entries.forget(server, kind, zones, '')
    },
  }
}

/** Hits of this block's `cache` that the data plane served since the last call. */
function createTableHits({ registry, dataPlane, block }: CacheMetricsOptions) {
  const growth = createGrowth(registry)
  return function* (): Iterable<{ server: string; view: string; kind: Kind; count: number }> {
    const servers = new Set(block.servers)
    const totals = new Map<string, { server: string; view: string; kind: Kind; total: number }>()
    for (const { plugin, server, zone, view, cacheHits } of dataPlane.collect()) {
      if (plugin !== 'cache' || !cacheHits || !servers.has(server) || !block.zones.includes(zone)) continue
      for (const kind of kinds) {
        const key = `cache hits ${server} ${zone} ${view} ${kind}`
        const before = totals.get(key)?.total ?? 0
        totals.set(key, { server, view, kind, total: before + cacheHits[kind] })
      }
    }
    for (const [key, { total, ...facts }] of totals) {
      const count = growth(key, total)
      if (count > 0) yield { ...facts, count }
    }
  }
}
