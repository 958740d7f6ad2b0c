import type { CounterCell, MetricsRegistry } from '../../observe/metrics.ts'
import type { DataPlaneFacts } from '../../plugin/contract.ts'
import type { Kind } from './store.ts'

/** The counters of one listener (and view). */
export interface CacheCells {
  readonly requests: CounterCell
  readonly misses: CounterCell
  readonly prefetches: CounterCell
  readonly drops: CounterCell
  readonly servedStale: CounterCell
  readonly hits: Readonly<Record<Kind, CounterCell>>
  readonly evictions: Readonly<Record<Kind, CounterCell>>
}

export interface CacheMetrics {
  cells(server: string, view: string): CacheCells
  stop(): void
}

export interface CacheMetricsOptions {
  readonly registry: MetricsRegistry
  readonly dataPlane: DataPlaneFacts
  /** The plugin's zones, joined with commas. */
  readonly zones: string
  readonly size: (kind: Kind) => number
  /** The listeners of the block, once it serves. */
  readonly servers: () => readonly string[]
}

/** Named and labelled as CoreDNS's (coredns-behaviour §8). Hits that the data plane served are added at each scrape. */
export function createCacheMetrics(options: CacheMetricsOptions): CacheMetrics {
  const { registry, zones } = options
  const labels = ['server', 'zones', 'view']
  const typed = ['server', 'type', 'zones', 'view']
  const requests = registry.counter('coredns_cache_requests_total', 'The count of cache requests.', labels)
  const misses = registry.counter('coredns_cache_misses_total', 'The count of cache misses.', labels)
  const prefetches = registry.counter(
    'coredns_cache_prefetch_total',
    'The number of times the cache has prefetched.',
    labels,
  )
  const drops = registry.counter(
    'coredns_cache_drops_total',
    'The number of replies that were not kept, for they answer another question.',
    labels,
  )
  const stale = registry.counter(
    'coredns_cache_served_stale_total',
    'The number of requests served from stale entries.',
    labels,
  )
  const hits = registry.counter('coredns_cache_hits_total', 'The count of cache hits.', typed)
  const evictions = registry.counter('coredns_cache_evictions_total', 'The count of cache evictions.', typed)
  const entries = registry.gauge('coredns_cache_entries', 'The number of elements in the cache.', typed)
  const known = new Map<string, CacheCells>()

  function cells(server: string, view: string): CacheCells {
    const key = `${server} ${view}`
    let found = known.get(key)
    if (!found) {
      found = {
        requests: requests.with(server, zones, view),
        misses: misses.with(server, zones, view),
        prefetches: prefetches.with(server, zones, view),
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
  const collector = registry.onCollect(() => {
    for (const { server, view, kind, count } of tableHits()) {
      const found = cells(server, view)
      found.requests.inc(count)
      found.hits[kind].inc(count)
    }
    for (const server of options.servers()) {
      for (const kind of ['success', 'denial'] as const) entries.with(server, kind, zones, '').set(options.size(kind))
    }
  })
  return { cells, stop: () => collector.remove() }
}

/** What the data plane has answered on behalf of `cache` since it was asked last. NODATA counts as success there. */
function createTableHits({ dataPlane, servers }: CacheMetricsOptions) {
  const before = new Map<string, number>()
  return function* (): Iterable<{ server: string; view: string; kind: Kind; count: number }> {
    const ours = new Set(servers())
    const now = new Map<string, number>()
    for (const { plugin, server, view, responses } of dataPlane.collect()) {
      if (plugin !== 'cache' || !ours.has(server)) continue
      for (const [rcode, count] of responses) {
        const key = JSON.stringify([server, view, rcode === 'NOERROR' ? 'success' : 'denial'])
        now.set(key, (now.get(key) ?? 0) + count)
      }
    }
    for (const [key, count] of now) {
      const [server, view, kind] = JSON.parse(key) as [string, string, Kind]
      const more = count - (before.get(key) ?? 0)
      before.set(key, count)
      if (more > 0) yield { server, view, kind, count: more }
    }
  }
}
