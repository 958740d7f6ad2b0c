import { rcode, type } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import { isSubdomain } from '../../dns/name.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Handler, Next, Outcome, Query, RcodeOnly, Reply } from '../../plugin/query.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { type Class, classify } from './classify.ts'
import type { CacheCells } from './metrics.ts'
import { answersQuestion, askingForAd, cacheKey, createEntry, flattened, isCacheable, replyFrom } from './replies.ts'
import type { CacheSettings, Limits } from './settings.ts'
import { type Entry, type Kind, type Store, secondsLeft } from './store.ts'

const plugin = 'cache'

export interface CacheOptions {
  readonly settings: CacheSettings
  readonly store: Store
  readonly clock: Clock
  readonly cells: (query: Query) => CacheCells
  /** Whether the plugin answers from changing data: its replies pass untouched, TTLs included, and are not cached. */
  readonly isDynamic: (plugin: string) => boolean
  /** Whether a plugin with a dynamic zone has the name by now: then the cached answer is out of date. */
  readonly isSuperseded: (query: Query) => boolean
  /** Called with each entry that is stored or found: the data plane may repeat it. */
  readonly offer: (entry: Entry) => void
}

export function createCache(options: CacheOptions): Handler {
  const { settings, store, clock } = options
  const refill = createRefill(options)

  /** The entry that answers the query now; stale ones included where `serve_stale` allows. */
  function find(key: string, now: number): { entry: Entry; kind: Kind } | undefined {
    const denial = usable(store.get('denial', key), now)
    const success = usable(store.get('success', key), now)
    if (!denial) return success && { entry: success, kind: 'success' }
    const preferred = success && (settings.serveStale?.preferPositive || denial.failure)
    return preferred ? { entry: success, kind: 'success' } : { entry: denial, kind: 'denial' }
  }

  function usable(entry: Entry | undefined, now: number): Entry | undefined {
    if (!entry) return undefined
    const left = secondsLeft(entry, now)
    const staleFor = settings.serveStale ? settings.serveStale.upTo / 1000 : 0
    return left > 0 || -left < staleFor ? entry : undefined
  }

  function hit(entry: Entry, kind: Kind, query: Query, next: Next, now: number): Outcome | Promise<Outcome> {
    const cells = options.cells(query)
    cells.hits[kind].inc()
    const left = secondsLeft(entry, now)
    if (left <= 0) return stale(entry, query, next)
    options.offer(entry)
    if (shouldPrefetch(entry, settings, left, now)) {
      cells.prefetches.inc()
      refill.inBackground(entry, query, next)
    }
    return reply(entry, query, settings.keepTtl ? entry.ttl : left)
  }

  function stale(entry: Entry, query: Query, next: Next): Outcome | Promise<Outcome> {
    const { verify, timeout, ttl, recheck } = settings.serveStale!
    const old = (): Outcome => {
      options.cells(query).servedStale.inc()
      return reply(entry, query, ttl)
    }
    const oneAtATime = timeout > 0 || recheck > 0
    if (clock.now() < entry.recheckAt || (oneAtATime && entry.refreshing)) return old()
    if (!verify) {
      refill.inBackground(entry, query, next)
      return old()
    }
    return refill.within(timeout, entry, query, next).then((fresh) => fresh ?? old())
  }

  return (query, next) => {
    if (!isCacheable(query) || !settings.zones.some((zone) => isSubdomain(zone, query.name))) return next(query)
    const key = cacheKey(query)
    const now = clock.now()
    const found = find(key, now)
    if (query.unrecorded) {
      const isCurrent = found && secondsLeft(found.entry, now) > 0 && !options.isSuperseded(query)
      return isCurrent ? reply(found.entry, query, secondsLeft(found.entry, now)) : next(query)
    }
    options.cells(query).requests.inc()
    if (found && options.isSuperseded(query)) return next(query)
    if (found) return hit(found.entry, found.kind, query, next, now)
    options.cells(query).misses.inc()
    return refill.miss(key, query, next)
  }
}

const reply = (entry: Entry, query: Query, ttl: number): Reply => ({
  kind: 'reply',
  message: replyFrom(entry, query, ttl),
  plugin,
})

/** Counts the hit. True when the entry is popular and near its expiry. */
function shouldPrefetch(entry: Entry, { prefetch }: CacheSettings, left: number, now: number): boolean {
  if (!prefetch) return false
  entry.hits = now - entry.lastHitAt > prefetch.within ? 1 : entry.hits + 1
  entry.lastHitAt = now
  return entry.hits >= prefetch.hits && left <= Math.ceil((prefetch.percentage / 100) * entry.ttl)
}

