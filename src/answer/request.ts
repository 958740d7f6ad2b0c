/**
 * What a request asks, read from its octets without ever reading outside them. Malformed and unsupported messages are
 * judged as CoreDNS does (docs/coredns-behaviour.md §3, checked against 1.15.0); valid but unusual ones are left to the
 * chain.
 */
import { dnsClass, opcode, type } from '../dns/codes.ts'
import { isWithoutEffect } from '../dns/options.ts'
import { COMPRESSED, readName } from '../table/name-key.ts'
import { missReason } from './misses.ts'
import type { QueryState } from './query-state.ts'

/** What to do with a request: each verdict other than a miss or `ask` is one kind of reply. */
export const verdict = {
  /** A question that the table may answer. */
  ask: 0,
  drop: 1,
  miss: 2,
  /** NOTIMP, the header alone. */
  notImplemented: 3,
  /** FORMERR, the header alone. */
  formatError: 4,
  /** FORMERR, with the question. */
  formatErrorWithQuestion: 5,
  /** SERVFAIL, the header alone: the message is a header alone. */
  noQuestion: 6,
  badVersion: 7,
} as const

const headerOctets = 12
/** COOKIE's option code. CoreDNS does not check its form. */
const cookie = 10
/** An OPT record with its root owner, without options. */
export const optOctets = 11

/** Judges the header, then the question, then the OPT, and fills in the query state up to where it stops. */
export function readRequest(x: QueryState): number {
  const { request, start, end } = x
  if (end - start < headerOctets || request[start + 2] & 0x80) return verdict.drop
  const operation = (request[start + 2] >> 3) & 15
  // The server decides whether updates are accepted (`dynupdate`); their sections may be large.
  if (operation === opcode.UPDATE && end - start > headerOctets) return miss(x, missReason.unusual)
  if (operation !== opcode.QUERY && operation !== opcode.NOTIFY) return verdict.notImplemented
  const questions = (request[start + 4] << 8) | request[start + 5]
  const answers = (request[start + 6] << 8) | request[start + 7]
  const authorities = (request[start + 8] << 8) | request[start + 9]
  const additionals = (request[start + 10] << 8) | request[start + 11]
  if (questions !== 1 || answers > 1 || authorities > 1 || additionals > 2) return verdict.formatError
  if (end - start === headerOctets) return verdict.noQuestion
  const judged = readQuestion(x, operation)
  if (judged !== verdict.ask) return judged
  // NOTIFY and IXFR have such records (RFC 1996 §3.7, RFC 1995 §3); in a query they are unusual.
  if (answers + authorities > 0 || additionals > 1) return miss(x, missReason.sections)
  return additionals === 0 ? verdict.ask : readOpt(x)
}

function miss(x: QueryState, reason: number): number {
  x.missReason = reason
  return verdict.miss
}

function readQuestion(x: QueryState, operation: number): number {
  const { request, end } = x
  const at = readName(x.key, request, x.start + headerOctets, end)
  if (at < 0) return at === COMPRESSED ? miss(x, missReason.compressed) : verdict.formatError
  if (at + 4 > end) {
    // CoreDNS reads a question that ends after its name, or after its type, as one of type or class 0.
    return at === end || at + 2 === end ? miss(x, missReason.unusual) : verdict.formatError
  }
  x.type = (request[at] << 8) | request[at + 1]
  x.questionEnd = at + 4
  x.requestEnd = x.questionEnd
  const inInternet = request[at + 2] === 0 && request[at + 3] === dnsClass.IN
  return inInternet && operation === opcode.QUERY ? verdict.ask : miss(x, missReason.unusual)
}

/** RFC 6891 §6.1.2: the one additional record must be an OPT at the root; anything else is left to the chain. */
function readOpt(x: QueryState): number {
  const { request, end } = x
  const at = x.questionEnd
  // The count exceeds the records present: CoreDNS accepts that.
  if (at === end) return miss(x, missReason.sections)
  if (request[at] !== 0) return miss(x, missReason.sections)
  if (at + 3 > end) return verdict.formatErrorWithQuestion
  if (((request[at + 1] << 8) | request[at + 2]) !== type.OPT) return miss(x, missReason.sections)
  if (at + optOctets > end) return verdict.formatErrorWithQuestion
  const optionsEnd = at + optOctets + ((request[at + 9] << 8) | request[at + 10])
  if (optionsEnd > end) return verdict.formatErrorWithQuestion
  x.edns = true
  x.payloadSize = (request[at + 3] << 8) | request[at + 4]
  x.dnssecOk = (request[at + 7] & 0x80) !== 0
  x.requestEnd = optionsEnd
  let odd = false
  if (optionsEnd > at + optOctets) {
    const judged = readOptions(x, at + optOctets, optionsEnd)
    if (judged === verdict.formatErrorWithQuestion) return judged
    odd = judged !== verdict.ask
  }
  // As in CoreDNS, malformed options come first: the chain checks their form.
  if (odd) return miss(x, missReason.edns)
  // RFC 6891 §6.1.3: an unsupported version is answered with BADVERS.
  if (request[at + 6] !== 0) return verdict.badVersion
  // Flags without an assigned meaning.
  if ((request[at + 7] & 0x7f) | request[at + 8]) return miss(x, missReason.edns)
  return verdict.ask
}

/** Options are ignored, or left to the chain: NSID, client subnets, and those whose form CoreDNS checks. */
function readOptions(x: QueryState, optionsAt: number, optionsEnd: number): number {
  const { request } = x
  let at = optionsAt
  let odd = false
  while (at < optionsEnd) {
    if (at + 4 > optionsEnd) return verdict.formatErrorWithQuestion
    const code = (request[at] << 8) | request[at + 1]
    const octets = (request[at + 2] << 8) | request[at + 3]
    if (at + 4 + octets > optionsEnd) return verdict.formatErrorWithQuestion
    const isKnown = code <= 20 && !(code >= 5 && code <= 7) && code !== cookie
    if (isKnown && !isWithoutEffect(code, octets)) odd = true
    at += 4 + octets
  }
  return odd ? verdict.miss : verdict.ask
}
