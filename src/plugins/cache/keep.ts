/** Decides which replies of the next plugin are stored, and for how long. */
import { rcode } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import { isSubdomain } from '../../dns/name.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Query, RcodeOnly } from '../../plugin/query.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { type Class, type Classified, classify } from './classify.ts'
import type { CacheCells } from './metrics.ts'
import { createEntry, flattened, repeatsQuestion } from './replies.ts'
import type { CacheSettings, Limits } from './settings.ts'
import { type Entry, type Kind, type Store, secondsLeft } from './store.ts'

export interface KeeperOptions {
  readonly settings: CacheSettings
  readonly store: Store
  readonly clock: Clock
  readonly cells: (query: Query) => CacheCells
  /** How often upstreams have recovered. */
  readonly recoveries: () => number
  /** Called with each entry that is stored or found: the data plane may repeat it. */
  readonly offer: (key: string, entry: Entry) => void
}

/** A reply as clients get it, and its entry. */
export interface Taken {
  readonly message: Message
  readonly entry: Entry | undefined
}

export interface Keeper {
  /** Stores the reply to a cache miss. */
  take(message: Message, key: string, query: Query): Taken
  /** The same for a reply that the client already has. */
  copy(message: Message, key: string, query: Query): void
  /**
   * Stores the reply to a renewal if it is better than an expired entry (RFC 8767 §4), else undefined: failures,
   * truncated replies, and with `prefer_positive` all but answers leave the old entry as it is.
   */
  renew(message: Message, key: string, query: Query): Taken | undefined
  /** Stores the server's SERVFAIL where no reply was written, so that clients that ask again do not wait again. */
  fail(failed: RcodeOnly, key: string, query: Query): Entry | undefined
}

export function createKeeper({ settings, store, clock, cells, recoveries, offer }: KeeperOptions): Keeper {
  const preferPositive = settings.serveStale?.preferPositive ?? false

  function judge(message: Message): Classified & { readonly ttl: number } {
    const classified = classify(message, clock.wall() / 1000)
    return { ...classified, ttl: clampedTtl(classified.kind, classified.ttl, settings) }
  }

  /**
   * Stores the reply and returns its entry; undefined where it is not stored. Entries that it contradicts are dropped.
   */
  function keep(message: Message, judged: Classified, key: string, query: Query): Entry | undefined {
    const { kind, ttl, answered, lasting } = judged
    if (!lasting) return undefined
    if (!repeatsQuestion(message, query)) {
      if (ttl > 0) cells(query).drops.inc()
      return undefined
    }
    const side: Kind = kind === 'success' ? 'success' : 'denial'
    const isLastWord = preferPositive ? answered : kind !== 'failure'
    if (isLastWord) store.remove(side === 'success' ? 'denial' : 'success', key)
    const excluded = side === 'success' ? settings.disableSuccess : settings.disableDenial
    if (ttl === 0 || excluded.some((zone) => isSubdomain(zone, query.name))) {
      if (isLastWord) store.remove(side, key)
      return undefined
    }
    const failures = kind === 'failure' ? recentFailures(store.get('denial', key), clock.now()) + 1 : 0
    const lasts = kind === 'failure' ? failureTtl(settings, failures) : ttl
    const lastAnswer =
      side === 'success' && preferPositive && !answered ? answerIn(store.get('success', key)) : undefined
    const facts = { ttl: lasts, now: clock.now(), answered, failures, recoveries: recoveries(), lastAnswer }
    const entry = createEntry(message, query, facts)
    cells(query).evictions[side].inc(store.set(side, key, entry))
    // An answer that is kept takes precedence in the data plane, too, which has one reply to a question.
    const answer = preferPositive && !answered ? answerIn(store.get('success', key)) : undefined
    offer(key, answer ?? entry)
    return entry
  }

  return {
    take(message, key, query) {
      const judged = judge(message)
      return { message: flattened(message, judged.ttl, query), entry: keep(message, judged, key, query) }
    },
    copy: (message, key, query) => void keep(message, judge(message), key, query),
    renew(message, key, query) {
      if (message.truncated || !repeatsQuestion(message, query)) return undefined
      const judged = judge(message)
      const { kind, answered } = judged
      if (kind === 'other' || kind === 'failure') return undefined
      const isBetter = !preferPositive || (kind === 'success' && answered)
      const entry = keep(message, judged, key, query)
      return isBetter ? { message: flattened(message, judged.ttl, query), entry } : undefined
    },
    fail(failed, key, query) {
      if (failed.rcode !== rcode.SERVFAIL || !failed.error || failed.ofQuestion) return undefined
      if (query.budget.ended === 'gone') return undefined
      const message = replyTo(query.request, { rcode: rcode.SERVFAIL })
      return keep(message, judge(message), key, query)
    },
  }
}

/** The entry, or the one that it replaced, whichever has an answer. */
export const answerIn = (entry: Entry | undefined): Entry | undefined => (entry?.answered ? entry : entry?.lastAnswer)

function clampedTtl(kind: Class, ttl: number, settings: CacheSettings): number {
  if (kind === 'failure') return settings.servfail.ttl
  const { minTtl, minTtlOfZero, maxTtl }: Limits = kind === 'denial' ? settings.denial : settings.success
  return Math.min(maxTtl, Math.max(ttl === 0 ? minTtlOfZero : minTtl, ttl))
}

/** Failures in a row: a failure still counts after it has expired, for as long again as it was kept. */
function recentFailures(entry: Entry | undefined, now: number): number {
  return entry && secondsLeft(entry, now) > -entry.ttl ? entry.failures : 0
}

/**
 * Seconds: 1, 2, 4 and so on up to `servfail` (RFC 9520 §3.2); a `servfail` in the Corefile applies from the first
 * failure.
 */
function failureTtl({ servfail: { ttl, backoff } }: CacheSettings, failures: number): number {
  return backoff ? Math.min(ttl, 2 ** Math.min(failures - 1, 30)) : ttl
}
