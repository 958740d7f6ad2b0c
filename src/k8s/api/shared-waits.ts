/**
 * How long reflectors wait after failures, where they know of each other: they ask one API server, and what one of them finds
 * concerns the others. Each keeps its own back-off (retry-policy.ts), which ends before its time in two cases:
 *
 * - Another resource that had failed works again, so the server does: within a second, at random. That a watch goes on as ever
 *   is no news, and a wait that has been cut short in vain is followed by a whole one: a resource that alone keeps failing is
 *   asked for at most twice as often as its back-off says, whatever the others do.
 * - All of them wait: then nobody would notice that the server works again. One of them, in turn, tries every few seconds, which
 *   is one small request. client-go's reflectors know nothing of each other, and each may wait for a minute (30 s and jitter).
 */
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { pause } from '../../scheduling/pause.ts'

/**
 * What may end a wait before its time. `never`: the server has said how long (Retry-After). `success`: that another resource works
 * again. `probe`: that, and the turn to try for all.
 */
export type EndsEarly = 'never' | 'success' | 'probe'

/** The waits of one reflector. */
export interface Waits {
  /** A request has failed. */
  failed(): void
  /** The list is complete, or the watch stands. */
  works(): void
  /** Resolves after `milliseconds`, earlier where `endsEarly` allows it, or when `signal` aborts. Never rejects. */
  wait(milliseconds: number, endsEarly: EndsEarly, signal: AbortSignal): Promise<void>
}

export interface SharedWaits {
  /** For one more reflector. */
  join(): Waits
}

interface Waiting {
  readonly endsEarly: EndsEarly
  end(): void
}

interface Member {
  /** Nothing has worked since the last failure, or ever. */
  isFailing: boolean
  /** The last wait was cut short because another resource worked, and this one has not worked since. */
  wasCutShort: boolean
}

/** Milliseconds within which those who waited try again: not all at once, nor all replicas. */
const spread = 1000
/** Milliseconds from one try to the next where all wait: up to this, at least half of it. */
const probeInterval = 5000

/** `random` gives numbers in [0, 1). */
export function createSharedWaits(clock: Clock, random: () => number = Math.random): SharedWaits {
  let members = 0
  /** The longest wait first. */
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
