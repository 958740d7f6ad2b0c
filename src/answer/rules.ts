/** The rules of a space: what is decided by name, type and client's address before its names are looked up. */
import { ANY_CLIENT, rule, ruleAction, ruleNames, rules, textPlace } from '../table/layout.ts'
import type { QueryState } from './query-state.ts'

/** Results of `decide` that are no rule. */
export const UNDECIDED = 0
export const LEFT_TO_CHAIN = -1

/**
 * The offset of the `reply` rule that decides the question, UNDECIDED, or LEFT_TO_CHAIN. `block`: offset of the rules.
 */
export function decide(x: QueryState, block: number): number {
  const { words } = x.view
  const end = words[(block + rules.missingFromAt) >> 2]
  for (let number = 0; number < end; ) {
    const at = block + rules.listAt + number * rules.ruleBytes
    if (!fits(x, block, at)) {
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
    const action = words[(at + rule.zoneOctetsAt) >> 2] >>> 24
    if (action === ruleAction.chain) return LEFT_TO_CHAIN
    if (action === ruleAction.reply) return isException(x, block, words[(at + rule.exceptionsAt) >> 2]) ? UNDECIDED : at
    number = words[(at + rule.resultAt) >> 2]
  }
  return UNDECIDED
}

/** Whether the chain must be asked where the table would deny the name. */
export function mayBeClaimed(x: QueryState, block: number): boolean {
  const { words } = x.view
  return fitsOne(x, block, words[(block + rules.missingFromAt) >> 2], words[(block + rules.missingEndAt) >> 2])
}

/** `range`: the first rule, and their number × 65,536. */
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

/** The name of the question as it is written, where no octet of it is written with an escape. */
const text = new Uint8Array(256)

function hasTexts(x: QueryState, block: number, at: number): boolean {
  const { bytes, words } = x.view
  const texts = words[(at + rule.typesAt) >> 2] >>> 16
  if (texts === 0) return true
  if (x.textLength < 0) x.textLength = writeText(x)
  // What is written with an escape can match in ways that its octets do not show.
  if (x.textLength === 0) return true
  let list = block + words[(at + rule.textListAt) >> 2]
  for (let i = 0; i < texts; i++) {
    const octets = bytes[list + 1]
    if (!hasText(x.textLength, bytes[list], bytes, list + 2, octets)) return false
    list += 2 + octets
  }
  return true
}

/** Returns its length, or 0 where an octet needs an escape. */
function writeText({ key: { labels, length, octets, starts } }: QueryState): number {
  if (labels === 0) {
    text[0] = DOT
    return 1
  }
  let escaped = 0
  for (let label = 0; label < labels; label++) {
    const end = starts[label + 1]
    for (let i = starts[label] + 1; i < end; i++) {
      const octet = octets[i]
      text[i - 1] = octet
      escaped |= isEscaped[octet]
    }
    text[end - 1] = DOT
  }
  if (escaped !== 0) return 0
  return length - 1
}

const DOT = 0x2e
/** Octets that are not written as they are (RFC 1035 §5.1), as names are spelled: see src/dns/name.ts. */
const isEscaped = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet > 0x20 && octet < 0x7f && !'.\'@;()"\\'.includes(String.fromCharCode(octet)) ? 0 : 1,
)

function hasText(length: number, place: number, bytes: Uint8Array, from: number, octets: number): boolean {
  const last = length - octets
  if (last < 0) return false
  const first = place === textPlace.end ? last : 0
  const end = place === textPlace.start ? 0 : last
  const initial = bytes[from]
  for (let start = first; start <= end; start++) {
    if (text[start] !== initial) continue
    let i = 1
    while (i < octets && text[start + i] === bytes[from + i]) i++
    if (i >= octets) return true
  }
  return false
}
