/** What of a reply of the next plugin goes into the store, and for how long. */
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
  /** How often upstreams have come back. */
  readonly recoveries: () => number
  /** Called with each entry that is stored or found: the data plane may repeat it. */
  readonly offer: (key: string, entry: Entry) => void
}

/** A reply as clients get it, and the entry that was made of it. */
export interface Taken {
  readonly message: Message
  readonly entry: Entry | undefined
}

export interface Keeper {
  /** Keeps the reply to a query that found nothing. */
  take(message: Message, key: string, query: Query): Taken
  /** Keeps such a reply, which the client has already. */
  copy(message: Message, key: string, query: Query): void
  /**
   * Keeps the reply to a renewal if it is better than an entry that has expired (RFC 8767 §4), else undefined: failures,
   * cut replies, and with `prefer_positive` all but answers leave the old entry as it is.
   */
  renew(message: Message, key: string, query: Query): Taken | undefined
  /** Keeps the server's SERVFAIL where nothing was written: those who ask again do not wait again. */
  fail(failed: RcodeOnly, key: string, query: Query): Entry | undefined
}

export function createKeeper({ settings, store, clock, cells, recoveries, offer }: KeeperOptions): Keeper {
  const preferPositive = settings.serveStale?.preferPositive ?? false

  function judge(message: Message): Classified & { readonly ttl: number } {
    const classified = classify(message, clock.wall() / 1000)
    return { ...classified, ttl: clampedTtl(classified.kind, classified.ttl, settings) }
  }

  /** The entry made of the reply; undefined where it is not kept. Whatever it contradicts is dropped. */
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
    // An answer that is kept comes before it, also in the data plane, which has one reply to a question.
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

/** The entry, or the one that it has replaced, whichever has an answer. */
export const answerIn = (entry: Entry | undefined): Entry | undefined => (entry?.answered ? entry : entry?.lastAnswer)

function clampedTtl(kind: Class, ttl: number, settings: CacheSettings): number {
  if (kind === 'failure') return settings.servfail.ttl
  const { minTtl, minTtlOfZero, maxTtl }: Limits = kind === 'denial' ? settings.denial : settings.success
  return Math.min(maxTtl, Math.max(ttl === 0 ? minTtlOfZero : minTtl, ttl))
}

/** Failures in a row: a failure counts on for as long as it was kept, after its end. */
function recentFailures(entry: Entry | undefined, now: number): number {
  return entry && secondsLeft(entry, now) > -entry.ttl ? entry.failures : 0
}

/** Seconds: 1, 2, 4 and so on up to `servfail` (RFC 9520 §3.2), which counts at once where the Corefile has it. */
function failureTtl({ servfail: { ttl, backoff } }: CacheSettings, failures: number): number {
  return backoff ? Math.min(ttl, 2 ** Math.min(failures - 1, 30)) : ttl
}
