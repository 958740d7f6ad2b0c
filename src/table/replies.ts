/** Cached replies as entries: encoding a reply, and the order and limits of eviction. Writer only. */
import { type } from '../dns/codes.ts'
import type { CachedEntry } from './api.ts'
import { block, cached, cachedFlag, entryWord } from './layout.ts'
import type { NameKey } from './name-key.ts'
import type { TableView } from './reader.ts'
import { align, createScratch, putBytes, putU8, putU16, putU32, reserve } from './scratch.ts'

export interface ReplyFacts {
  readonly key: NameKey
  readonly hash: number
  readonly space: number
  readonly profileId: number
  readonly now: number
}

/** One record of a reply, as positions in the message. */
interface RecordPlace {
  readonly recordType: number
  readonly start: number
  readonly ttlAt: number
  /** An address record whose owner is a pointer: it may stand anywhere in its section. */
  readonly movable: boolean
  readonly next: number
}

const scratch = createScratch()

/**
 * The entry's image, valid until the next call, or undefined when the reply cannot be repeated: it is malformed, truncated
 * (TC), has an OPT, or belongs to another question.
 */
export function encodeReply(facts: ReplyFacts, entry: CachedEntry): Uint8Array | undefined {
  const { reply } = entry
  const { key } = facts
  const body = 12 + key.length + 4
  if (reply.length < body || reply[2] & 2 || u16(reply, 4) !== 1 || !asks(reply, key, entry.type)) return undefined
  const counts = [u16(reply, 6), u16(reply, 8), u16(reply, 10)]
  const places: RecordPlace[] = []
  let at = body
  for (let left = counts[0] + counts[1] + counts[2]; left > 0; left--) {
    const place = recordAt(reply, at)
    if (!place) return undefined
    places.push(place)
    at = place.next
  }
  const rcode = reply[3] & 15
  const denial = entry.denial ?? (rcode !== 0 || counts[0] === 0)

  scratch.at = 0
  reserve(scratch, cached.listAt + places.length * cached.recordBytes + key.length + 4)
  putU32(scratch, facts.hash)
  putU32(scratch, entryWord(facts.space, block.cached, key.length))
  putU16(scratch, facts.profileId)
  const hasSoa = places.slice(counts[0], counts[0] + counts[1]).some(({ recordType }) => recordType === type.SOA)
  const ofReply = replyFlags(entry, denial) | (hasSoa ? cachedFlag.soa : 0)
  putU8(scratch, keyFlags(entry.dnssecOk, entry.checkingDisabled) | ofReply)
  putU8(scratch, rcode)
  putU16(scratch, entry.type)
  putU16(scratch, places.length)
  scratch.view.setFloat64(cached.storedAt, entry.storedAt ?? facts.now, true)
  scratch.view.setFloat64(cached.expiresAt, entry.expiresAt, true)
  scratch.at = cached.answersAt
  for (const count of counts) putU16(scratch, count)
  putU16(scratch, Math.min(Math.max((entry.octets ?? 0) - reply.length, 0), 0xffff))
  const firstAdditional = counts[0] + counts[1]
  putU16(scratch, movableRun(places, 0, counts[0]))
  putU16(scratch, counts[0])
  putU16(scratch, movableRun(places, firstAdditional, places.length))
  putU16(scratch, places.length)
  const bodyAt = (cached.listAt + places.length * cached.recordBytes + key.length + 3) & ~3
  putU32(scratch, bodyAt)
  putU32(scratch, at - body)
  putU32(scratch, 0)
  putU32(scratch, 0)
  for (const place of places) {
    putU16(scratch, place.start - body)
    putU16(scratch, place.ttlAt - body)
  }
  putBytes(scratch, key.octets.subarray(0, key.length))
  align(scratch)
  putBytes(scratch, reply.subarray(body, at))
  return scratch.bytes.subarray(0, scratch.at)
}

export function keyFlags(dnssecOk: boolean, checkingDisabled: boolean): number {
  return (dnssecOk ? cachedFlag.dnssecOk : 0) | (checkingDisabled ? cachedFlag.checkingDisabled : 0)
}

function replyFlags(entry: CachedEntry, denial: boolean): number {
  return (
    (entry.reply[2] & 0x04 ? cachedFlag.authoritative : 0) |
    (entry.reply[3] & 0x80 ? cachedFlag.recursionAvailable : 0) |
    (entry.authenticData ? cachedFlag.authenticData : 0) |
    (entry.keepTtl ? cachedFlag.keepTtl : 0) |
    (denial ? cachedFlag.denial : 0)
  )
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] << 8) | bytes[at + 1]

function asks(reply: Uint8Array, key: NameKey, recordType: number): boolean {
  for (let i = 0; i < key.length; i++) {
    const octet = reply[12 + i]
    if ((octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet) !== key.octets[i]) return false
  }
  return u16(reply, 12 + key.length) === recordType && u16(reply, 14 + key.length) === 1
}

function recordAt(reply: Uint8Array, start: number): RecordPlace | undefined {
  let at = start
  while (at < reply.length && reply[at] > 0 && reply[at] < 0x40) at += reply[at] + 1
  const pointer = reply[at] >= 0xc0
  at += pointer ? 2 : 1
  if (at + 10 > reply.length) return undefined
  const next = at + 10 + u16(reply, at + 8)
  const recordType = u16(reply, at)
  if (next > reply.length || recordType === type.OPT) return undefined
  const movable = pointer && at === start + 2 && (recordType === type.A || recordType === type.AAAA)
  return { recordType, start, ttlAt: at + 4, movable, next }
}

function movableRun(places: readonly RecordPlace[], from: number, to: number): number {
  let start = to
  while (start > from && places[start - 1].movable) start--
  return start
}

/** The order of eviction, kept in the entries themselves: oldest first. */
export interface Eviction {
  add(entry: number): void
  remove(entry: number): void
  /** The entry to evict first, or 0. */
  oldest(): number
  entries(): number
  bytes(): number
}

export function createEviction({ words }: TableView, sizeOf: (entry: number) => number): Eviction {
  let oldest = 0
  let newest = 0
  let entries = 0
  let bytes = 0
  const olderOf = (entry: number): number => (entry + cached.olderAt) >> 2
  const newerOf = (entry: number): number => (entry + cached.newerAt) >> 2
  return {
    add(entry) {
      words[olderOf(entry)] = newest
      words[newerOf(entry)] = 0
      if (newest !== 0) words[newerOf(newest)] = entry
      else oldest = entry
      newest = entry
      entries++
      bytes += sizeOf(entry)
    },
    remove(entry) {
      const older = words[olderOf(entry)]
      const newer = words[newerOf(entry)]
      if (older !== 0) words[newerOf(older)] = newer
      else oldest = newer
      if (newer !== 0) words[olderOf(newer)] = older
      else newest = older
      entries--
      bytes -= sizeOf(entry)
    },
    oldest: () => oldest,
    entries: () => entries,
    bytes: () => bytes,
  }
}
