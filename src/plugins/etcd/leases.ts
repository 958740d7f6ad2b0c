/**
 * The remaining time of leases. A lease that is kept alive changes without an event of the watch, so leases that
 * answers use are asked for again; between two requests the known time runs down.
 */
import type { Clock } from '../../scheduling/clock.ts'

export interface Leases {
  /** Asks for a lease that is not known yet. */
  learn(lease: bigint): void
  /** Seconds left, or undefined while they are not known. Asks again where the last answer is old. */
  remaining(lease: bigint): number | undefined
  /** Forgets leases that no key has. */
  keepOnly(leases: ReadonlySet<bigint>): void
}

interface State {
  readonly lease: bigint
  askedAt: number
  left: number | undefined
  isAsked: boolean
}

const second = 1000
/** Milliseconds after which a lease that is used is asked for again. */
const maxAge = 5 * second
/** Concurrent calls, because each key may have its own lease. */
const maxCalls = 16

export function createLeases(ask: (lease: bigint) => Promise<number>, clock: Clock): Leases {
  const known = new Map<bigint, State>()
  const waiting = new Set<State>()
  let calls = 0

  function stateOf(lease: bigint): State {
    const found = known.get(lease)
    if (found) return found
    const state: State = { lease, askedAt: Number.NEGATIVE_INFINITY, left: undefined, isAsked: true }
    known.set(lease, state)
    waiting.add(state)
    callNext()
    return state
  }

  function callNext(): void {
    const [state] = waiting
    if (!state || calls === maxCalls) return
    waiting.delete(state)
    calls++
    ask(state.lease)
      .then((left) => {
        state.left = left
      })
      // The watch reports that etcd cannot be reached; the known time runs down.
      .catch(() => {})
      .finally(() => {
        calls--
        state.isAsked = false
        state.askedAt = clock.now()
        callNext()
      })
  }

  return {
    learn: stateOf,
    remaining(lease) {
      const state = stateOf(lease)
      const age = clock.now() - state.askedAt
      if (age > maxAge && !state.isAsked) {
        state.isAsked = true
        waiting.add(state)
        callNext()
      }
      return state.left === undefined ? undefined : Math.max(0, state.left - age / second)
    },
    keepOnly(leases) {
      for (const lease of known.keys()) if (!leases.has(lease)) known.delete(lease)
    },
  }
}
