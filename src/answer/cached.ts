/** Cached replies, repeated: question and header are the client's, TTLs have aged, addresses go in random order. */
import { rcode } from '../dns/codes.ts'
import { CACHED_KEY, CLEAR_AA, cached, cachedFlag } from '../table/layout.ts'
import { findCached } from '../table/reader.ts'
import { missReason } from './misses.ts'
import type { QueryState } from './query-state.ts'
import { drawNext, undoDraws } from './sample.ts'
import { beginReply, finishReply, writeTtl } from './write.ts'

/**
 * Returns the reply's length, or 0 with the reason in the query state when no reply is cached, or the cached one has
 * expired, is a failure, or cannot be truncated here. `chooseProfile` sets the profile of the entry.
 */
export function answerFromCache(
  x: QueryState,
  space: number,
  chooseProfile: (x: QueryState, entry: number) => void,
): number {
  const { request, start, view } = x
  const checkingDisabled = (request[start + 3] & 0x10) !== 0
  const flags = (x.dnssecOk ? cachedFlag.dnssecOk : 0) | (checkingDisabled ? cachedFlag.checkingDisabled : 0)
  const entry = findCached(view, x.key, space, x.type, flags & CACHED_KEY)
  if (entry === 0) return 0
  if (x.now >= view.floats[(entry + cached.expiresAt) >> 3]) {
    x.missReason = missReason.expired
    return 0
  }
  const code = view.bytes[entry + cached.rcodeAt]
  if (code === rcode.SERVFAIL || code === rcode.NOTIMP) {
    x.missReason = missReason.failure
    return 0
  }
  chooseProfile(x, entry)
  beginReply(x)
  if (!writeCachedRecords(x, entry)) {
    x.missReason = missReason.large
    return 0
  }
  const stored = view.bytes[entry + cached.flagsAt]
  x.denial = (stored & cachedFlag.soa) !== 0 && (code === rcode.NXDOMAIN || isEmpty(x, entry))
  x.uncutOctets = x.questionEnd - start + storedOctets(x, entry)
  x.cacheHit = stored & cachedFlag.denial ? 2 : 1
  // AD is set for clients that understand it (RFC 6840 §5.7): DO or AD in the request.
  const authentic = (stored & cachedFlag.authenticData) !== 0 && (x.dnssecOk || (request[start + 3] & 0x20) !== 0)
  const low = (stored & cachedFlag.recursionAvailable ? 0x80 : 0) | (authentic ? 0x20 : 0)
  // AA is that of the cached reply.
  if ((stored & cachedFlag.authoritative) === 0) x.headerEffects |= CLEAR_AA
  return finishReply(x, code, low)
}

/** Whether the answer section as stored is empty. The written one may be empty because nothing fitted. */
function isEmpty({ view: { words } }: QueryState, entry: number): boolean {
  return (words[(entry + cached.answersAt) >> 2] & 0xffff) === 0
}

/** Octets that follow the question, without compression. */
function storedOctets({ view: { words } }: QueryState, entry: number): number {
  return words[(entry + cached.bodyLengthAt) >> 2] + (words[(entry + cached.additionalsAt) >> 2] >>> 16)
}

function writeCachedRecords(x: QueryState, entry: number): boolean {
  const { bytes } = x.view
  const u16 = (at: number): number => bytes[entry + at] | (bytes[entry + at + 1] << 8)
  const answers = u16(cached.answersAt)
  const authorities = u16(cached.authoritiesAt)
  const additionals = u16(cached.additionalsAt)
  x.answers = writeSection(x, entry, 0, answers, u16(cached.answerRunAt))
  if (x.answers === answers) {
    const both = answers + authorities
    x.authorities = writeSection(x, entry, answers, both, both)
    if (x.authorities === authorities) {
      x.additionals = writeSection(x, entry, both, both + additionals, u16(cached.additionalRunAt))
    }
  }
  x.truncated = x.answers + x.authorities + x.additionals < answers + authorities + additionals
  return !(x.truncated && x.cramped)
}

/** Writes records [from, to), those from `run` on in random order if the profile shuffles; returns how many fitted. */
function writeSection(x: QueryState, entry: number, from: number, to: number, run: number): number {
  const { sampler } = x
  const length = to - run
  const shuffle = x.shuffle && length > 1
  let i = from
  for (; i < to; i++) {
    const chosen = shuffle && i >= run ? run + drawNext(sampler, i - run, length) : i
    if (!writeRecord(x, entry, chosen)) break
  }
  if (shuffle && i >= run) undoDraws(sampler, (i < to ? i + 1 : i) - run)
  return i - from
}

function writeRecord(x: QueryState, entry: number, i: number): boolean {
  const { reply, view } = x
  const { bytes, words } = view
  const count = words[(entry + cached.typeAt) >> 2] >>> 16
  const place = (entry + cached.listAt + i * cached.recordBytes) >> 2
  const start = words[place] & 0xffff
  const end = i + 1 < count ? words[place + 1] & 0xffff : words[(entry + cached.bodyLengthAt) >> 2]
  if (x.at + end - start > x.limit) return false
  const from = entry + words[(entry + cached.bodyAt) >> 2]
  const begin = x.at
  for (let k = start; k < end; k++) reply[x.at++] = bytes[from + k]
  const ttlAt = begin + (words[place] >>> 16) - start
  writeTtl(reply, ttlAt, agedTtl(x, entry, reply, ttlAt))
  return true
}

/** Stored minus elapsed, whole seconds, never below 0. The TTL as stored is in the reply already. */
function agedTtl(x: QueryState, entry: number, reply: Uint8Array, at: number): number {
  const ttl = ((reply[at] << 24) | (reply[at + 1] << 16) | (reply[at + 2] << 8) | reply[at + 3]) >>> 0
  const { bytes, floats } = x.view
  if (bytes[entry + cached.flagsAt] & cachedFlag.keepTtl) return ttl
  const elapsed = Math.floor((x.now - floats[(entry + cached.storedAt) >> 3]) / 1000)
  if (elapsed <= 0) return ttl
  return elapsed < ttl ? ttl - elapsed : 0
}
