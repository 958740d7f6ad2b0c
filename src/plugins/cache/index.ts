import { dnsClass } from '../../dns/codes.ts'
import { isSubdomain } from '../../dns/name.ts'
import { parseMessage } from '../../dns/wire.ts'
import { explainLines } from '../../plugin/capabilities/explain.ts'
import { metadataSource } from '../../plugin/capabilities/metadata.ts'
import { passesEverything, relayKeeper, relayPassage } from '../../plugin/capabilities/relay.ts'
import { type ReplySink, replySource } from '../../plugin/capabilities/reply-source.ts'
import { cacheReport } from '../../plugin/capabilities/reports.ts'
import { type Provided, provide } from '../../plugin/capability.ts'
import type { Held, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { createNotedMetadata } from '../../plugin/noted-metadata.ts'
import type { Query } from '../../plugin/query.ts'
import type { CachedEntry } from '../../table/api.ts'
import { failuresAreKept } from '../forward/capability.ts'
import { createCache } from './cache.ts'
import { dynamicZones as dynamicZonesCapability, recoveries } from './capability.ts'
import { createDynamicZones } from './dynamic-zones.ts'
import { createKeeper, type Keeper } from './keep.ts'
import { type CacheMemory, createCacheMemory } from './memory.ts'
import type { CacheCells } from './metrics.ts'
import { createCacheMetrics } from './metrics.ts'
import { isPopular, isRenewedEarly, renewedFrom } from './prefetch.ts'
import { cacheKey, type KeyParts, keyParts, wildcardLabel, wireOf } from './replies.ts'
import { type CacheSettings, schema } from './settings.ts'
import { createStore, type Entry, type Store, secondsLeft } from './store.ts'

export const cache: Plugin<CacheSettings> = { name: 'cache', schema, setup: setUp }

function setUp(settings: CacheSettings, setup: Setup): Instance {
  const { clock } = setup
  let dynamicZones = createDynamicZones([])
  let recovered: () => number = () => 0
  const sinks = new Set<ReplySink>()
  /** Entries that are published to the sinks, and whether the data plane repeats them. */
  let offered = new WeakMap<Entry, boolean>()

  const memory = acquireMemory(setup)
  const store = createStore({
    capacity: { success: settings.success.capacity, denial: settings.denial.capacity },
    memory: memory.value,
    dropped(key, entry) {
      if (!offered.delete(entry)) return
      const { name, type, dnssecOk, checkingDisabled } = keyParts(key)
      for (const sink of sinks) sink.remove(name, type, dnssecOk, checkingDisabled)
    },
  })

  /**
   * Publishes an entry. Where the chain must see its hits, it is published as expired, so that they are not relayed.
   */
  function offer(key: string, entry: Entry): void {
    if (sinks.size === 0) return
    const repeated = reasonOfChain(entry, settings, clock.now()) === undefined
    if (offered.get(entry) === repeated) return
    const parts = keyParts(key)
    if (parts.class !== dnsClass.IN || dynamicZones.contain(parts.name)) return
    offered.set(entry, repeated)
    for (const sink of sinks) sink.put(publishedEntry(parts, entry, settings, repeated))
  }

  const metrics = createCacheMetrics({
    registry: setup.metrics,
    dataPlane: setup.process.dataPlane,
    block: setup.block,
    zones: settings.zones.join(','),
    size: store.size,
  })
  const cellsOf = ({ server, view }: Query) => metrics.cells(server, view)

  function attach(sink: ReplySink): { detach(): void } {
    sinks.add(sink)
    // A new sink starts empty; each entry is published to it on its next hit.
    offered = new WeakMap()
    return { detach: () => void sinks.delete(sink) }
  }

  const wildcards = createNotedMetadata(wildcardLabel)
  const keeping = { settings, store, clock, cells: cellsOf, offer, recoveries: () => recovered() }
  return {
    handler: createCache({
      ...keeping,
      isDynamic: (plugin) => dynamicZones.belongTo(plugin),
      onWildcard: wildcards.note,
      isSuperseded: (query) => dynamicZones.answer(query),
    }),
    provides: [
      provide(metadataSource, wildcards),
      provide(explainLines, (query) => explain(query, store, settings, clock.now())),
      provide(cacheReport, () => ({
        block: settings.zones.join(' '),
        success: store.size('success'),
        denial: store.size('denial'),
        capacity: settings.success.capacity + settings.denial.capacity,
        ...metrics.totals(),
      })),
      provide(replySource, { attach }),
      provide(failuresAreKept, (name) => settings.zones.some((zone) => isSubdomain(zone, name))),
      ...relayed(settings, createKeeper(keeping), cellsOf),
    ],
    start() {
      dynamicZones = createDynamicZones(setup.block.capabilities(dynamicZonesCapability))
      const counts = setup.block.capabilities(recoveries)
      recovered = () => counts.reduce((sum, { value }) => sum + value(), 0)
    },
    stop() {
      metrics.stop()
      store.close()
      memory.release()
    },
  }
}

/** UDP threads may relay queries past the cache and hand over the replies, because the table has every usable entry. */
function relayed(settings: CacheSettings, keeper: Keeper, cellsOf: (query: Query) => CacheCells): Provided[] {
  const { success, denial, zones, prefetch, serveStale } = settings
  const ttls = {
    minSuccess: success.minTtl,
    zeroSuccess: success.minTtlOfZero,
    maxSuccess: success.maxTtl,
    minDenial: denial.minTtl,
    zeroDenial: denial.minTtlOfZero,
    maxDenial: denial.maxTtl,
  }
  const usesExpired = prefetch !== undefined || serveStale !== undefined
  const keep = (query: Query, reply: Uint8Array): void => {
    const cells = cellsOf(query)
    cells.requests.inc()
    cells.misses.inc()
    keeper.copy(parseMessage(reply), cacheKey(query), query)
  }
  return [provide(relayPassage, passesEverything), provide(relayKeeper, { zones, ttls, usesExpired, keep })]
}

/** Half of the process's cache memory is for the replies that the caches keep, half for those in the answer table. */
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

/**
 * Why the data plane must not serve hits of an entry, or undefined: each hit of a stale entry may cause a renewal, and
 * hits of one that may become popular are counted. Failures are published: the data plane leaves them to the chain and
 * does not relay them.
 */
function reasonOfChain(entry: Entry, { prefetch }: CacheSettings, now: number): string | undefined {
  if (secondsLeft(entry, now) <= 0) return 'it is stale, so that a hit may renew it'
  if (!prefetch) return undefined
  if (!isPopular(entry, prefetch)) return `prefetch counts its hits: ${entry.hits} of ${prefetch.hits}`
  return isRenewedEarly(entry, prefetch, now) ? 'prefetch renews it at its next hit' : undefined
}

function explain(query: Query, store: Store, settings: CacheSettings, now: number): string[] {
  const key = cacheKey(query)
  const lines: string[] = []
  for (const kind of ['denial', 'success'] as const) {
    const entry = store.get(kind, key)
    if (!entry) continue
    const reason = entry.failures > 0 ? 'failures are logged' : reasonOfChain(entry, settings, now)
    const byWhom = reason === undefined ? 'the data plane repeats it' : `the chain repeats it: ${reason}`
    const left = secondsLeft(entry, now)
    const age = left >= 0 ? `${left} s of ${entry.ttl} s left` : `expired ${-left} s ago`
    lines.push(`has a ${kind} entry, ${age}; ${byWhom}`)
  }
  return lines.length > 0 ? lines : ['has no entry (cluster answers are never cached)']
}

/** The entry for the data plane: with `prefetch` it expires when a hit would renew it; if not `repeated`, at once. */
function publishedEntry(
  { name, type, dnssecOk, checkingDisabled }: KeyParts,
  entry: Entry,
  { prefetch, keepTtl }: CacheSettings,
  repeated: boolean,
): CachedEntry {
  const repeatedUntil = prefetch ? renewedFrom(entry, prefetch) : entry.storedAt + entry.ttl * 1000
  return {
    name,
    type,
    dnssecOk,
    checkingDisabled,
    reply: wireOf(entry),
    storedAt: entry.storedAt,
    expiresAt: repeated ? repeatedUntil : entry.storedAt,
    keepTtl,
    authenticData: entry.authenticData,
    octets: entry.octets,
  }
}
