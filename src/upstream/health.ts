/**
 * Health of one server, as in CoreDNS: nothing is checked until a query fails; then `. NS` (or the configured name) is
 * asked every interval until the server answers. It is down when more than `maxFails` checks in a row failed. Checks
 * overlap: the next does not wait for a silent one, so a server that comes back answers it at once.
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
  /** The name to query. */
  readonly domain: string
  /** Counts a failed check. */
  readonly onFailure: () => void
  /** No check counts as failed before everything received so far has been read. */
  readonly inbox: Inbox
  /** Called when `trusted` changes: true while the server is neither suspected nor down. */
  readonly onChange?: (trusted: boolean) => void
}

export interface Health {
  readonly down: boolean
  /** Consecutive failed checks. */
  readonly fails: number
  /** A query failed, and the server has not answered since. */
  readonly checking: boolean
  /** Monotonic milliseconds of the last message received on this thread; -Infinity: none yet. */
  readonly heardAt: number
  /** How often the server has answered again after a failed check. */
  readonly recoveries: number
  /** A query got no answer: starts checking, unless checks are in progress. */
  suspect(): void
  /** The server has answered anything at all. */
  alive(): void
  /** Calls back once when the server answers after a failed check, unless cancelled by `callOff`. */
  whenBack(callback: () => void): { callOff(): void }
  stop(): void
}

/** Milliseconds that a check waits for an answer. */
const checkTimeout = 1000
/** Checks in progress at a time, however short the interval. */
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

  /** Any message with the check's ID is a sign of life, whatever it says. */
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
