/** From the octets of one request to a reply, a silent drop or a miss. */
import { rcode } from '../dns/codes.ts'
import type { TableHandle } from '../table/api.ts'
import { cell, OBSERVE_ANSWERS, OBSERVE_DENIALS, OFFLINE, readerCell } from '../table/layout.ts'
import { DROP, MISS, type Responder, type ResponderOptions, transportCode } from './api.ts'
import { createCounters, LOCAL_ROWS } from './counters.ts'
import { missReason, missTextOf } from './misses.ts'
import { createQueryProducer } from './query-ring.ts'
import { createQueryState, type QueryState } from './query-state.ts'
import { readRequest, verdict } from './request.ts'
import { resolve } from './resolve.ts'
import { createSketchRecorder } from './sketch/recorder.ts'
import { writeBadVersion, writeNoQuestion, writeRejection } from './write.ts'

/**
 * The slot of responders on the writer's own thread: the writer cannot run while they read, so they need no epoch and
 * delay no reclamation.
 */
export const LOCAL = -1

/**
 * Creates the responder of one thread. `slot` is from `TableWriter.addReader`, or LOCAL. Throws when the table's memory
 * has another format.
 */
export function createResponder(handle: TableHandle, slot: number, options: ResponderOptions = {}): Responder {
  const x = createQueryState(handle, options.random)
  const { words } = x.view
  const counters = createCounters(handle, slot === LOCAL ? LOCAL_ROWS : slot)
  const sketches = createSketchRecorder(handle, slot === LOCAL ? LOCAL_ROWS : slot)
  const epochCell = slot === LOCAL ? -1 : readerCell(slot)
  const udpReplyOctets = options.udpReplyOctets ?? 0xffff
  const queries = options.queries && createQueryProducer(options.queries)
  return {
    from(octets, at, family) {
      x.client = octets
      x.clientAt = at
      x.clientFamily = family
    },
    answer(request, start, end, space, by, reply, replyStart) {
      x.request = request
      x.start = start
      x.end = end
      x.stream = by === transportCode.stream
      x.reply = reply
      x.replyStart = replyStart
      x.maxReplyOctets = x.stream ? 0xffff : udpReplyOctets
      x.edns = false
      x.payloadSize = 0
      x.dnssecOk = false
      x.missReason = missReason.none
      x.cacheHit = 0
      x.labelsBelow = 0
      x.picked = 0
      x.space = space
      x.profileId = 0
      x.observe = 0
      x.denial = false
      const judged = readRequest(x)
      const length = judged === verdict.ask ? resolve(x, space) : reject(x, judged)
      // The address must not carry over to the next question.
      x.clientFamily = 0
      x.replyLength = length
      if (length > 0 || judged === verdict.drop) return length
      x.profileId = 0
      counters.miss(x.missReason)
      return MISS
    },
    count(by, family, seconds) {
      if (x.profileId === 0) return
      counters.count(x, by, family, seconds)
      sketches.count(x, family)
    },
    observed: () => (x.observe & (x.denial ? OBSERVE_DENIALS : OBSERVE_ANSWERS)) !== 0,
    observe(route) {
      queries?.push(x, route)
    },
    publish: (seconds) => queries?.publish(seconds) ?? false,
    startBatch(nowMilliseconds) {
      x.now = nowMilliseconds
      sketches.begin(nowMilliseconds)
      if (epochCell >= 0) Atomics.store(words, epochCell, Atomics.load(words, cell.epoch))
    },
    offline() {
      if (epochCell >= 0) Atomics.store(words, epochCell, OFFLINE)
    },
    limitDatagrams(octets) {
      x.mostDatagram = octets
    },
    missReason: () => x.missReason,
  }
}

/** The reason of the responder's last miss, as text; after a reply, that the table answered. */
export const missText = (responder: Responder): string => missTextOf(responder.missReason())

/** The length of a reply that needs no table, DROP, or 0 for a miss. */
function reject(x: QueryState, judged: number): number {
  switch (judged) {
    case verdict.notImplemented:
      return writeRejection(x, (x.request[x.start + 2] >> 3) & 15, rcode.NOTIMP, false)
    case verdict.formatError:
      return writeRejection(x, 0, rcode.FORMERR, false)
    case verdict.formatErrorWithQuestion:
      return writeRejection(x, 0, rcode.FORMERR, true)
    case verdict.noQuestion:
      return writeNoQuestion(x)
    case verdict.badVersion:
      return writeBadVersion(x)
    default:
      return DROP
  }
}
