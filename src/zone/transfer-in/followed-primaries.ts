/** A zone kept in sync with its primaries: by its SOA's timers (RFC 1035 §3.3.13) and by NOTIFY (RFC 1996). */
import { randomInt } from 'node:crypto'
import { readSoa } from '../../dns/rdata.ts'
import { isNewerSerial } from '../../dns/serial.ts'
import type { TsigKey } from '../../dns/tsig.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'
import { endpointText } from '../../upstream/connection.ts'
import type { Zone } from '../zone.ts'
import type { ZoneMemory } from '../zone-memory.ts'
import { type ExchangeOptions, type Primary, PrimarySilent } from './exchange.ts'
import type { Place, TransferPlaces } from './places.ts'
import { askSerial, transferZone } from './transfer.ts'

const second = 1000
/** Milliseconds between the first attempts, doubled each time: CoreDNS's figures. */
const firstPause = 250
const longestPause = 10 * second
/** Milliseconds over which the checks of many zones are spread: CoreDNS's figures. */
const refreshJitter = 5 * second
const retryJitter = 2 * second
/** Milliseconds: the minimum that allows for the earliest check and one more; with less a zone would come and go. */
const leastExpire = 2 * second + refreshJitter + retryJitter
/** Milliseconds between two checks caused by NOTIFY, so that forged ones cannot cause endless queries. */
const notifyPause = second / 10
/** Maximum pause in milliseconds after a failed transfer: a large zone must return soon after its primary's restart. */
const mostFailedTime = 60 * second
/** Milliseconds: the maximum of a timer. An SOA may contain 136 years. */
const longestTimer = 0x7fffffff

export interface FollowedPrimaries {
  /** Undefined before the first transfer, and after the zone has expired. */
  readonly current: Zone | undefined
  /** Asks the primaries until stopped. */
  start(): void
  /** A primary has sent NOTIFY for the zone. */
  notified(): void
  /** Calls back when the zone has changed or expired, until stopped. */
  watch(changed: () => void): { stop(): void }
  stop(): void
}

export interface FollowPrimariesOptions {
  /** Lower case and absolute. */
  readonly zone: string
  /** Asked in this order; at least one. */
  readonly primaries: readonly Primary[]
  /** Signs the questions. */
  readonly key: TsigKey | undefined
  readonly memory: ZoneMemory
  readonly places: TransferPlaces
  readonly clock: Clock
  readonly log: Logger
  /** A check has failed at all primaries. */
  onFailure(): void
}

