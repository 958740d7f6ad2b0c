import { dnsClass } from '../../dns/codes.ts'
import { explainLines } from '../../plugin/capabilities/explain.ts'
import { type ReplySink, replySource } from '../../plugin/capabilities/reply-source.ts'
import { provide } from '../../plugin/capability.ts'
import type { Held, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import type { Query } from '../../plugin/query.ts'
import type { CachedEntry } from '../../table/api.ts'
import { createCache } from './cache.ts'
import { dynamicZones as dynamicZonesCapability } from './capability.ts'
import { createDynamicZones } from './dynamic-zones.ts'
import { type CacheMemory, createCacheMemory } from './memory.ts'
import { createCacheMetrics } from './metrics.ts'
import { cacheKey } from './replies.ts'
import { type CacheSettings, schema } from './settings.ts'
import { createStore, type Entry, type Store, secondsLeft } from './store.ts'

export const cache: Plugin<CacheSettings> = { name: 'cache', schema, setup: setUp }

function setUp(settings: CacheSettings, setup: Setup): Instance {
  const { clock } = setup
  let dynamicZones = createDynamicZones([])
  const sinks = new Set<ReplySink>()
  /** Entries that are published to the sinks. */
  let offered = new WeakSet<Entry>()

  const memory = acquireMemory(setup)
  const store = createStore({
    capacity: { success: settings.success.capacity, denial: settings.denial.capacity },
    memory: memory.value,
    dropped(entry) {
      if (!offered.delete(entry)) return
      for (const sink of sinks) sink.remove(entry.name, entry.type, entry.dnssecOk, entry.checkingDisabled)
    },
  })

  /** Publishes an entry. Failures stay with the chain, which logs those that clients see (`log { class error }`). */
  function offer(entry: Entry): void {
    if (offered.has(entry) || entry.failure || entry.class !== dnsClass.IN || dynamicZones.contain(entry.name)) return
    offered.add(entry)
    for (const sink of sinks) sink.put(publishedEntry(entry))
  }

  const metrics = createCacheMetrics({
    registry: setup.metrics,
    dataPlane: setup.process.dataPlane,
    block: setup.block,
    zones: settings.zones.join(','),
    size: store.size,
  })
  function attach(sink: ReplySink): { detach(): void } {
    sinks.add(sink)
    // A new sink starts empty; each entry is published to it on its next hit.
    offered = new WeakSet()
    return { detach: () => void sinks.delete(sink) }
  }

  // These settings need every hit, which the data plane would hide.
  const seesHits = settings.prefetch !== undefined || settings.serveStale !== undefined || settings.keepTtl
  return {
    handler: createCache({
      settings,
      store,
      clock,
      cells: ({ server, view }) => metrics.cells(server, view),
      isDynamic: (plugin) => dynamicZones.belongTo(plugin),
      isSuperseded: (query) => dynamicZones.answer(query),
      offer: seesHits ? () => undefined : offer,
    }),
    provides: [
      provide(explainLines, (query) => explain(query, store, clock.now())),
      ...(seesHits ? [] : [provide(replySource, { attach })]),
    ],
    start() {
      dynamicZones = createDynamicZones(setup.block.capabilities(dynamicZonesCapability))
    },
    stop() {
      metrics.stop()
      store.close()
      memory.release()
    },
  }
}

/** Half of the process's share is for the replies that the caches keep, half for those that the data plane repeats. */
function acquireMemory({ process, metrics }: Setup): Held<CacheMemory> {
  const evictions = metrics
    .counter(
      'slicedns_cache_memory_evictions_total',
      'Cached replies dropped because all caches took too much memory.',
      [],
    )
    .with()
  return process.acquire('cache memory', () => ({
    value: createCacheMemory(process.limits.memory.cache / 2, () => evictions.inc()),
    stop: () => undefined,
  }))
}

function explain(query: Query, store: Store, now: number): string[] {
  const key = cacheKey(query)
  const lines: string[] = []
  for (const kind of ['denial', 'success'] as const) {
    const entry = store.get(kind, key)
    if (entry) lines.push(`has a ${kind} entry, ${secondsLeft(entry, now)} s of ${entry.ttl} s left`)
  }
  return lines.length > 0 ? lines : ['has no entry (cluster answers are never cached)']
}

/** The entry as the data plane takes it. */
function publishedEntry(entry: Entry): CachedEntry {
  return {
    name: entry.name,
    type: entry.type,
    dnssecOk: entry.dnssecOk,
    checkingDisabled: entry.checkingDisabled,
    reply: entry.wire,
    storedAt: entry.storedAt,
    expiresAt: entry.storedAt + entry.ttl * 1000,
    authenticData: entry.authenticData,
    octets: entry.octets,
  }
}
