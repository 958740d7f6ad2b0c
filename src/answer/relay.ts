/**
 * Queries that the data plane passes to an upstream by itself: from a client's octets to those of the upstream's question,
 * and from the upstream's reply to the client's. It writes what the plugin chain would write, and leaves anything unusual
 * to the chain. It allocates nothing per call.
 */
import { type } from '../dns/codes.ts'
import type { TableHandle } from '../table/api.ts'
import { OBSERVE_ANSWERS, OBSERVE_DENIALS, profileCell, SHUFFLE } from '../table/layout.ts'
import type { NameKey } from '../table/name-key.ts'
import { type ResponderOptions, type TransportCode, transportCode } from './api.ts'
import { createCounters } from './counters.ts'
import { createQueryProducer, type QueryRoute } from './query-ring.ts'
import { createQueryState, type QueryState } from './query-state.ts'
import { createRelayedRecords, type RelayedRecords, readRelayed } from './relayed-records.ts'
import { optOctets, readRequest, verdict } from './request.ts'
import { below } from './sample.ts'
import { createSketchRecorder } from './sketch/recorder.ts'
import { writeTtl, writeU16 } from './write.ts'

/** What `cache` does to a reply: one TTL for all records, within these bounds (seconds). */
export interface TtlBounds {
  readonly minSuccess: number
  /** Replaces a TTL of 0. */
  readonly zeroSuccess: number
  readonly maxSuccess: number
  readonly minDenial: number
  readonly zeroDenial: number
  readonly maxDenial: number
}

/** How the queries of a route are relayed. */
export interface RelayRules {
  /** The answers' profile: decides how they are counted, logged, shuffled and limited. */
  readonly profileId: number
  /** Undefined: no `cache`; TTLs are passed on unchanged. */
  readonly ttls: TtlBounds | undefined
}

/** Largest EDNS options of a relayed question: a full cookie (RFC 7873 §4), and some spare octets. */
const maxOptionOctets = 64
/** Largest question that is relayed: a header, a name of 255 octets, type, class and an OPT. */
export const maxRelayedRequest = 12 + 255 + 4 + optOctets + maxOptionOctets
/** EDNS padding (RFC 7830), which is not forwarded. */
const paddingOption = 12
/** UDP payload that upstreams are asked to keep to: it passes every path unfragmented (RFC 9715 §3.1). */
const upstreamPayload = 1232

export interface RelayResponder {
  /** Reads a request. False when the chain must see it: unusual flags or types, too many EDNS options. */
  read(request: Uint8Array, start: number, end: number): boolean
  /** The name, type and octets of the request read last, without anything after the OPT. */
  readonly key: NameKey
  type(): number
  requestOctets(): number
  questionOctets(): number
  /** Whether EDNS options go to the upstream: such an exchange serves one client alone. */
  hasOptions(): boolean
  /** What must be equal, besides name and type, for two requests to share a reply. */
  flags(): number
  /** Writes the upstream's question except its ID; returns its length. */
  writeQuery(target: Uint8Array, at: number, rules: RelayRules): number
  /**
   * Whether the upstream's reply in `reply[replyStart, replyEnd)`, to the question read last in the same case, can be
   * turned into the client's. If not, the chain takes it.
   */
  accepts(rules: RelayRules, reply: Uint8Array, replyStart: number, replyEnd: number): boolean
  /** Turns the accepted reply into the client's, in place; returns its length. */
  write(rules: RelayRules): number
  /** Counts the answer given at `now` (milliseconds) to the client whose address is in `client` from `clientAt` on. */
  count(transport: TransportCode, now: number, seconds: number, client: Uint8Array, clientAt: number): void
  /** Reports the answer to observers, if any. True when the control plane must be woken. */
  observe(route: QueryRoute, receivedAt: number, seconds: number): boolean
}

