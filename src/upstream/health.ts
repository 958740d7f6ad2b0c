/**
 * Health of one server, as CoreDNS has it: nothing is checked until a query fails; from then on it is asked `. NS` (or
 * the configured name) every interval until it answers. It is down when more than `maxFails` checks in a row failed.
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
  stop(): void
}

/** Milliseconds that a check waits for its answer. */
const checkTimeout = 1000

export function createHealth(connection: () => UpstreamConnection, options: HealthOptions): Health {
  const { clock, maxFails } = options
  const question = encodeMessage(queryMessage(options.domain, type.NS, options.recursionDesired), { limit: 512 })
  let fails = 0
  let recoveries = 0
  let heardAt = Number.NEGATIVE_INFINITY
  let timer: Timer | undefined
  let sending: Sending | undefined
  let checking = false
  let stopped = false

  function ask(): void {
    const check = connection().send(question, { answer: () => alive(), failed })
    const fail = (): void => {
      if (sending !== check) return
      check.cancel('silent')
      failed()
    }
    sending = check
    timer = clock.after(checkTimeout, () => options.inbox.afterReading(fail))
  }

  function failed(): void {
    sending = undefined
    timer?.cancel()
    if (!checking || stopped) return
    fails++
    options.onFailure()
    timer = clock.after(options.interval, ask)
  }

  /** Any message with the check's ID is a sign of life; what it says does not matter. */
  function alive(): true {
    sending = undefined
    heardAt = clock.now()
    if (fails > 0) recoveries++
    fails = 0
    checking = false
    timer?.cancel()
    options.onChange?.(true)
    return true
  }

  return {
    get down() {
      return maxFails > 0 && fails > maxFails
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
      if (!checking) return
      sending?.cancel('settled')
      alive()
    },
    stop() {
      stopped = true
      timer?.cancel()
      sending?.cancel('settled')
      sending = undefined
    },
  }
}
