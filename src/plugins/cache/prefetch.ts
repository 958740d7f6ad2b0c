/** Decides which entries are renewed before they expire: popular ones, near their expiry (`prefetch`). */
import type { Prefetch } from './settings.ts'
import type { Entry } from './store.ts'

/** Counts a hit that the chain answers. */
export function recordHit(entry: Entry, prefetch: Prefetch, now: number): void {
  // The data plane has served hits of a popular entry and counts none: the entry is assumed to be still popular.
  const goesOn = isPopular(entry, prefetch) || now - entry.lastHitAt <= prefetch.within
  entry.hits = goesOn ? entry.hits + 1 : 1
  entry.lastHitAt = now
}

export const isPopular = (entry: Entry, prefetch: Prefetch): boolean => entry.hits >= prefetch.hits

export const isRenewedEarly = (entry: Entry, prefetch: Prefetch, now: number): boolean =>
  now >= renewedFrom(entry, prefetch)

/** Milliseconds of the monotonic clock from which on a hit renews the entry. */
export function renewedFrom({ ttl, storedAt }: Entry, { percentage }: Prefetch): number {
  const before = Math.ceil((percentage / 100) * ttl)
  return storedAt + (ttl - before) * 1000
}
