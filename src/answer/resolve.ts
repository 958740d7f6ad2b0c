/**
 * From a question to the table's answer. A compiled node decides; where it leaves the type to the chain, or the table
 * does not have the name, a cached reply may answer; otherwise the question is a miss.
 */
import { rcode, type } from '../dns/codes.ts'
import { infoCode, staleCode } from '../dns/extended-error.ts'
import {
  answerKind,
  CLOSED,
  EXPLAINED,
  HEADER_EFFECTS,
  MINIMAL,
  NAME_SERVERS,
  node,
  OBSERVE_ANSWERS,
  OBSERVE_DENIALS,
  OWN_BLOCK,
  other,
  profileCell,
  RULE_DENIES,
  rule,
  rulesCell,
  SHUFFLE,
  STALE,
  soa,
  spaceCell,
  spaceIndex,
  variants,
  WITHOUT_DO,
  zone,
} from '../table/layout.ts'
import { findNode } from '../table/reader.ts'
import { answerFromCache } from './cached.ts'
import { missReason } from './misses.ts'
import { isInPrivateNetwork } from './private-network.ts'
import type { QueryState } from './query-state.ts'
import { writeAddresses, writeRecords, writeServices } from './records.ts'
import { decide, LEFT_TO_CACHE, LEFT_TO_CHAIN, mayBeClaimed, UNDECIDED } from './rules.ts'
import { below } from './sample.ts'
import { beginReply, finishReply, writeNameServers, writeSoa } from './write.ts'

/** The reply's length, or 0 for a miss with its reason in the query state. Order: rules, names, cached replies. */
export function resolve(x: QueryState, spaceNumber: number): number {
  if (Atomics.load(x.view.words, spaceCell(spaceNumber)) !== spaceNumber + 1) return missed(x, missReason.space)
  const space = spaceIndex(spaceNumber)
  x.missReason = missReason.none
  if (isUnusual(x.type)) return missed(x, missReason.unusual)
  const rules = Atomics.load(x.view.words, rulesCell(spaceNumber))
  if (rules !== 0) {
    const decided = decide(x, rules)
    if (decided === LEFT_TO_CHAIN) return missed(x, missReason.rule)
    if (decided === LEFT_TO_CACHE) return onlyFromCache(x, space)
    if (decided !== UNDECIDED) return replyByRule(x, rules, decided)
  }
  const length = answerFromNodes(x, space)
  if (length > 0 || x.missReason === missReason.unusual || x.missReason === missReason.large) return length
  return answerFromCache(x, space, chooseProfile)
}

/** Only a cached reply may answer. Otherwise the plugins do: the relay must not pass the question on. */
function onlyFromCache(x: QueryState, space: number): number {
  const length = answerFromCache(x, space, chooseProfile)
  return length > 0 ? length : missed(x, missReason.rule)
}

function missed(x: QueryState, reason: number): number {
  x.missReason = reason
  return 0
}

/** Types whose answer is not the name's own (DS), or that plugins answer whatever the name (transfers). */
function isUnusual(asked: number): boolean {
  return asked === type.DS || asked === type.AXFR || asked === type.IXFR
}

function answerFromNodes(x: QueryState, space: number): number {
  const { key, view } = x
  const exact = findNode(view, key, 0, space)
  if (exact !== 0) return answerFromNode(x, exact)
  for (let label = 1; label <= key.labels; label++) {
    const encloser = findNode(view, key, label, space)
    if (encloser === 0) continue
    x.labelsBelow = label
    return denyBelow(x, encloser)
  }
  return missed(x, missReason.name)
}

/** The profile of a reply decides how it is written and counted. */
function chooseProfile(x: QueryState, entry: number): void {
  useProfile(x, x.view.words[(entry + node.profileAt) >> 2] & 0xffff)
}

function useProfile(x: QueryState, number: number): void {
  const effects = x.view.words[profileCell(number)]
  x.profileId = number
  x.shuffle = (effects & SHUFFLE) !== 0
  x.minimal = (effects & MINIMAL) !== 0
  x.headerEffects = effects & HEADER_EFFECTS
  x.maxPayload = effects & 0xffff
  x.observe = effects & (OBSERVE_ANSWERS | OBSERVE_DENIALS)
}

/** The constant reply of a rule. Types that are not data types (RFC 6895 §3.1), ANY included, are left to the plugins. */
function replyByRule(x: QueryState, rules: number, at: number): number {
  if (x.type >= firstMetaType && x.type <= type.ANY) return missed(x, missReason.unusual)
  const { words } = x.view
  const result = words[(at + rule.resultAt) >> 2]
  useProfile(x, result & 0xffff)
  beginReply(x)
  if (!writeRecords(x, rules + words[(at + rule.bodyAt) >> 2])) return missed(x, missReason.large)
  x.denial = (result & RULE_DENIES) !== 0
  return finishReply(x, (result >>> 16) & 15, 0)
}

const firstMetaType = 128

function answerFromNode(x: QueryState, entry: number): number {
  const { bytes, words } = x.view
  const { type: asked } = x
  if (x.dnssecOk && isWithoutDo(x, entry)) return missed(x, missReason.chain)
  const answers = bytes[entry + node.answersAt]
  for (let i = 0; i < answers; i++) {
    const word = words[(entry + node.directoryAt + i * node.directoryBytes) >> 2]
    if ((word & 0xffff) !== asked) continue
    const place = words[(entry + node.directoryAt + i * node.directoryBytes + 4) >> 2]
    return answerOfKind(x, entry, (word >>> 16) & 0xff, word >>> 24, place)
  }
  // RFC 8482: ANY is left to a plugin (`any`), unless the compiler stored an answer.
  if (asked === type.ANY) return missed(x, missReason.unusual)
  const rest = bytes[entry + node.flagsAt] & 3
  if (rest === other.nodata) return deny(x, entry, rcode.NOERROR)
  return rest === other.nxdomain ? deny(x, entry, rcode.NXDOMAIN) : missed(x, missReason.chain)
}

