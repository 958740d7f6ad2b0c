/** Creates replies, and finishes them for the client (docs/coredns-behaviour.md §3). */
import { opcode, rcode } from './codes.ts'
import { encodeMessage } from './encode.ts'
import type { Edns, Message, ResourceRecord } from './message.ts'
import { isWellFormed } from './options.ts'
import { ParseError, parseMessage } from './parse.ts'

export interface ReplyParts {
  readonly rcode?: number
  readonly authoritative?: boolean
  readonly answer?: readonly ResourceRecord[]
  readonly authority?: readonly ResourceRecord[]
  readonly additional?: readonly ResourceRecord[]
  readonly edns?: Edns
}

/** A reply to `request`: its ID, opcode, question in its case, RD and CD; NOERROR and empty unless `parts` differ. */
export function replyTo(request: Message, parts: ReplyParts = {}): Message {
  const plain = request.opcode === opcode.QUERY
  return {
    id: request.id,
    response: true,
    opcode: request.opcode,
    authoritative: parts.authoritative ?? false,
    truncated: false,
    recursionDesired: plain && request.recursionDesired,
    recursionAvailable: false,
    reserved: false,
    authenticData: false,
    checkingDisabled: plain && request.checkingDisabled,
    rcode: parts.rcode ?? rcode.NOERROR,
    questions: request.questions.slice(0, 1),
    answer: parts.answer ?? [],
    authority: parts.authority ?? [],
    additional: parts.additional ?? [],
    edns: parts.edns,
  }
}

export interface FinishOptions {
  /** `udp` limits the reply to the client's payload size; all others are streams. */
  readonly transport: 'udp' | 'tcp' | 'tls' | 'https' | 'grpc'
  /** `bufsize`: the largest UDP payload that a client may ask for. */
  readonly maxPayload?: number
  /** RD of the reply if a plugin sets it (`header`); otherwise the request's. */
  readonly recursionDesired?: boolean | undefined
  /** Octets of the client's limit reserved for something else (a signature). */
  readonly reserved?: number | undefined
}

/** Maximum octets of any message, and of a UDP reply to a client without EDNS (RFC 1035 §4.2.1). */
export const maxMessageOctets = 0xffff
export const plainUdpOctets = 512

/**
 * The octets of `reply` for the client that sent `request`: with its ID and opcode, RD and CD of a query; with its OPT echoed,
 * or the reply's own adjusted to it; truncated to the client's limit. An rcode over 15 becomes SERVFAIL for a client without
 * EDNS.
 */
export function finishReply(reply: Message, request: Message, options: FinishOptions): Uint8Array {
  const edns = replyEdns(reply, request, options.maxPayload)
  const plain = request.opcode === opcode.QUERY
  const finished: Message = {
    ...reply,
    id: request.id,
    response: true,
    opcode: request.opcode,
    // For other operations they are the reply's own: as in CoreDNS, an upstream may decide.
    recursionDesired: options.recursionDesired ?? (plain ? request : reply).recursionDesired,
    checkingDisabled: (plain ? request : reply).checkingDisabled,
    rcode: reply.rcode > 15 && !request.edns ? rcode.SERVFAIL : reply.rcode,
    edns,
  }
  return encodeMessage(finished, { limit: replyLimit(request, options) - (options.reserved ?? 0) })
}

/** Maximum octets of a reply to `request`. RFC 6891 §6.2.3: sizes below 512 count as 512. */
function replyLimit(request: Message, options: FinishOptions): number {
  if (options.transport !== 'udp') return maxMessageOctets
  if (!request.edns) return plainUdpOctets
  return Math.max(plainUdpOctets, payloadSize(request.edns, options.maxPayload))
}

const payloadSize = (edns: Edns, most: number | undefined): number =>
  most !== undefined && edns.payloadSize > most ? most : edns.payloadSize

/** A reply has an OPT if the request had one (RFC 6891 §6.1.1), or if a plugin has created one. */
function replyEdns(reply: Message, request: Message, maxPayload: number | undefined): Edns | undefined {
  const asked = request.edns
  if (!asked) return reply.edns && { ...reply.edns, extendedRcode: 0 }
  return {
    version: 0,
    payloadSize: payloadSize(asked, maxPayload),
    // As in CoreDNS: a plugin that creates an OPT itself sets DO in it.
    dnssecOk: asked.dnssecOk || (reply.edns?.dnssecOk ?? false),
    extendedRcode: reply.rcode >> 4,
    // Options of the request are not returned.
    options: reply.edns?.options ?? [],
  }
}

/** Parses a request. Throws ParseError; unlike for an upstream's answer, also for malformed options. */
export function parseRequest(bytes: Uint8Array): Message {
  const request = parseMessage(bytes)
  const malformed = request.edns?.options.find((option) => !isWellFormed(option))
  if (!malformed) return request
  const partial: Message = { ...request, answer: [], authority: [], additional: [], edns: undefined }
  throw new ParseError(`additional: EDNS option ${malformed.code} is malformed`, 'additional', partial)
}

/** NOTIMP for an unsupported operation: the request's header (`request` has at least that) as a response. */
export function notImplementedReply(request: Uint8Array): Uint8Array {
  const reply = new Uint8Array(12)
  reply.set(request.subarray(0, 4))
  // QR, the operation, TC and RD; RA, AD and CD.
  reply[2] = 0x80 | (request[2] & 0x7b)
  reply[3] = (request[3] & 0xb0) | rcode.NOTIMP
  return reply
}

/** BADVERS for an unsupported EDNS version (RFC 6891 §6.1.3): an OPT of version 0, as CoreDNS writes it. */
export function badVersionReply(request: Message): Uint8Array {
  const edns: Edns = { version: 0, payloadSize: 0, dnssecOk: false, extendedRcode: rcode.BADVERS >> 4, options: [] }
  return encodeMessage(replyTo(request, { rcode: rcode.BADVERS, edns }), { limit: plainUdpOctets })
}

/** The FORMERR for a request that did not parse, with its question if that did; undefined without a header. */
export function formatErrorReply(error: ParseError): Uint8Array | undefined {
  const request = error.partial
  if (!request) return undefined
  const reply: Message = {
    ...request,
    response: true,
    opcode: opcode.QUERY,
    authoritative: false,
    reserved: false,
    rcode: rcode.FORMERR,
    questions: request.questions.slice(0, 1),
  }
  return encodeMessage(reply, { limit: plainUdpOctets })
}
