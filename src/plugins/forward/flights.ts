/**
 * Exchanges under way. Identical questions share one. One name and type has only a few at a time, because each is
 * another chance for a forger (RFC 5452 §5: the birthday attack).
 */
import { type Cancellation, cancelExchange } from '../../upstream/question.ts'

export interface Flights<Result> {
  /**
   * The result of the exchange that `begin` begins, or of the one under way with the same `key` (undefined: it is not
   * shared). Concurrent exchanges are bounded per `name`. `signal` ends the wait of this caller; an exchange that
   * nobody waits for is aborted.
   */
  join(
    key: string | undefined,
    name: string,
    signal: AbortSignal | undefined,
    begin: (cancellation: Cancellation) => Promise<Result>,
  ): Promise<Result>
  /** Whether a question with this key would share an exchange. */
  isUnderWay(key: string | undefined): boolean
  /** Ends all exchanges. */
  abort(): void
}

/**
 * Exchanges for one name, type and class at a time. Clients differ in EDNS, DO, CD and transport, so that a popular
 * name has a handful; further ones wait until one ends.
 */
const maxPerName = 8

interface Flight<Result> {
  readonly result: Promise<Result>
  readonly cancellation: Cancellation
  waiters: number
}

/** `aborted`: the result for a wait that `signal` ends. */
export function createFlights<Result>(aborted: Result): Flights<Result> {
  const shared = new Map<string, Flight<Result>>()
  const all = new Set<Cancellation>()
  const gate = createGate(maxPerName)

  function launch(name: string, begin: (cancellation: Cancellation) => Promise<Result>): Flight<Result> {
    const cancellation: Cancellation = { cancelled: false, cancel: undefined }
    all.add(cancellation)
    const entered = gate.enter(name)
    const result = (entered ? entered.then(() => begin(cancellation)) : begin(cancellation)).finally(() => {
      all.delete(cancellation)
      gate.leave(name)
    })
    return { result, cancellation, waiters: 0 }
  }

  function flightOf(key: string | undefined, name: string, begin: (cancellation: Cancellation) => Promise<Result>) {
    if (key === undefined) return launch(name, begin)
    let flight = shared.get(key)
    if (!flight) {
      flight = launch(name, begin)
      shared.set(key, flight)
      const landed = flight
      const remove = (): void => {
        if (shared.get(key) === landed) shared.delete(key)
      }
      flight.result.then(remove, remove)
    }
    return flight
  }

  return {
    join(key, name, signal, begin) {
      if (signal?.aborted) return Promise.resolve(aborted)
      const flight = flightOf(key, name, begin)
      flight.waiters++
      if (!signal) return flight.result
      const { promise, resolve, reject } = Promise.withResolvers<Result>()
      const leave = (): void => {
        resolve(aborted)
        if (--flight.waiters > 0) return
        // No query may join an exchange that ends without an answer.
        if (key !== undefined && shared.get(key) === flight) shared.delete(key)
        cancelExchange(flight.cancellation)
      }
      signal.addEventListener('abort', leave)
      flight.result.then(resolve, reject)
      return promise.finally(() => signal.removeEventListener('abort', leave))
    },
    isUnderWay: (key) => key !== undefined && shared.has(key),
    abort() {
      for (const cancellation of all) cancelExchange(cancellation)
    },
  }
}

/** Admits so many under one name; the others wait in order of arrival. */
function createGate(most: number) {
  const inside = new Map<string, { count: number; readonly waiting: (() => void)[] }>()
  return {
    /** Undefined: it is in. Else it is in when the promise resolves. */
    enter(name: string): Promise<void> | undefined {
      const at = inside.get(name) ?? { count: 0, waiting: [] }
      inside.set(name, at)
      if (at.count < most) {
        at.count++
        return undefined
      }
      return new Promise((resolve) => void at.waiting.push(resolve))
    },
    leave(name: string): void {
      const at = inside.get(name)
      const next = at?.waiting.shift()
      // The next one takes over the place.
      if (next) next()
      else if (at && --at.count === 0) inside.delete(name)
    },
  }
}