function answerOfKind(x: QueryState, entry: number, kind: number, flags: number, place: number): number {
  if (kind < answerKind.soa) {
    if (kind === answerKind.nodata) return deny(x, entry, rcode.NOERROR)
    if (kind === answerKind.nxdomain) return deny(x, entry, rcode.NXDOMAIN)
    return missed(x, missReason.chain)
  }
  chooseProfile(x, entry)
  beginReply(x)
  if (x.edns && (x.view.bytes[entry + node.flagsAt] & STALE) !== 0) x.staleCode = infoCode.staleAnswer
  if (flags & NAME_SERVERS && !x.minimal) useNameServers(x, entry)
  if (kind === answerKind.soa) return answerSoa(x, entry)
  const body = (flags & OWN_BLOCK ? 0 : entry) + place
  const written = kind === answerKind.variants ? writeVariant(x, entry, body) : writeBody(x, entry, kind, body)
  return written ? finishReply(x, rcode.NOERROR, 0) : missed(x, missReason.large)
}

function writeBody(x: QueryState, entry: number, kind: number, body: number): boolean {
  if (kind === answerKind.addresses) return writeAddresses(x, body)
  if (kind === answerKind.records) return writeRecords(x, body)
  const { words } = x.view
  return writeServices(x, body, words[(words[(entry + node.zoneAt) >> 2] + zone.lengthAt) >> 2])
}

/**
 * One of several answers, selected by weight. TC is not set when some of its addresses do not fit: a client that retried
 * over TCP might get another backend, and backends with many addresses would get less than their share.
 */
function writeVariant(x: QueryState, entry: number, body: number): boolean {
  const { words } = x.view
  const draw = below(x.sampler, words[(body + variants.totalAt) >> 2] >>> 0)
  let word = (body + variants.listAt) >> 2
  while (words[word] >>> 0 <= draw) word += variants.variantBytes >> 2
  const kind = words[word + 1]
  x.isVariant = true
  x.picked = kind >>> 16
  return writeBody(x, entry, kind & 0xff, words[word + 2] + (kind & 256 ? 0 : entry))
}

/** Makes the NS records of the entry's zone, from one version of it, the authority section. */
function useNameServers(x: QueryState, entry: number): void {
  x.nameServersZone = x.view.words[(entry + node.zoneAt) >> 2]
  x.nameServersSoa = soaOf(x, x.nameServersZone)
}

const isWithoutDo = ({ view }: QueryState, entry: number): boolean =>
  (view.bytes[entry + node.flagsAt] & WITHOUT_DO) !== 0

/** The current SOA of an entry's zone. Read with Atomics, because it may be swapped meanwhile. */
function soaOf(x: QueryState, zoneAt: number): number {
  return Atomics.load(x.view.words, (zoneAt + zone.soaAt) >> 2)
}

/** NODATA or NXDOMAIN with the SOA of the entry's zone (RFC 2308 §2); the entry is the name's own or one above it. */
function deny(x: QueryState, entry: number, code: number): number {
  const { words } = x.view
  const zoneAt = words[(entry + node.zoneAt) >> 2]
  const soaAt = soaOf(x, zoneAt)
  if (code === rcode.NXDOMAIN && words[(soaAt + soa.openAt) >> 2] !== 0) return missed(x, missReason.unsynced)
  const flags = x.edns ? x.view.bytes[entry + node.flagsAt] : 0
  const isExplained = (flags & EXPLAINED) !== 0
  // Over a connection only the chain knows the client.
  if (isExplained && x.clientFamily === 0) return missed(x, missReason.chain)
  chooseProfile(x, entry)
  beginReply(x)
  if (!writeSoa(x, soaAt, zoneAt)) return missed(x, missReason.large)
  if (isExplained && isInPrivateNetwork(x.client, x.clientAt, x.clientFamily)) x.explanationAt = explanationOf(x, entry)
  if ((flags & STALE) !== 0) x.staleCode = staleCode(code)
  x.authorities = 1
  x.denial = true
  return finishReply(x, code, 0)
}

/** The body of the first directory entry of an EXPLAINED entry. */
function explanationOf(x: QueryState, entry: number): number {
  return entry + x.view.words[(entry + node.directoryAt + 4) >> 2]
}

function answerSoa(x: QueryState, entry: number): number {
  const zoneAt = x.view.words[(entry + node.zoneAt) >> 2]
  if (!writeSoa(x, soaOf(x, zoneAt), zoneAt)) return missed(x, missReason.large)
  x.answers = 1
  if (!writeNameServers(x)) return missed(x, missReason.large)
  return finishReply(x, rcode.NOERROR, 0)
}

/**
 * The name does not exist if the closest name above it is closed and no rule leaves it to the chain. SOA is left to the
 * chain, because Kubernetes zones answer NODATA for names that do not exist; ANY is left to it because of the plugin `any`.
 */
function denyBelow(x: QueryState, encloser: number): number {
  const { bytes, words } = x.view
  if ((bytes[encloser + node.flagsAt] & CLOSED) === 0) return missed(x, missReason.open)
  if (x.dnssecOk && isWithoutDo(x, encloser)) return missed(x, missReason.chain)
  const rules = Atomics.load(words, rulesCell(x.space))
  if (rules !== 0 && mayBeClaimed(x, rules)) return missed(x, missReason.open)
  if (x.type === type.SOA || x.type === type.ANY) return missed(x, missReason.unusual)
  return deny(x, encloser, rcode.NXDOMAIN)
}
