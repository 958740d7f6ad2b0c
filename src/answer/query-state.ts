/**
 * The question in hand and the reply being written. A responder has one of these and reuses it for every query, so that
 * answering allocates nothing. Positions named `…At` are offsets in `request` or `reply`; fields that are fixed once per
 * responder come first.
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
  /** By target of an SRV answer: position of its name in the reply × 256 + octets of the name; 0 while it is not there. */
  readonly targetAt: Int32Array
  /** Milliseconds of the monotonic clock, once per batch. */
  now: number

  request: Uint8Array
  /** The request is `request[start, end)`. */
  start: number
  end: number
  stream: boolean
  /** Where the question ends in the request, and where the request ends: any octets after that are ignored. */
  questionEnd: number
  requestEnd: number
  type: number
  /** Octets of the client's address and where they begin; the family is 4, 6, or 0 when the client is unknown. */
  client: Uint8Array
  clientAt: number
  clientFamily: number

  /** Whether the request has an OPT, and its facts. */
  edns: boolean
  payloadSize: number
  dnssecOk: boolean

  reply: Uint8Array
  replyStart: number
  /** Length of the reply just written. */
  replyLength: number
  /** Largest reply to a datagram that the caller's buffers hold. */
  maxReplyOctets: number
  /** Octets that a reply to a datagram may have, whatever its client takes: the largest payload size that is obeyed. */
  mostDatagram: number
  /** Where the next octet goes. */
  at: number
  /** Where the reply's sections must end; the OPT follows. */
  limit: number
  /** The reply buffer is smaller than the client's limit: a reply that does not fit is left to the chain. */
  cramped: boolean
  /** `loadbalance` */
  shuffle: boolean
  /** Offsets of the SOA block and the zone block whose NS records form the authority section; 0: no authority section. */
  nameServersSoa: number
  nameServersZone: number
  /** Leave out the additional section (`minimal`). */
  minimal: boolean
  /** HEADER_EFFECTS of the profile (`header`). */
  headerEffects: number
  /** `bufsize`: the largest payload size that is echoed and used. */
  maxPayload: number
  /** Offset in the table of the reply's extended error, which begins with a length octet; 0: none. */
  explanationAt: number
  /** INFO-CODE of a reply that may be stale; 0: it is not. */
  staleCode: number
  /** OBSERVE_ANSWERS and OBSERVE_DENIALS of the reply's profile. */
  observe: number
  answers: number
  authorities: number
  additionals: number
  truncated: boolean
  /** The answer is a selected variant: addresses that do not fit are omitted without setting TC. */
  isVariant: boolean
  /** Octets that a truncated reply would have had; then `replyOctets` counts them. 0: not truncated. */
  uncutOctets: number

  /** Outcome of the last call of `answer`: a miss's reason, or facts about the reply for the counters. */
  missReason: number
  space: number
  profileId: number
  rcode: number
  /** NXDOMAIN or NODATA, with its SOA. */
  denial: boolean
  /** Octets of the reply without OPT and name compression, before truncation, as CoreDNS counts them. */
  replyOctets: number
  /** Octets that compression saved in what was written; cached replies store theirs. */
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
    maxReplyOctets: 0,
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
    isVariant: false,
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