export function createRelayResponder(
  handle: TableHandle,
  slot: number,
  options: Pick<ResponderOptions, 'queries' | 'random'>,
): RelayResponder {
  const x = createQueryState(handle, options.random)
  const records = createRelayedRecords()
  const counters = createCounters(handle, slot)
  const sketches = createSketchRecorder(handle, slot)
  const queries = options.queries && createQueryProducer(options.queries)
  const { words } = x.view
  return {
    key: x.key,
    read: (request, start, end) => readRelayable(x, request, start, end),
    type: () => x.type,
    requestOctets: () => x.requestEnd - x.start,
    questionOctets: () => x.questionEnd - x.start,
    hasOptions: () => sentOptions(x) > 0,
    flags: () =>
      (x.request[x.start + 2] & 1) | (x.request[x.start + 3] & 0x30) | (x.edns ? 2 : 0) | (x.dnssecOk ? 4 : 0),
    writeQuery: (target, at, rules) => writeQuery(x, target, at, rules.ttls !== undefined),
    accepts(rules, reply, replyStart, replyEnd) {
      const effects = words[profileCell(rules.profileId)]
      x.profileId = rules.profileId
      x.maxPayload = effects & 0xffff
      x.observe = effects & (OBSERVE_ANSWERS | OBSERVE_DENIALS)
      x.shuffle = (effects & SHUFFLE) !== 0
      x.reply = reply
      x.replyStart = replyStart
      const end = replyStart + x.questionEnd - x.start
      if (!readRelayed(records, reply, replyStart, end, replyEnd, x.type, x.shuffle)) return false
      if (records.optionOctets < 0) return false
      // `cache` treats a reply with TTL 0 differently: it may not be kept.
      if (rules.ttls && records.lowestTtl === 0) return false
      if (x.maxPayload !== 0 && x.payloadSize > x.maxPayload) x.payloadSize = x.maxPayload
      const limit = x.edns && x.payloadSize > plainUdpOctets ? x.payloadSize : plainUdpOctets
      return records.end - replyStart + (x.edns ? optOctets + repliedOptions(records, rules) : 0) <= limit
    },
    write: (rules) => writeReply(x, records, rules),
    count(transport, now, seconds, client, clientAt) {
      const family = transport === transportCode.udp4 ? 1 : 2
      counters.count(x, transport, family, seconds)
      x.client = client
      x.clientAt = clientAt
      sketches.begin(now)
      sketches.count(x, family)
    },
    observe(route, receivedAt, seconds) {
      if (!queries || (x.observe & (x.denial ? OBSERVE_DENIALS : OBSERVE_ANSWERS)) === 0) return false
      x.now = receivedAt
      queries.push(x, route)
      return queries.publish(seconds)
    },
  }
}

/** Excludes types that are not data (RFC 6895 §3.1), DS, which belongs to the parent zone, and HINFO, which `loop` asks for. */
function isRelayable(asked: number): boolean {
  return asked > 0 && asked < 128 && asked !== type.DS && asked !== type.OPT && asked !== type.HINFO
}

function readRelayable(x: QueryState, request: Uint8Array, start: number, end: number): boolean {
  x.request = request
  x.start = start
  x.end = end
  x.stream = false
  x.edns = false
  x.payloadSize = 0
  x.dnssecOk = false
  x.cacheHit = 0
  if (readRequest(x) !== verdict.ask || !isRelayable(x.type)) return false
  // RD, AD and CD are passed on; a request with any other flag is left to the chain.
  if ((request[start + 2] & 0xfe) !== 0 || (request[start + 3] & 0xcf) !== 0) return false
  return x.requestEnd - x.questionEnd <= optOctets + maxOptionOctets
}

/** Octets of the request's options that are sent on: all but padding. */
function sentOptions({ request, questionEnd, requestEnd }: QueryState): number {
  let octets = 0
  for (let at = questionEnd + optOctets; at < requestEnd; at += 4 + readU16(request, at + 2))
    if (readU16(request, at) !== paddingOption) octets += 4 + readU16(request, at + 2)
  return octets
}

/** Octets of the upstream's options that the client gets: none with `cache`, which removes the OPT. */
const repliedOptions = (records: RelayedRecords, { ttls }: RelayRules): number => (ttls ? 0 : records.optionOctets)

const readU16 = (bytes: Uint8Array, at: number): number => (bytes[at] << 8) | bytes[at + 1]

