/**
 * A name as the table looks it up: its octets in lower case, and the hash of each of its suffixes. Writer and readers both
 * create keys here, so their hashes agree.
 */
import { block, cell, entryWord } from './layout.ts'

export interface NameKey {
  /** The name in wire form, ASCII letters in lower case (RFC 4343), from 0; zeros up to the next word. */
  readonly octets: Uint8Array
  /** The same memory, four octets at a time. */
  readonly words: Int32Array
  /** Octets of the name, root included; 1 to 255. */
  length: number
  /** Labels without the root; 0 to 127. */
  labels: number
  /** Where the suffix that begins with label i starts; `starts[labels]` is the root's octet. */
  readonly starts: Uint8Array
  /** Whether the name's presentation form has an escape: see src/dns/name.ts. */
  hasEscapes: boolean
  /** Hash of the suffix that begins with label i, before the space is mixed in. */
  readonly hashes: Int32Array
  readonly seed: number
  readonly multiplier: number
}

const maxNameOctets = 255
const maxLabels = 127

/** Results of `readName` that are not a position. */
const MALFORMED = -1
export const COMPRESSED = -2

export function createNameKey(words: Int32Array): NameKey {
  const octets = new Uint8Array(maxNameOctets + 5)
  return {
    octets,
    words: new Int32Array(octets.buffer),
    length: 0,
    labels: 0,
    starts: new Uint8Array(maxLabels + 1),
    hasEscapes: false,
    hashes: new Int32Array(maxLabels + 1),
    seed: words[cell.seed],
    multiplier: words[cell.multiplier],
  }
}

const ESCAPED = 256
/** Octets of labels in lower case, marked ESCAPED if their presentation form is an escape (RFC 1035 §5.1). */
const folded = Uint16Array.from({ length: 256 }, (_, octet) => {
  const isPlain = octet > 0x20 && octet < 0x7f && !'.\'@;()"\\'.includes(String.fromCharCode(octet))
  if (!isPlain) return octet | ESCAPED
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
})

/**
 * Reads the uncompressed name at `bytes[from]`, which must end before `end`, into `key`. Returns the position after it,
 * MALFORMED (beyond the end, over 255 octets, or an unknown label type), or COMPRESSED if it has a pointer.
 */
export function readName(key: NameKey, bytes: Uint8Array, from: number, end: number): number {
  const { octets, starts, hashes, multiplier } = key
  let at = from
  let labels = 0
  for (;;) {
    if (at >= end) return MALFORMED
    const length = bytes[at]
    if (length === 0) break
    if (length > 63) return length >= 0xc0 ? COMPRESSED : MALFORMED
    starts[labels++] = at - from
    at += length + 1
    // RFC 1035 §2.3.4: at most 255 octets including the root, whose position is therefore at most 254.
    if (at - from >= maxNameOctets) return MALFORMED
  }
  const last = at - from
  starts[labels] = last
  // The root octet, and padding of up to three.
  octets[last] = 0
  octets[last + 1] = 0
  octets[last + 2] = 0
  octets[last + 3] = 0
  key.labels = labels
  key.length = last + 1
  let hash = key.seed
  hashes[labels] = hash
  let offset = last - 1
  let seen = 0
  for (let label = labels - 1; label >= 0; label--) {
    for (const start = starts[label]; offset > start; offset--) {
      const octet = folded[bytes[from + offset]]
      seen |= octet
      octets[offset] = octet
      hash = Math.imul(hash ^ (octet & 0xff), multiplier)
    }
    // The label's length.
    const octet = bytes[from + offset]
    octets[offset--] = octet
    hash = Math.imul(hash ^ octet, multiplier)
    hash ^= hash >>> 15
    hashes[label] = hash
  }
  key.hasEscapes = (seen & ESCAPED) !== 0
  return at + 1
}

/** The hash of a space's name as slots and entries keep it; `salt` separates cached replies from each other and from nodes. */
export function finishHash(nameHash: number, space: number, salt: number): number {
  let hash = nameHash ^ Math.imul(space + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca77)
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return hash ^ (hash >>> 16)
}

/** The salt of a cached reply's key; nodes have 0. */
export const cachedSalt = (type: number, keyFlags: number): number => (type << 2) | keyFlags | 0x40000

/** Words 1 of the entries that the suffix from `label` on could have. */
export const nodeWord = (space: number, nameLength: number): number => entryWord(space, block.node, nameLength)
export const cachedWord = (space: number, nameLength: number): number => entryWord(space, block.cached, nameLength)
