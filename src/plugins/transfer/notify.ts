/** Notifies secondaries that a zone has changed (RFC 1996). */
import { opcode, rcode, rcodeName, type } from '../../dns/codes.ts'
import { queryMessage } from '../../dns/query.ts'
import { encodeMessage, ParseError, parseMessage } from '../../dns/wire.ts'
import type { SocketAddress } from '../../plugin/query.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import type { Logger } from '../../telemetry/log.ts'
import { endpointText, type Sending } from '../../upstream/connection.ts'
import { createUdpConnection } from '../../upstream/udp.ts'
import type { TransferSource } from './capability.ts'
import { type Rule, ruleFor } from './settings.ts'

/** When a source's zones are notified, in milliseconds. */
interface Pace {
  /** From a change to its round of NOTIFY. */
  readonly settleTime: number
  /** The least time between two rounds, because each may cause the transfer of a zone. */
  readonly roundTime: number
}

/** A secondary that is notified within the second of a change would miss later changes of that second. */
const paceOfTimes: Pace = { settleTime: 1_000, roundTime: 5_000 }
/** The first of several changes is passed on at once, the others together. */
const paceOfSerials: Pace = { settleTime: 0, roundTime: 100 }
const answerTime = 2_000
const attempts = 3
/**
 * Bound on NOTIFY messages under way, of all zones and secondaries: each holds a socket, and is followed by a transfer.
 */
const maxUnderWay = 32

export interface NotifierOptions {
  readonly rules: readonly Rule[]
  /** Called from `start` on, when every plugin of the block is set up. */
  readonly sources: () => readonly TransferSource[]
  readonly clock: Clock
  readonly log: Logger
}

export interface Notifier {
  /** Watches the zones from now on, and sends one NOTIFY for each as soon as it is known. */
  start(): void
  stop(): void
}

export function createNotifier({ rules, sources, clock, log }: NotifierOptions): Notifier {
  let zones: NotifiedZone[] = []
  const watches: { stop(): void }[] = []
  const turns = createTurns(maxUnderWay)

  function watch(source: TransferSource): void {
    const { settleTime, roundTime } = source.serialsAreTimes ? paceOfTimes : paceOfSerials
    let timer: Timer | undefined
    let lastRound = Number.NEGATIVE_INFINITY

    function changed(): void {
      timer ??= clock.after(Math.max(settleTime, lastRound + roundTime - clock.now()), () => {
        timer = undefined
        if (notifyZones(source)) lastRound = clock.now()
      })
    }

    const { stop } = source.watch(changed)
    watches.push({
      stop() {
        timer?.cancel()
        stop()
      },
    })
    changed()
  }

  /** Returns whether a zone of the source has a new serial. */
  function notifyZones(source: TransferSource): boolean {
    follow()
    let notified = false
    for (const each of zones) {
      if (each.source !== source) continue
      const serial = source.serial(each.zone)
      if (serial === undefined || serial === each.serial) continue
      each.serial = serial
      notified = true
      for (const peer of each.peers) peer.notify()
    }
    return notified
  }

  /** The zones of the sources may have changed. */
  function follow(): void {
    const known = zones
    const isKept = ({ source, zone }: NotifiedZone) => source.zones.includes(zone)
    zones = known.filter(isKept)
    for (const each of known) if (!zones.includes(each)) for (const peer of each.peers) peer.stop()
    const names = new Set(zones.map(({ zone }) => zone))
    for (const source of sources()) {
      for (const zone of source.zones) {
        const rule = names.has(zone) ? undefined : ruleFor(rules, zone)
        if (!rule || rule.notify.length === 0) continue
        names.add(zone)
        const peers = rule.notify.map((address) =>
          createPeer({ zone, address, source: rule.source, turns, clock, log }),
        )
        zones.push({ source, zone, peers, serial: undefined })
      }
    }
  }

  return {
    start() {
      // Without secondaries to notify there is nothing to watch.
      if (!rules.some(({ notify }) => notify.length > 0)) return
      for (const source of sources()) watch(source)
    },
    stop() {
      turns.stop()
      for (const watch of watches) watch.stop()
      for (const { peers } of zones) for (const peer of peers) peer.stop()
    },
  }
}

