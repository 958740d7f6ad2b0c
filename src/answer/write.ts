/** The parts that all replies share: header, question, SOA, OPT; and replies that have nothing else. */
import { rcode, type } from '../dns/codes.ts'
import { extendedErrorOption } from '../dns/extended-error.ts'
import { CLEAR_AA, CLEAR_RD, SET_RA, SET_RD, soa, zone } from '../table/layout.ts'
import type { QueryState } from './query-state.ts'
import { optOctets } from './request.ts'

const headerOctets = 12
/** INFO-CODE; a text may follow. */
const codeOctets = 2
const plainUdpOctets = 512
const maxMessageOctets = 0xffff

/** Copies the question in the client's case and sets the limits that follow from profile and client. */
export function beginReply(x: QueryState): void {
  const { request, reply, start, replyStart } = x
  const octets = x.questionEnd - start
  for (let i = headerOctets; i < octets; i++) reply[replyStart + i] = request[start + i]
  x.at = replyStart + octets
  // RFC 6891 §6.2.3: sizes below 512 count as 512.
  if (x.maxPayload !== 0 && x.payloadSize > x.maxPayload) x.payloadSize = x.maxPayload
  let most = maxMessageOctets
  if (!x.stream && x.payloadSize > x.mostDatagram) x.payloadSize = x.mostDatagram
  if (!x.stream) most = x.edns && x.payloadSize > plainUdpOctets ? x.payloadSize : plainUdpOctets
  const available = Math.min(x.maxReplyOctets, reply.length - replyStart)
  x.cramped = available < most
  x.limit = replyStart + (x.cramped ? available : most) - (x.edns ? optOctets : 0)
  x.answers = 0
  x.authorities = 0
  x.additionals = 0
  x.truncated = false
  x.isVariant = false
  x.nameServersSoa = 0
  x.explanationAt = 0
  x.staleCode = 0
  x.uncutOctets = 0
  x.savedOctets = 0
}

/** Writes the OPT and the header around the sections; returns the reply's length. */
export function finishReply(x: QueryState, code: number, low: number): number {
  const { request, reply, start, replyStart } = x
  x.rcode = code
  x.replyOctets = x.uncutOctets || x.at - replyStart + x.savedOctets
  if (x.edns) writeOpt(x)
  reply[replyStart] = request[start]
  reply[replyStart + 1] = request[start + 1]
  // QR, AA, TC as determined, RD as asked.
  reply[replyStart + 2] = 0x84 | (x.truncated ? 2 : 0) | (request[start + 2] & 1)
  reply[replyStart + 3] = low | (request[start + 3] & 0x10) | code
  reply[replyStart + 4] = 0
  reply[replyStart + 5] = 1
  if (x.headerEffects !== 0) changeHeader(x)
  writeU16(reply, replyStart + 6, x.answers)
  writeU16(reply, replyStart + 8, x.authorities)
  writeU16(reply, replyStart + 10, x.additionals + (x.edns ? 1 : 0))
  return x.at - replyStart
}

/** `header`: forces flags of the profile's answers. */
function changeHeader({ reply, replyStart, headerEffects }: QueryState): void {
  if (headerEffects & CLEAR_AA) reply[replyStart + 2] &= ~0x04
  if (headerEffects & SET_RD) reply[replyStart + 2] |= 0x01
  if (headerEffects & CLEAR_RD) reply[replyStart + 2] &= ~0x01
  if (headerEffects & SET_RA) reply[replyStart + 3] |= 0x80
}

export function writeU16(reply: Uint8Array, at: number, value: number): void {
  reply[at] = value >> 8
  reply[at + 1] = value
}

