/** The rules of a space: what is decided by name, type and client address before names are looked up. */
import { ANY_CLIENT, rule, ruleAction, ruleNames, rules, textPlace } from '../table/layout.ts'
import type { NameKey } from '../table/name-key.ts'
import type { QueryState } from './query-state.ts'

/** Results of `decide` other than a rule's offset. */
export const UNDECIDED = 0
export const LEFT_TO_CHAIN = -1
/** Compiled answers have no signatures, but a cached reply may. */
export const LEFT_TO_CACHE = -2

/**
 * The offset of the `reply` rule that decides the question, or UNDECIDED, LEFT_TO_CHAIN or LEFT_TO_CACHE. `block`: offset
 * of the rules.
 */
export function decide(x: QueryState, block: number): number {
  const { words } = x.view
  const end = words[(block + rules.missingFromAt) >> 2]
  for (let number = 0; number < end; ) {
    const at = block + rules.listAt + number * rules.ruleBytes
    const action = words[(at + rule.zoneOctetsAt) >> 2] >>> 24
    if ((action === ruleAction.signed && !x.dnssecOk) || !fits(x, block, at)) {
      number++
      continue
    }
    if (words[(at + rule.networksAt) >> 2] !== ANY_CLIENT) {
      if (x.clientFamily === 0) return LEFT_TO_CHAIN
      if (!isFromOneOf(x, block, at)) {
        number++
        continue
      }
    }
    if (action === ruleAction.chain) return LEFT_TO_CHAIN
    if (action === ruleAction.signed) return LEFT_TO_CACHE
    if (action === ruleAction.reply) return isException(x, block, words[(at + rule.exceptionsAt) >> 2]) ? UNDECIDED : at
    number = words[(at + rule.resultAt) >> 2]
  }
  return UNDECIDED
}

/** Whether a name that the table would deny must be left to the chain. */
export function mayBeClaimed(x: QueryState, block: number): boolean {
  const { words } = x.view
  return fitsOne(x, block, words[(block + rules.missingFromAt) >> 2], words[(block + rules.missingEndAt) >> 2])
}

/** `range`: the first rule + the number of rules × 65,536. */
function isException(x: QueryState, block: number, range: number): boolean {
  const from = range & 0xffff
  return fitsOne(x, block, from, from + (range >>> 16))
}

function fitsOne(x: QueryState, block: number, from: number, end: number): boolean {
  for (let number = from; number < end; number++) {
    if (fits(x, block, block + rules.listAt + number * rules.ruleBytes)) return true
  }
  return false
}

function fits(x: QueryState, block: number, at: number): boolean {
  return hasType(x, block, at) && isInZone(x, block, at) && hasTexts(x, block, at)
}

function hasType({ view: { bytes, words }, type }: QueryState, block: number, at: number): boolean {
  const types = words[(at + rule.typesAt) >> 2] & 0xffff
  if (types === 0) return true
  const list = block + words[(at + rule.typeListAt) >> 2]
  for (let i = 0; i < types; i++) if ((bytes[list + 2 * i] | (bytes[list + 2 * i + 1] << 8)) === type) return true
  return false
}

function isInZone({ key, view: { bytes, words } }: QueryState, block: number, at: number): boolean {
  const facts = words[(at + rule.zoneOctetsAt) >> 2]
  const label = key.labels - ((facts >>> 8) & 0xff)
  if (label < 0 || key.hashes[label] !== words[(at + rule.hashAt) >> 2]) return false
  const names = (facts >>> 16) & 0xff
  if (names !== ruleNames.zone && (names === ruleNames.apex) !== (label === 0)) return false
  const octets = facts & 0xff
  const start = key.starts[label]
  if (key.length - start !== octets) return false
  const zone = block + words[(at + rule.zoneAt) >> 2]
  for (let i = octets - 1; i >= 0; i--) if (bytes[zone + i] !== key.octets[start + i]) return false
  return true
}

function isFromOneOf({ client, clientAt, clientFamily, view }: QueryState, block: number, at: number): boolean {
  const { bytes, words } = view
  const networks = words[(at + rule.networksAt) >> 2]
  let list = block + words[(at + rule.networkListAt) >> 2]
  for (let i = 0; i < networks; i++) {
    const family = bytes[list]
    if (family === clientFamily && hasPrefix(client, clientAt, bytes, list + 2, bytes[list + 1])) return true
    list += 2 + (family === 4 ? 4 : 16)
  }
  return false
}

function hasPrefix(address: Uint8Array, from: number, bytes: Uint8Array, prefix: number, bits: number): boolean {
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (address[from + i] !== bytes[prefix + i]) return false
  const left = bits & 7
  return left === 0 || (address[from + whole] ^ bytes[prefix + whole]) >> (8 - left) === 0
}

function hasTexts(x: QueryState, block: number, at: number): boolean {
  const { bytes, words } = x.view
  // The pattern sees the escaped form, which the octets do not show: assume a match.
  if (x.key.hasEscapes) return true
  const texts = words[(at + rule.typesAt) >> 2] >>> 16
  let list = block + words[(at + rule.textListAt) >> 2]
  for (let i = 0; i < texts; i++) {
    const octets = bytes[list + 1]
    if (!hasText(x.key, bytes[list], bytes, list + 2, octets)) return false
    list += 2 + octets
  }
  return true
}

const DOT = 0x2e

/**
 * Whether the name in presentation form contains the text. The form is never built: a dot of the text corresponds to the
 * length octet of the next label, so a text with dots can begin at one position of each label only, and most labels are
 * ruled out by one comparison.
 */
function hasText(key: NameKey, place: number, bytes: Uint8Array, from: number, octets: number): boolean {
  const { labels, starts } = key
  if (labels === 0) return octets === 1 && bytes[from] === DOT
  // The presentation form begins with the second octet: the first is a label's length.
  const last = key.length - octets
  if (last < 1) return false
  if (place === textPlace.start) return isTextAt(key, 0, 1, bytes, from, octets)
  const dot = firstDot(bytes, from, octets)
  if (dot === octets) return place === textPlace.anywhere && hasTextInLabel(key, bytes, from, octets)
  for (let label = 0; label < labels; label++) {
    // The dot after this label corresponds to the start of the next one.
    const at = starts[label + 1] - dot
    if (at <= starts[label]) continue
    if (at > last) return false
    if (place === textPlace.end && at !== last) continue
    if (isTextAt(key, label, at, bytes, from, octets)) return true
  }
  return false
}

function firstDot(bytes: Uint8Array, from: number, octets: number): number {
  let at = 0
  while (at < octets && bytes[from + at] !== DOT) at++
  return at
}

/** `at`: where the text would begin, in the label or at its end. */
function isTextAt(
  { octets, starts }: NameKey,
  label: number,
  at: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): boolean {
  let next = starts[label + 1]
  for (let i = 0; i < length; i++, at++) {
    const wanted = bytes[from + i]
    if (at === next) {
      if (wanted !== DOT) return false
      next = starts[++label + 1]
    } else if (octets[at] !== wanted) return false
  }
  return true
}

/** For a text without dots. */
function hasTextInLabel({ labels, octets, starts }: NameKey, bytes: Uint8Array, from: number, length: number): boolean {
  const initial = bytes[from]
  for (let label = 0; label < labels; label++) {
    const last = starts[label + 1] - length
    for (let at = starts[label] + 1; at <= last; at++) {
      if (octets[at] !== initial) continue
      let i = 1
      while (i < length && octets[at + i] === bytes[from + i]) i++
      if (i >= length) return true
    }
  }
  return false
}
