import { infoCode, staleCode } from '../../dns/extended-error.ts'
import { isSubdomain } from '../../dns/name.ts'
import type { Handler, Next, Outcome, Query, Reply } from '../../plugin/query.ts'
import { answerIn } from './keep.ts'
import { isPopular, isRenewedEarly, recordHit } from './prefetch.ts'
import { createRefill, type RefillOptions } from './refill.ts'
import { cacheKey, isCacheable, replyFrom } from './replies.ts'
import type { ServeStale } from './settings.ts'
import { type Entry, type Kind, secondsLeft } from './store.ts'

export interface CacheOptions extends RefillOptions {
  /** Whether a plugin with a dynamic zone has the name by now, so that the cached answer is out of date. */
  readonly isSuperseded: (query: Query) => boolean
}

interface Found {
  readonly key: string
  readonly entry: Entry
  readonly kind: Kind
}

export function createCache(options: CacheOptions): Handler {
  const { settings, store, clock } = options
  const { serveStale } = settings
  const refill = createRefill(options)

  /** The entry that answers the query now; stale ones included where `serve_stale` allows. */
  function find(key: string, now: number): Found | undefined {
    const kept = store.get('success', key)
    const answer = serveStale?.preferPositive ? usable(answerIn(kept), now) : undefined
    if (answer) return { key, entry: answer, kind: 'success' }
    const denial = current(usable(store.get('denial', key), now))
    const success = usable(kept, now)
    if (success && (!denial || denial.failures > 0)) return { key, entry: success, kind: 'success' }
    return denial && { key, entry: denial, kind: 'denial' }
  }

  /** A failure from before an upstream recovered no longer counts. */
  function current(entry: Entry | undefined): Entry | undefined {
    return entry && entry.failures > 0 && entry.recoveries !== options.recoveries() ? undefined : entry
  }

  /** Failures are not served stale (RFC 2308 §7.1). */
  function usable(entry: Entry | undefined, now: number): Entry | undefined {
    if (!entry) return undefined
    const left = secondsLeft(entry, now)
    const staleFor = serveStale && entry.failures === 0 ? serveStale.upTo / 1000 : 0
    return left > 0 || -left < staleFor ? entry : undefined
  }

  function hit({ key, entry, kind }: Found, query: Query, next: Next, now: number): Outcome | Promise<Outcome> {
    const cells = options.cells(query)
    cells.hits[kind].inc()
    if (entry.wildcard !== undefined) options.onWildcard(query, entry.wildcard)
    const left = secondsLeft(entry, now)
    if (left <= 0) return stale(key, entry, serveStale!, query, next)
    if (settings.prefetch) {
      recordHit(entry, settings.prefetch, now)
      const isDue = isPopular(entry, settings.prefetch) && isRenewedEarly(entry, settings.prefetch, now)
      if (isDue && refill.inBackground({ key, entry, query, next, recheck: 0 })) cells.prefetches.inc()
    }
    options.offer(key, entry)
    const reply = replyFrom(entry, query, settings.keepTtl ? entry.ttl : left)
    return entry.failures > 0 ? { ...reply, extendedError: { code: infoCode.cachedError } } : reply
  }

  function stale(key: string, entry: Entry, how: ServeStale, query: Query, next: Next): Outcome | Promise<Outcome> {
    const { verify, timeout, ttl, recheck } = how
    const old = (): Reply => {
      options.cells(query).servedStale.inc()
      const reply = replyFrom(entry, query, ttl === 0 && settings.keepTtl ? entry.ttl : ttl)
      return { ...reply, extendedError: { code: staleCode(reply.message.rcode) } }
    }
    const renewal = { key, entry, query, next, recheck }
    const oneAtATime = timeout > 0 || recheck > 0
    if (clock.now() < entry.recheckAt || (oneAtATime && entry.refreshing)) return old()
    if (verify) return refill.within(timeout, renewal).then((fresh) => fresh ?? old())
    if (refill.inBackground(renewal)) options.cells(query).prefetches.inc()
    return old()
  }

  return (query, next) => {
    if (!isCacheable(query) || !settings.zones.some((zone) => isSubdomain(zone, query.name))) return next(query)
    const key = cacheKey(query)
    const now = clock.now()
    const found = find(key, now)
    if (query.unrecorded) {
      const isCurrent = found && secondsLeft(found.entry, now) > 0 && !options.isSuperseded(query)
      return isCurrent ? replyFrom(found.entry, query, secondsLeft(found.entry, now)) : next(query)
    }
    options.cells(query).requests.inc()
    if (found && options.isSuperseded(query)) return next(query)
    if (found) return hit(found, query, next, now)
    options.cells(query).misses.inc()
    return refill.miss(key, query, next)
  }
}