/** RFC 6891 §6.1.1: a reply has an OPT if the request had one: the client's size, DO, and at most an extended error. */
function writeOpt(x: QueryState): void {
  const { reply, at } = x
  reply[at] = 0
  reply[at + 1] = 0
  reply[at + 2] = type.OPT
  writeU16(reply, at + 3, x.payloadSize)
  reply[at + 5] = 0
  reply[at + 6] = 0
  reply[at + 7] = x.dnssecOk ? 0x80 : 0
  reply[at + 8] = 0
  const option = (x.explanationAt | x.staleCode) === 0 ? 0 : writeExtendedError(x, at + optOctets)
  writeU16(reply, at + 9, option)
  x.at = at + optOctets + option
}

/** RFC 8914 §2. Writes the extended error if the client's size has room for it; returns its octets. */
function writeExtendedError(x: QueryState, at: number): number {
  const { reply, explanationAt, staleCode } = x
  const { bytes } = x.view
  const octets = explanationAt === 0 ? codeOctets : bytes[explanationAt]
  if (at + 4 + octets > x.limit + optOctets) return 0
  writeU16(reply, at, extendedErrorOption)
  writeU16(reply, at + 2, octets)
  if (explanationAt !== 0) for (let i = 0; i < octets; i++) reply[at + 4 + i] = bytes[explanationAt + 1 + i]
  if (staleCode !== 0) writeU16(reply, at + 4, staleCode)
  return 4 + octets
}

/** The question's name as an owner: a pointer to the question, or the root itself. */
export function writeOwner(x: QueryState): void {
  const { reply } = x
  if (x.key.length === 1) reply[x.at++] = 0
  else {
    reply[x.at] = 0xc0
    reply[x.at + 1] = headerOctets
    x.at += 2
    x.savedOctets += x.key.length - 2
  }
}

export const ownerOctets = (x: QueryState): number => (x.key.length === 1 ? 1 : 2)

/** The question's name or one above it, in the question's case. `octets` is its length. */
function writeSuffix(x: QueryState, octets: number): void {
  const { reply } = x
  if (octets === 1) reply[x.at++] = 0
  else {
    const offset = headerOctets + x.key.length - octets
    reply[x.at] = 0xc0 | (offset >> 8)
    reply[x.at + 1] = offset
    x.at += 2
    x.savedOctets += octets - 2
  }
}

/** SOA of the zone whose block is at `zoneAt`, from one consistent version. False, with nothing written, if it does not fit. */
export function writeSoa(x: QueryState, soaAt: number, zoneAt: number): boolean {
  const { reply } = x
  const { bytes, words } = x.view
  const zoneOctets = words[(zoneAt + zone.lengthAt) >> 2]
  const begin = x.at
  // Upper bound: two pointers, the fixed fields, and both names with a pointer each.
  const names = bytes[soaAt + soa.mnameAt] + bytes[soaAt + soa.rnameAt]
  if (begin + 2 + 10 + names + 4 + soa.numbersBytes > x.limit) return false
  writeSuffix(x, zoneOctets)
  let at = x.at
  reply[at] = 0
  reply[at + 1] = type.SOA
  reply[at + 2] = 0
  reply[at + 3] = 1
  writeTtl(reply, at + 4, words[(soaAt + soa.ttlAt) >> 2])
  const rdata = at + 10
  x.at = rdata
  let from = soaAt + soa.namesAt
  from = writeZoneName(x, from, bytes[soaAt + soa.mnameAt], bytes[soaAt + soa.mnameInZoneAt] === 1, zoneOctets)
  writeZoneName(x, from, bytes[soaAt + soa.rnameAt], bytes[soaAt + soa.rnameInZoneAt] === 1, zoneOctets)
  for (let i = 0; i < soa.numbersBytes; i++) reply[x.at + i] = bytes[soaAt + soa.numbersAt + i]
  x.at += soa.numbersBytes
  at += 8
  writeU16(reply, at, x.at - rdata)
  return true
}

