/**
 * The one question in hand and the reply being written. A responder has one of these and uses it again for every query,
 * so that answering allocates nothing. Positions named `…At` are offsets in `request` or `reply`; what is fixed once per
 * responder comes first.
 */
import type { TableHandle } from '../table/api.ts'
import { maxChoices } from '../table/layout.ts'
import { createNameKey, type NameKey } from '../table/name-key.ts'
import { openTable, type TableView } from '../table/reader.ts'
import { createSampler, type Sampler } from './sample.ts'
import { createWeightedOrder, type WeightedOrder } from './weighted.ts'

export interface QueryState {
  readonly view: TableView
  /** The name asked for. */
  readonly key: NameKey
  readonly sampler: Sampler
  readonly order: WeightedOrder
  /** By target of an SRV answer: where its name stands in the reply × 256 + its octets; 0 while it does not. */
  readonly targetAt: Int32Array
  /** Milliseconds of the monotonic clock, once per batch. */
  now: number

  request: Uint8Array
  /** The request is `request[start, end)`. */
  start: number
  end: number
  stream: boolean
  /** Where the question ends in the request, and what is known of the message: octets after it mean nothing. */
  questionEnd: number
  requestEnd: number
  type: number
  /** Octets of the client's address and where they begin; the family is 4, 6, or 0 where it is not known. */
  client: Uint8Array
  clientAt: number
  clientFamily: number

  /** Whether the request has an OPT, and its facts. */
  edns: boolean
  payloadSize: number
  dnssecOk: boolean

  reply: Uint8Array
  replyStart: number
  /** Octets of the reply just written, whole. */
  replyLength: number
  /** Octets that a reply to a datagram may have because of the caller's buffers. */
  room: number
  /** Octets that a reply to a datagram may have, whatever its client takes: the largest payload size that is obeyed. */
  mostDatagram: number
  /** Where the next octet goes. */
  at: number
  /** Where the reply's sections must end, OPT excluded. */
  limit: number
  /** The buffer for the reply is smaller than the client's limit: a reply that does not fit is left to the chain. */
  cramped: boolean
  /** `loadbalance` */
  shuffle: boolean
  /** Offsets of the SOA block and the zone block whose NS records are the authority section; 0: none are. */
  nameServersSoa: number
  nameServersZone: number
  /** No additional section (`minimal`). */
  minimal: boolean
  /** HEADER_EFFECTS of the profile (`header`). */
  headerEffects: number
  /** `bufsize`: payload size that is echoed and obeyed. */
  maxPayload: number
  /** Where the extended error of the reply begins in the table, a length octet first; 0: there is no such error. */
  explanationAt: number
  /** INFO-CODE of a reply that may be out of date; 0: it is not. */
  staleCode: number
  /** OBSERVE_ANSWERS and OBSERVE_DENIALS of the reply's profile. */
  observe: number
  answers: number
  authorities: number
  additionals: number
  truncated: boolean
  /** The answer is a selected variant: addresses that do not fit are left out of it without setting TC. */
  drawn: boolean
  /** Octets of a reply that was cut, as if it had not been: `replyOctets` then. 0 while nothing is cut. */
  uncutOctets: number

  /** What the last call of `answer` came to: a miss's reason, or a reply's facts for the counters. */
  missReason: number
  space: number
  profileId: number
  rcode: number
  /** NXDOMAIN or NODATA, with its SOA. */
  denial: boolean
  /** Octets of the reply without OPT and name compression and before it is cut, as CoreDNS counts them. */
  replyOctets: number
  /** Octets that compression saves in what is written; cached replies know theirs. */
  savedOctets: number
  /** How a cached reply was counted: 0 none, 1 success, 2 denial. */
  cacheHit: number
  /** As in CountedQuery. */
  labelsBelow: number
  picked: number
}

export function createQueryState(handle: TableHandle, random: (() => number) | undefined): QueryState {
  const view = openTable(handle)
  const nothing = new Uint8Array(0)
  return {
    view,
    key: createNameKey(view.words),
    sampler: createSampler(maxChoices, random),
    order: createWeightedOrder(),
    targetAt: new Int32Array(maxChoices + 1),
    now: 0,
    request: nothing,
    start: 0,
    end: 0,
    stream: false,
    questionEnd: 0,
    requestEnd: 0,
    type: 0,
    client: nothing,
    clientAt: 0,
    clientFamily: 0,
    edns: false,
    payloadSize: 0,
    dnssecOk: false,
    reply: nothing,
    replyStart: 0,
    replyLength: 0,
    room: 0,
    mostDatagram: 0xffff,
    at: 0,
    limit: 0,
    cramped: false,
    shuffle: false,
    nameServersSoa: 0,
    nameServersZone: 0,
    minimal: false,
    headerEffects: 0,
    maxPayload: 0,
    explanationAt: 0,
    staleCode: 0,
    observe: 0,
    answers: 0,
    authorities: 0,
    additionals: 0,
    truncated: false,
    drawn: false,
    uncutOctets: 0,
    missReason: 0,
    space: 0,
    profileId: 0,
    rcode: 0,
    denial: false,
    replyOctets: 0,
    savedOctets: 0,
    cacheHit: 0,
    labelsBelow: 0,
    picked: 0,
  }
}
