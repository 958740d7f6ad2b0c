/** What a thread relays: the routes of each listener's space, ready for use. */
import type { RelayRules } from '../../../answer/relay.ts'
import { createRoutes, type Routes } from '../../../answer/relay-routes.ts'
import type { RelayForward, RelayRoute, RelayTable } from '../../../plugin/capabilities/relay.ts'
import { hedgeDelayFor } from '../../../upstream/attempts.ts'
import { createChoice, type UpstreamChoice, type UpstreamState, type UpstreamStates } from './upstreams.ts'

/** One route of one space. */
export interface Route extends RelayRules {
  /** Whether questions are relayed whose reply in the table has expired. */
  readonly takesExpired: boolean
  readonly choice: UpstreamChoice
  /** It has only one upstream. */
  readonly hasOne: boolean
  /** Milliseconds that an upstream may be silent before the chain takes the question. */
  hedgeDelay(upstream: UpstreamState): number
  /** Counts one more question in progress; false, without counting it, when `max_concurrent` is reached. */
  enter(): boolean
  leave(): void
}

export interface Plan {
  readonly routes: Routes
  /** Indexed by the result of `routes`. */
  readonly list: readonly Route[]
}

export interface Plans {
  of(space: number): Plan | undefined
  /** Undefined: the space is no longer relayed. Calls `drop` for each upstream that no space needs any more. */
  set(space: number, table: RelayTable | undefined, drop: (state: UpstreamState) => void): void
}

export function createPlans(states: UpstreamStates, words: Int32Array, thread: number): Plans {
  const tables = new Map<number, RelayTable>()
  const plans = new Map<number, Plan>()
  /** This thread's questions in progress, by the forward's number. */
  const running = new Map<number, Int32Array>()

  function build(table: RelayTable): Plan {
    const list = table.routes.map(createRoute)
    return { routes: createRoutes(table.zones, words), list }
  }

  function createRoute({ forward, ...rules }: RelayRoute): Route {
    const { maxConcurrent, readTimeout, upstreams } = forward
    const cell = cellOf(forward)
    return {
      ...rules,
      hasOne: upstreams.length === 1,
      choice: createChoice(forward.policy, states.placesOf(forward), states),
      hedgeDelay: ({ hedgeDelay }) => hedgeDelayFor(upstreams.length, hedgeDelay.milliseconds, readTimeout),
      enter() {
        if (maxConcurrent > 0) {
          let all = 0
          for (let i = 0; i < cell.length; i++) all += Atomics.load(cell, i)
          if (all >= maxConcurrent) return false
        }
        Atomics.add(cell, thread + 1, 1)
        return true
      },
      leave: () => void Atomics.sub(cell, thread + 1, 1),
    }
  }

  function cellOf({ number, running: cells }: RelayForward): Int32Array {
    const known = running.get(number)
    if (known) return known
    // What a previous, dead thread had in progress no longer counts.
    Atomics.store(cells, thread + 1, 0)
    running.set(number, cells)
    return cells
  }

  function isUsed(forward: number): boolean {
    for (const { routes } of tables.values()) if (routes.some((route) => route.forward.number === forward)) return true
    return false
  }

  return {
    of: (space) => plans.get(space),
    set(space, table, drop) {
      plans.delete(space)
      if (table === undefined) tables.delete(space)
      else tables.set(space, table)
      states.keep(tables.values(), drop)
      for (const [number, cells] of running)
        if (!isUsed(number) && Atomics.load(cells, thread + 1) === 0) running.delete(number)
      if (table !== undefined) plans.set(space, build(table))
    },
  }
}