/** Writes the NS records that the answer carries, if any. False when not all of them fit. */
export function writeNameServers(x: QueryState): boolean {
  const { nameServersSoa: soaAt } = x
  if (soaAt === 0) return true
  const { reply } = x
  const { bytes, words } = x.view
  const zoneOctets = words[(x.nameServersZone + zone.lengthAt) >> 2]
  const facts = soaAt + soa.nameServersAt
  const count = bytes[facts] | (bytes[facts + 1] << 8)
  let from = soaAt + (bytes[facts + 2] | (bytes[facts + 3] << 8))
  for (let i = 0; i < count; i++) {
    const octets = bytes[from + 4]
    // Upper bound: owner and target each end in a pointer.
    if (x.at + 2 + 10 + octets + 2 > x.limit) return false
    writeSuffix(x, zoneOctets)
    const { at } = x
    reply[at] = 0
    reply[at + 1] = type.NS
    reply[at + 2] = 0
    reply[at + 3] = 1
    for (let k = 0; k < 4; k++) reply[at + 4 + k] = bytes[from + k]
    x.at = at + 10
    from = writeZoneName(x, from + 6, octets, bytes[from + 5] === 1, zoneOctets)
    writeU16(reply, at + 8, x.at - at - 10)
  }
  x.authorities += count
  return true
}

/** Writes a name, followed by the zone's if it is in the zone. */
function writeZoneName(x: QueryState, from: number, octets: number, inZone: boolean, zoneOctets: number): number {
  const { bytes } = x.view
  const { reply } = x
  for (let i = 0; i < octets; i++) reply[x.at + i] = bytes[from + i]
  x.at += octets
  if (inZone) writeSuffix(x, zoneOctets)
  return from + octets
}

export function writeTtl(reply: Uint8Array, at: number, ttl: number): void {
  reply[at] = ttl >> 24
  reply[at + 1] = ttl >> 16
  reply[at + 2] = ttl >> 8
  reply[at + 3] = ttl
}

/**
 * The request's header as a response, and its question if `question`: ID, RD, CD, AD, RA and TC are kept, AA and Z
 * cleared. Returns the length.
 */
export function writeRejection(x: QueryState, operation: number, code: number, question: boolean): number {
  const { request, reply, start, replyStart } = x
  const octets = question ? x.questionEnd - start : headerOctets
  for (let i = headerOctets; i < octets; i++) reply[replyStart + i] = request[start + i]
  reply[replyStart] = request[start]
  reply[replyStart + 1] = request[start + 1]
  reply[replyStart + 2] = 0x80 | (operation << 3) | (request[start + 2] & 0x03)
  reply[replyStart + 3] = (request[start + 3] & 0xb0) | code
  for (let i = 4; i < headerOctets; i++) reply[replyStart + i] = 0
  if (question) reply[replyStart + 5] = 1
  return octets
}

/** SERVFAIL for a message that is a header alone. RD and CD are copied for queries only. */
export function writeNoQuestion(x: QueryState): number {
  const operation = (x.request[x.start + 2] >> 3) & 15
  const length = writeRejection(x, operation, rcode.SERVFAIL, false)
  const { reply, replyStart } = x
  reply[replyStart + 2] &= operation === 0 ? 0xf9 : 0xf8
  reply[replyStart + 3] &= operation === 0 ? 0x1f : 0x0f
  return length
}

/** RFC 6891 §6.1.3, as CoreDNS writes it: the question, and an OPT of version 0 and size 0, without flags and options. */
export function writeBadVersion(x: QueryState): number {
  const { request, reply, start, replyStart } = x
  x.edns = false
  x.maxPayload = 0
  x.headerEffects = 0
  beginReply(x)
  for (let i = 0; i < optOctets; i++) reply[x.at + i] = 0
  reply[x.at + 2] = type.OPT
  reply[x.at + 5] = rcode.BADVERS >> 4
  x.at += optOctets
  x.additionals = 1
  const length = finishReply(x, rcode.BADVERS & 15, 0)
  reply[replyStart + 2] = 0x80 | (request[start + 2] & 1)
  return length
}