/** One costs about 2 KiB; those beyond keep their slots, which the transport bounds. */
const mostWithoutSlot = 4096

/** Renewals at a time. An entry that is not renewed now is renewed on its next hit, or asked for when it has expired. */
const mostRenewals = 64

interface Refill {
  /** Asks the next plugin; identical questions that wait at the same time share its answer. */
  miss(key: string, query: Query, next: Next): Outcome | Promise<Outcome>
  /** Renews an entry, unless a renewal is under way. */
  inBackground(entry: Entry, query: Query, next: Next): void
  /** A fresh answer within so many milliseconds (0: no limit), or undefined when none is better than a stale one. */
  within(milliseconds: number, entry: Entry, query: Query, next: Next): Promise<Outcome | undefined>
}

function createRefill({ settings, store, clock, cells, isDynamic, offer }: CacheOptions): Refill {
  const waiting = new Map<string, Promise<Taken>>()
  /** Queries that wait for another one's answer and have released their slots. */
  let withoutSlot = 0
  let renewing = 0

  /** Stores the next plugin's reply and returns it as the client gets it. */
  function take(outcome: Outcome, key: string, query: Query, renewal: boolean): Taken {
    if (outcome.kind === 'drop' || isDynamic(outcome.plugin) || isTransfer(query)) return { outcome, entry: undefined }
    if (outcome.kind === 'rcode') return { outcome, entry: renewal ? undefined : keepFailure(outcome, key, query) }
    const { message } = outcome
    const { kind, ttl: lowest } = classify(message, clock.wall() / 1000)
    const ttl = clampedTtl(kind, lowest, settings)
    const entry =
      ttl > 0 && !message.truncated && kind !== 'none' ? keep(message, kind, ttl, key, query, renewal) : undefined
    return { outcome: { ...outcome, message: flattened(message, ttl, query) }, entry }
  }

  /**
   * Nothing was written (every upstream is lost, say). The server's SERVFAIL is kept, so that those who ask again do not
   * wait again. What is about this one question alone is not.
   */
  function keepFailure(failed: RcodeOnly, key: string, query: Query): Entry | undefined {
    const ttl = settings.servfailTtl
    if (failed.rcode !== rcode.SERVFAIL || !failed.error || failed.ofQuestion || ttl === 0) return undefined
    if (query.budget.ended === 'gone') return undefined
    return keep(replyTo(query.request, { rcode: rcode.SERVFAIL }), 'failure', ttl, key, query, false)
  }

  function keep(
    message: Message,
    kind: Class,
    ttl: number,
    key: string,
    query: Query,
    renewal: boolean,
  ): Entry | undefined {
    if (!answersQuestion(message, query)) {
      cells(query).drops.inc()
      return undefined
    }
    const side: Kind = kind === 'success' ? 'success' : 'denial'
    const excluded = side === 'success' ? settings.disableSuccess : settings.disableDenial
    if (excluded.some((zone) => isSubdomain(zone, query.name))) return undefined
    const entry = createEntry(message, key, query, ttl, clock.now(), kind === 'failure')
    // A renewal's answer replaces a denial of the same question, which would win over it.
    if (side === 'success' && renewal) store.remove('denial', key)
    cells(query).evictions[side].inc(store.set(side, entry))
    offer(entry)
    return entry
  }

  function ask(key: string, query: Query, next: Next, renewal: boolean): Taken | Promise<Taken> {
    const outcome = next(askingForAd(query))
    if (!(outcome instanceof Promise)) return take(outcome, key, query, renewal)
    return outcome.then((settled) => take(settled, key, query, renewal))
  }

  async function share(flight: string, key: string, query: Query, next: Next): Promise<Outcome> {
    // It has nothing to do until then: another query may have its slot.
    const takeSlotAgain = withoutSlot < mostWithoutSlot ? query.releaseSlot?.() : undefined
    if (takeSlotAgain) withoutSlot++
    const { outcome, entry } = await waiting.get(flight)!
    if (takeSlotAgain) {
      withoutSlot--
      takeSlotAgain()
    }
    if (entry && outcome.kind === 'reply') return reply(entry, query, Math.max(1, secondsLeft(entry, clock.now())))
    if (!mayShare(outcome)) return (await ask(key, query, next, false)).outcome
    if (outcome.kind !== 'reply') return outcome
    const { message } = outcome
    return { ...outcome, message: { ...message, id: query.request.id, questions: query.request.questions } }
  }

  async function renew(entry: Entry, query: Query, next: Next): Promise<Outcome> {
    entry.refreshing = true
    const budget = query.budget.detach()
    try {
      // As CoreDNS, over TCP: the answer is never truncated.
      const { outcome } = await ask(
        entry.key,
        { ...query, transport: 'tcp', budget, releaseSlot: undefined },
        next,
        true,
      )
      if (!isGood(outcome)) entry.recheckAt = clock.now() + (settings.serveStale?.recheck ?? 0)
      return outcome
    } finally {
      budget.close()
      entry.refreshing = false
    }
  }

  return {
    miss(key, query, next) {
      // `loop` counts how often its HINFO question comes round: a shared answer would hide the loop from it.
      if (query.qtype === type.HINFO) return outcomeOf(ask(key, query, next, false))
      // An answer may be truncated over UDP, above all without EDNS.
      const flight = `${key} ${flightKind(query)}`
      if (waiting.has(flight)) return share(flight, key, query, next)
      const watch = watchSlot(query)
      // Others may wait for it, too: it goes on when the client that asked first has gone.
      const budget = query.budget.detach()
      const taken = ask(key, { ...watch.query, budget }, next, false)
      if (!(taken instanceof Promise)) return taken.outcome
      const done = (): void => {
        budget.close()
        if (waiting.get(flight) === taken) waiting.delete(flight)
      }
      taken.then(done, done)
      // A query that waits for the cluster (`hold`) is not shared: each has a wait of its own.
      if (!watch.released()) waiting.set(flight, taken)
      return taken.then(({ outcome }) => outcome)
    },
    inBackground(entry, query, next) {
      // No query waits for it: a failure leaves the entry as it is, and the next query tries again.
      if (entry.refreshing) return
      if (renewing >= mostRenewals) {
        cells(query).skippedRenewals.inc()
        return
      }
      renewing++
      const done = (): void => void renewing--
      renew(entry, query, next).then(done, done)
    },
    async within(milliseconds, entry, query, next) {
      const fresh = renew(entry, query, next).then((outcome) => (isGood(outcome) ? outcome : undefined))
      if (milliseconds === 0) return fresh
      const late = new Promise<undefined>((resolve) => clock.after(milliseconds, () => resolve(undefined)))
      return Promise.race([fresh.catch(() => undefined), late])
    },
  }
}