export function followPrimaries(options: FollowPrimariesOptions): FollowedPrimaries {
  const { zone: origin, primaries, key, memory, places, clock, log, onFailure } = options
  const watchers = new Set<() => void>()
  let zone: Zone | undefined
  let isExpired = false
  /** Runs since the last check that a primary answered. */
  let expiry: Timer | undefined
  let next: Timer | undefined
  let pause = firstPause
  let checkedAt = Number.NEGATIVE_INFINITY
  /**
   * Milliseconds that the last check has spent on transfers: a primary whose zone always differs, or is never complete, must not
   * cause endless transfers.
   */
  let took = 0
  let isChecking = false
  let checkAgain = false
  /** The last logged failure: a primary that is away for days is logged once. */
  let failure: string | undefined
  const stopping = new AbortController()

  async function check(): Promise<void> {
    if (isChecking) {
      checkAgain = true
      return
    }
    next?.cancel()
    isChecking = true
    took = 0
    const failed = await askAll()
    isChecking = false
    if (stopping.signal.aborted) return
    checkedAt = clock.now()
    if (failed === undefined) succeeded()
    else retryLater(failed)
    if (checkAgain) checkSoon()
  }

  /** Undefined when a primary has answered; otherwise why none has. */
  async function askAll(): Promise<string | undefined> {
    let reached = false
    const reasons: string[] = []
    for (const primary of primaries) {
      try {
        if (await ask(primary)) return undefined
        reached = true
      } catch (error) {
        if (stopping.signal.aborted) return undefined
        reasons.push(errorMessage(error))
      }
    }
    return reached && zone !== undefined ? undefined : reasons.join('; ')
  }

  /** True when the primary had a newer zone, which is now in use. */
  async function ask(primary: Primary): Promise<boolean> {
    const place = await places.enter(primary, stopping.signal)
    try {
      return await askAt(primary, place)
    } catch (error) {
      if (error instanceof PrimarySilent) place.unanswered(error)
      throw error
    } finally {
      place.leave()
    }
  }

  async function askAt(primary: Primary, place: Place): Promise<boolean> {
    const exchange: ExchangeOptions = { primary, key, clock, log, signal: stopping.signal, place }
    if (zone !== undefined) {
      const serial = await askSerial(origin, exchange)
      if (!isNewerSerial(serial, zone.serial)) {
        log.debug(`zone ${origin} has serial ${serial} at ${endpointText(primary)}: it is not newer`)
        return false
      }
    }
    const transfer = await timed(() => transferZone(origin, zone, memory, exchange))
    if (transfer === undefined) return false
    const { outside, how } = transfer
    if (stopping.signal.aborted) {
      transfer.zone.release()
      return false
    }
    zone?.release()
    zone = transfer.zone
    isExpired = false
    log.info(`Transferred: ${origin} from ${endpointText(primary)} (${how}), SOA serial ${zone.serial}`)
    if (outside > 0) log.warning(`${outside} records are outside of the zone ${origin}: they are left out`)
    changed()
    return true
  }

  /** Measures a transfer. A primary that does not answer has its own pauses. */
  async function timed<T>(transfer: () => Promise<T>): Promise<T> {
    const begunAt = clock.now()
    let counted = Number.POSITIVE_INFINITY
    try {
      return await transfer()
    } catch (error) {
      counted = error instanceof PrimarySilent ? 0 : mostFailedTime
      throw error
    } finally {
      took += Math.min(clock.now() - begunAt, counted)
    }
  }

  function changed(): void {
    for (const watcher of watchers) watcher()
  }

  function succeeded(): void {
    if (zone === undefined) return
    if (isExpired) {
      isExpired = false
      changed()
    }
    failure = undefined
    pause = firstPause
    const { refresh, expire } = readSoa(zone.soa.rdata)
    expiry?.cancel()
    expireIn(Math.max(expire * second, leastExpire))
    later(milliseconds(refresh) + randomInt(refreshJitter))
  }

  function retryLater(reason: string): void {
    onFailure()
    if (reason !== failure) log.warning(`All '${origin}' masters failed to transfer: ${reason}`)
    failure = reason
    if (zone === undefined) {
      later(pause)
      pause = Math.min(2 * pause, longestPause)
    } else later(milliseconds(readSoa(zone.soa.rdata).retry) + randomInt(retryJitter))
  }

  /** 28 days are usual, more than one timer can hold. */
  function expireIn(wait: number): void {
    const left = wait - longestTimer
    expiry = left > 0 ? clock.after(longestTimer, () => expireIn(left)) : clock.after(wait, expired)
  }

  function expired(): void {
    isExpired = true
    log.error(`zone ${origin} has expired: no primary has answered`)
    changed()
  }

  function later(wait: number): void {
    next?.cancel()
    next = clock.after(Math.min(Math.max(wait, took), longestTimer), check)
  }

  function checkSoon(): void {
    checkAgain = false
    later(Math.max(0, checkedAt + notifyPause - clock.now()))
  }

  return {
    get current() {
      return isExpired ? undefined : zone
    },
    start() {
      void check()
    },
    notified() {
      if (isChecking) checkAgain = true
      else checkSoon()
    },
    watch(watcher) {
      watchers.add(watcher)
      return { stop: () => void watchers.delete(watcher) }
    },
    stop() {
      stopping.abort()
      next?.cancel()
      expiry?.cancel()
      zone?.release()
    },
  }
}

/** Converts seconds of an SOA. As in CoreDNS, 0 counts as 1, or there would be no pauses. */
const milliseconds = (seconds: number): number => Math.min(Math.max(seconds, 1) * second, longestTimer)
