/**
 * Health of one server, as CoreDNS has it: nothing is checked until a query fails; from then on it is asked `. NS` (or
 * the configured name) every interval until it answers. It is down when more than `maxFails` checks in a row failed. A check
 * does not wait for the end of a silent one: a server that comes back answers the next.
 */
import { type } from '../dns/codes.ts'
import { queryMessage } from '../dns/query.ts'
import { encodeMessage } from '../dns/wire.ts'
import type { Clock, Timer } from '../scheduling/clock.ts'
import type { Sending, UpstreamConnection } from './connection.ts'
import type { Inbox } from './inbox.ts'

export interface HealthOptions {
  readonly clock: Clock
  /** Milliseconds between two checks. */
  readonly interval: number
  /** 0: never checked, never down. */
  readonly maxFails: number
  readonly recursionDesired: boolean
  /** The name asked for. */
  readonly domain: string
  /** Counts a failed check. */
  readonly onFailure: () => void
  /** No check has failed before this is read. */
  readonly inbox: Inbox
  /** `trusted`: it is neither suspected nor down. Called when that changes. */
  readonly onChange?: (trusted: boolean) => void
}

export interface Health {
  readonly down: boolean
  /** Checks that failed in a row. */
  readonly fails: number
  /** A query failed, and the server has not answered since. */
  readonly checking: boolean
  /** Monotonic milliseconds of its last sign of life on this thread; -Infinity: there was none. */
  readonly heardAt: number
  /** How often the server has answered after a check that failed. */
  readonly recoveries: number
  /** A query got no answer: begins checking, unless it goes on already. */
  suspect(): void
  /** The server has answered something. */
  alive(): void
  /** Calls back once when it answers after a check that failed, unless it is called off. */
  whenBack(callback: () => void): { callOff(): void }
  stop(): void
}

/** Milliseconds that a check waits for its answer. */
const checkTimeout = 1000
/** Checks that wait for their answers at a time, however short the interval is. */
const mostChecks = 4

interface Check {
  readonly timer: Timer
  sending: Sending | undefined
}

export function createHealth(connection: () => UpstreamConnection, options: HealthOptions): Health {
  const { clock, maxFails } = options
  const question = encodeMessage(queryMessage(options.domain, type.NS, options.recursionDesired), { limit: 512 })
  let fails = 0
  let recoveries = 0
  let heardAt = Number.NEGATIVE_INFINITY
  let next: Timer | undefined
  const checks = new Set<Check>()
  const waiting = new Set<() => void>()
  let checking = false
  let stopped = false

  function ask(): void {
    next = clock.after(options.interval, ask)
    if (checks.size >= mostChecks) return
    const failed = (): void => {
      check.timer.cancel()
      if (!checks.delete(check) || !checking) return
      fails++
      options.onFailure()
    }
    const fail = (): void => {
      if (checks.has(check)) check.sending?.cancel('silent')
      failed()
    }
    const timer = clock.after(checkTimeout, () => options.inbox.afterReading(fail))
    const check: Check = { timer, sending: undefined }
    checks.add(check)
    check.sending = connection().send(question, { answer: () => alive(check), failed, unrecorded: true })
  }

  function endChecks(answered: Check | undefined): void {
    next?.cancel()
    for (const check of checks) {
      check.timer.cancel()
      if (check !== answered) check.sending?.cancel('settled')
    }
    checks.clear()
  }

  /** Any message with the check's ID is a sign of life; what it says does not matter. */
  function alive(check?: Check): true {
    endChecks(check)
    heardAt = clock.now()
    const isBack = fails > 0
    fails = 0
    checking = false
    options.onChange?.(true)
    if (isBack) {
      recoveries++
      const callbacks = [...waiting]
      waiting.clear()
      for (const callback of callbacks) callback()
    }
    return true
  }

  return {
    get down() {
      return maxFails > 0 && fails > maxFails
    },
    get fails() {
      return fails
    },
    get checking() {
      return checking
    },
    get heardAt() {
      return heardAt
    },
    get recoveries() {
      return recoveries
    },
    suspect() {
      if (checking || stopped || maxFails === 0) return
      checking = true
      options.onChange?.(false)
      ask()
    },
    alive() {
      heardAt = clock.now()
      if (checking) alive()
    },
    whenBack(callback) {
      waiting.add(callback)
      return { callOff: () => void waiting.delete(callback) }
    },
    stop() {
      stopped = true
      endChecks(undefined)
    },
  }
}
