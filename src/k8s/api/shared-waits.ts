/**
 * Coordinates the waits of reflectors after failures: they all use one API server, so what one of them finds concerns the
 * others. Each has its own backoff (retry-policy.ts), which ends early in two cases:
 *
 * - Another resource that had failed works again, and so does the server: the wait ends within a second, at random. A watch
 *   that merely continues does not count. A wait that was cut short in vain is followed by a full one, so a resource that
 *   alone keeps failing is requested at most twice as often as its backoff allows.
 * - All of them wait, so nobody would notice that the server works again. One of them, in turn, retries every few seconds
 *   with one small request. client-go's reflectors are independent, and each may wait for a minute (30 s and jitter).
 */
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { pause } from '../../scheduling/pause.ts'

/**
 * What may end a wait early. `never`: the server has set the time (Retry-After). `success`: another resource works again.
 * `probe`: that, or the turn to retry on behalf of all.
 */
export type EndsEarly = 'never' | 'success' | 'probe'

/** The waits of one reflector. */
export interface Waits {
  /** A request has failed. */
  failed(): void
  /** The list is complete, or the watch is established. */
  works(): void
  /** Resolves after `milliseconds`, earlier if `endsEarly` allows it, or when `signal` aborts. Never rejects. */
  wait(milliseconds: number, endsEarly: EndsEarly, signal: AbortSignal): Promise<void>
}

export interface SharedWaits {
  /** Adds a reflector. */
  join(): Waits
}

interface Waiting {
  readonly endsEarly: EndsEarly
  end(): void
}

interface Member {
  /** Nothing has succeeded since the last failure, or ever. */
  isFailing: boolean
  /** The last wait was cut short because another resource worked, and this one has not succeeded since. */
  wasCutShort: boolean
}

/** Milliseconds over which the waiting reflectors retry: neither all at once, nor all replicas together. */
const spread = 1000
/** Maximum milliseconds between two probes while all wait; the minimum is half of it. */
const probeInterval = 5000

/** `random` returns numbers in [0, 1). */
export function createSharedWaits(clock: Clock, random: () => number = Math.random): SharedWaits {
  let members = 0
  /** Longest wait first. */
  const waiting = new Map<Member, Waiting>()
  let probe: Timer | undefined

  function letOthersTry(): void {
    for (const [other, { endsEarly, end }] of waiting) {
      if (endsEarly === 'never' || other.wasCutShort) continue
      other.wasCutShort = true
      clock.after(random() * spread, end)
    }
  }

  function letOneTry(): void {
    probe = undefined
    const next = [...waiting.values()].find(({ endsEarly }) => endsEarly === 'probe')
    next?.end()
  }

  function begin(member: Member, wait: Waiting): void {
    waiting.set(member, wait)
    if (waiting.size === members) probe = clock.after(probeInterval * (1 - random() / 2), letOneTry)
  }

  function finish(member: Member): void {
    waiting.delete(member)
    probe?.cancel()
    probe = undefined
  }

  return {
    join() {
      members++
      const member: Member = { isFailing: true, wasCutShort: false }
      return {
        failed() {
          member.isFailing = true
        },
        works() {
          member.wasCutShort = false
          if (!member.isFailing) return
          member.isFailing = false
          letOthersTry()
        },
        async wait(milliseconds, endsEarly, signal) {
          const early = new AbortController()
          begin(member, { endsEarly, end: () => early.abort() })
          await pause(clock, milliseconds, AbortSignal.any([signal, early.signal]))
          finish(member)
          if (!early.signal.aborted) member.wasCutShort = false
        },
      }
    },
  }
}