/** Writes the question as `forward` sends it; `askForAd`: as `cache` passes it on, for later clients (RFC 6840 §5.7). */
function writeQuery(x: QueryState, target: Uint8Array, at: number, askForAd: boolean): number {
  const { request, start } = x
  const octets = x.questionEnd - start
  target[at + 2] = request[start + 2] & 1
  target[at + 3] = (request[start + 3] & 0x30) | (askForAd ? 0x20 : 0)
  writeU16(target, at + 4, 1)
  writeU16(target, at + 6, 0)
  writeU16(target, at + 8, 0)
  writeU16(target, at + 10, x.edns ? 1 : 0)
  for (let i = 12; i < octets; i++) target[at + i] = request[start + i]
  if (!x.edns) return octets
  writeOpt(target, at + octets, upstreamPayload, x.dnssecOk, sentOptions(x))
  return octets + optOctets + writeOptions(x, target, at + octets + optOctets)
}

/** Returns the octets written. */
function writeOptions({ request, questionEnd, requestEnd }: QueryState, target: Uint8Array, at: number): number {
  let to = at
  for (let from = questionEnd + optOctets; from < requestEnd; ) {
    const end = from + 4 + readU16(request, from + 2)
    if (readU16(request, from) === paddingOption) from = end
    while (from < end) target[to++] = request[from++]
  }
  return to - at
}

/** RFC 6891 §6.1.2: the fixed part of an OPT of version 0, with `options` as the length of what follows. */
function writeOpt(target: Uint8Array, at: number, payload: number, dnssecOk: boolean, options: number): void {
  target[at] = 0
  writeU16(target, at + 1, type.OPT)
  writeU16(target, at + 3, payload)
  target[at + 5] = 0
  target[at + 6] = 0
  target[at + 7] = dnssecOk ? 0x80 : 0
  target[at + 8] = 0
  writeU16(target, at + 9, options)
}

const plainUdpOctets = 512

function writeReply(x: QueryState, records: RelayedRecords, rules: RelayRules): number {
  const { request, reply, start, replyStart } = x
  const { ttls } = rules
  if (ttls) setTtls(reply, records, ttls)
  if (x.shuffle && (reply[replyStart + 3] & 15) === 0) shuffleRuns(x, records)
  reply[replyStart] = request[start]
  reply[replyStart + 1] = request[start + 1]
  // AA is the upstream's, RD the client's.
  reply[replyStart + 2] = (reply[replyStart + 2] & 0xfe) | (request[start + 2] & 1)
  // `cache` passes AD on to clients that understand it only (RFC 6840 §5.7).
  const understandsAd = !ttls || x.dnssecOk || (request[start + 3] & 0x20) !== 0
  reply[replyStart + 3] = (reply[replyStart + 3] & (understandsAd ? 0xef : 0xcf)) | (request[start + 3] & 0x10)
  writeU16(reply, replyStart + 10, records.additionals + (x.edns ? 1 : 0))
  x.rcode = reply[replyStart + 3] & 15
  x.denial = records.denial
  x.replyOctets = records.octets
  if (!x.edns) return records.end - replyStart
  // The upstream's options, if kept, already follow the records.
  const options = repliedOptions(records, rules)
  writeOpt(reply, records.end, x.payloadSize, x.dnssecOk || (!ttls && records.dnssecOk), options)
  return records.end - replyStart + optOctets + options
}

function setTtls(reply: Uint8Array, records: RelayedRecords, bounds: TtlBounds): void {
  const { lowestTtl: lowest, denial } = records
  const most = denial ? bounds.maxDenial : bounds.maxSuccess
  const least = denial ? bounds.minDenial : bounds.minSuccess
  const zero = denial ? bounds.zeroDenial : bounds.zeroSuccess
  const ttl = Math.min(most, Math.max(lowest === 0 ? zero : least, lowest))
  for (let i = 0; i < records.records; i++) writeTtl(reply, records.ttlAt[i], ttl)
}

/** Exchanges TTL and rdata of records that are otherwise alike (Fisher and Yates). */
function shuffleRuns(x: QueryState, records: RelayedRecords): void {
  const { reply, sampler } = x
  for (let run = 0; run < records.runCount; run++) {
    const at = records.runs[run * 3]
    const octets = records.runs[run * 3 + 1]
    for (let i = records.runs[run * 3 + 2] - 1; i > 0; i--) {
      const one = at + i * octets
      const other = at + below(sampler, i + 1) * octets
      if (one === other) continue
      for (let k = 0; k < octets; k++) {
        const octet = reply[one + k]
        reply[one + k] = reply[other + k]
        reply[other + k] = octet
      }
    }
  }
}