function flightKind({ transport, request }: Query): 'stream' | 'edns' | 'plain' {
  if (transport !== 'udp') return 'stream'
  return request.edns ? 'edns' : 'plain'
}

/** The query to pass on, and whether a plugin has released its slot. */
function watchSlot(query: Query): { readonly query: Query; released(): boolean } {
  const { releaseSlot } = query
  let released = false
  if (!releaseSlot) return { query, released: () => false }
  const watched = (): (() => void) => {
    released = true
    return releaseSlot()
  }
  return { query: { ...query, releaseSlot: watched }, released: () => released }
}

/** A transfer's messages are a zone in order, not an answer. */
const isTransfer = ({ qtype }: Query): boolean => qtype === type.AXFR || qtype === type.IXFR

/** The next plugin's outcome and the entry that was made of it. */
interface Taken {
  readonly outcome: Outcome
  readonly entry: Entry | undefined
}

const outcomeOf = (taken: Taken | Promise<Taken>): Outcome | Promise<Outcome> =>
  taken instanceof Promise ? taken.then(({ outcome }) => outcome) : taken.outcome

/** Failures are shared; an answer that may not be cached may be meant for one client. */
function mayShare(outcome: Outcome): boolean {
  if (outcome.kind === 'rcode') return true
  return outcome.kind === 'reply' && outcome.message.rcode !== rcode.NOERROR && outcome.message.rcode !== rcode.NXDOMAIN
}

/** Better than a stale entry. */
const isGood = (outcome: Outcome): boolean =>
  outcome.kind === 'reply' && (outcome.message.rcode === rcode.NOERROR || outcome.message.rcode === rcode.NXDOMAIN)

function clampedTtl(kind: Class, ttl: number, settings: CacheSettings): number {
  if (kind === 'failure') return settings.servfailTtl
  const { minTtl, maxTtl }: Limits = kind === 'denial' ? settings.denial : settings.success
  return Math.min(maxTtl, Math.max(minTtl, ttl))
}