/** A zone, the secondaries to notify, and the last serial that they were notified of. */
interface NotifiedZone {
  readonly source: TransferSource
  readonly zone: string
  readonly peers: readonly Peer[]
  serial: number | undefined
}

interface Peer {
  /** Sends a NOTIFY, with retries. A call while one is under way sends another one afterwards, and ends the wait for a retry. */
  notify(): void
  stop(): void
}

interface PeerOptions {
  readonly zone: string
  readonly address: SocketAddress
  readonly source: string | undefined
  readonly turns: Turns
  readonly clock: Clock
  readonly log: Logger
}

function createPeer({ zone, address, source, turns, clock, log }: PeerOptions): Peer {
  const connection = createUdpConnection(address, { source })
  const message = { ...queryMessage(zone, type.SOA, false), opcode: opcode.NOTIFY, authoritative: true }
  const octets = encodeMessage(message, { limit: 512 })
  let timer: Timer | undefined
  let sending: Sending | undefined
  let busy = false
  /** A secondary that refused the last message may be there for the next change. */
  let waitsForRetry = false
  let again = false
  let stopped = false
  /** Set after a failure, so that an unreachable secondary is logged once. */
  let failing = false

  function attempt(left: number): void {
    const retry = (reason: string): void => {
      timer?.cancel()
      waitsForRetry = left > 1
      if (waitsForRetry) timer = clock.after(answerTime, () => attempt(left - 1))
      else finish(reason)
    }
    waitsForRetry = false
    timer = clock.after(answerTime, () => {
      const { message: reason } = sending!.timeout()
      sending!.cancel('silent')
      if (left > 1) attempt(left - 1)
      else finish(reason)
    })
    sending = connection.send(octets, {
      answer(bytes) {
        const code = rcodeOfAnswer(bytes)
        if (code === undefined) return false
        if (code === rcode.NOERROR) finish()
        else retry(`it answered ${rcodeName(code)}`)
        return true
      },
      failed: (error) => retry(error.message),
    })
  }

  function finish(reason?: string): void {
    timer?.cancel()
    busy = false
    if (reason !== undefined && !failing) {
      log.warning(`NOTIFY for zone ${zone} to ${endpointText(address)} failed: ${reason}`)
    }
    failing = reason !== undefined
    turns.leave(begin)
    if (again) notify()
  }

  const begin = (): void => attempt(attempts)

  function notify(): void {
    if (waitsForRetry) {
      timer?.cancel()
      begin()
      return
    }
    again = busy
    if (busy) return
    busy = true
    turns.enter(begin)
  }

  return {
    notify,
    stop() {
      if (stopped) return
      stopped = true
      timer?.cancel()
      turns.leave(begin)
      connection.close()
    },
  }
}

/** Bounds the NOTIFY messages under way. */
interface Turns {
  /** Calls `begin` at once, or when there is room. */
  enter(begin: () => void): void
  /** Call it when the message is done, or no longer waits. */
  leave(begin: () => void): void
  /** Starts no further messages. */
  stop(): void
}

function createTurns(most: number): Turns {
  const underWay = new Set<() => void>()
  const waiting = new Set<() => void>()
  return {
    enter(begin) {
      if (underWay.size >= most) {
        waiting.add(begin)
        return
      }
      underWay.add(begin)
      begin()
    },
    leave(begin) {
      waiting.delete(begin)
      if (!underWay.delete(begin)) return
      const [next] = waiting
      if (!next) return
      waiting.delete(next)
      underWay.add(next)
      next()
    },
    stop: () => waiting.clear(),
  }
}

/** The rcode of a response to NOTIFY, or undefined when the octets are not one. */
function rcodeOfAnswer(bytes: Uint8Array): number | undefined {
  try {
    const answer = parseMessage(bytes)
    return answer.response && answer.opcode === opcode.NOTIFY ? answer.rcode : undefined
  } catch (error) {
    if (error instanceof ParseError) return undefined
    throw error
  }
}
