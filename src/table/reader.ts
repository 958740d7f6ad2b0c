/** The reader's part: map the memory, and find the entry of a name. Nothing here allocates per call. */
import type { TableHandle } from './api.ts'
import { CACHED_KEY, cached, cell, EMPTY, entryOf, formatVersion, node, slotsHeaderWords, TOMBSTONE } from './layout.ts'
import { cachedSalt, cachedWord, finishHash, type NameKey, nodeWord } from './name-key.ts'

/** The memory as octets, 32-bit words and 64-bit floats. */
export interface TableView {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  readonly floats: Float64Array
}

/** Throws when the memory has another version of the format (threads of different builds). */
export function openTable(handle: TableHandle): TableView {
  const words = new Int32Array(handle.memory)
  if (words[cell.version] !== formatVersion) {
    throw new Error(`the answer table has format ${words[cell.version]}, this program reads format ${formatVersion}`)
  }
  return { bytes: new Uint8Array(handle.memory), words, floats: new Float64Array(handle.memory) }
}

/** The node of the name's suffix from `label` on, or 0. */
export function findNode(view: TableView, key: NameKey, label: number, space: number): number {
  const words = view.words
  const start = key.starts[label]
  const hash = finishHash(key.hashes[label], space, 0)
  const wanted = nodeWord(space, key.length - start)
  const header = Atomics.load(words, cell.slots)
  const mask = words[header]
  const first = header + slotsHeaderWords
  for (let i = hash & mask; ; i = (i + 1) & mask) {
    const slot = Atomics.load(words, first + i)
    if (slot === EMPTY) return 0
    // The slot holds the upper 6 bits of the hash: most other entries are excluded without accessing them.
    if ((slot ^ hash) >>> 26 !== 0 || slot === TOMBSTONE) continue
    const entry = entryOf(slot)
    const word = entry >> 2
    if (words[word] === hash && words[word + 1] === wanted && sameName(view, nodeNameAt(view, entry), key, start)) {
      return entry
    }
  }
}

/** The cached reply to a question for the whole name, expired or not, or 0. */
export function findCached(view: TableView, key: NameKey, space: number, type: number, keyFlags: number): number {
  const words = view.words
  const hash = finishHash(key.hashes[0], space, cachedSalt(type, keyFlags))
  const wanted = cachedWord(space, key.length)
  const header = Atomics.load(words, cell.slots)
  const mask = words[header]
  const first = header + slotsHeaderWords
  for (let i = hash & mask; ; i = (i + 1) & mask) {
    const slot = Atomics.load(words, first + i)
    if (slot === EMPTY) return 0
    if ((slot ^ hash) >>> 26 !== 0 || slot === TOMBSTONE) continue
    const entry = entryOf(slot)
    const word = entry >> 2
    if (words[word] !== hash || words[word + 1] !== wanted) continue
    if ((words[word + (cached.typeAt >> 2)] & 0xffff) !== type) continue
    if ((view.bytes[entry + cached.flagsAt] & CACHED_KEY) !== keyFlags) continue
    if (sameName(view, cachedNameAt(view, entry), key, 0)) return entry
  }
}

/** Where a node's name is: after its directory. */
function nodeNameAt(view: TableView, entry: number): number {
  return entry + node.directoryAt + view.bytes[entry + node.answersAt] * node.directoryBytes
}

/** Where a cached reply's name is: after its list of records. */
function cachedNameAt(view: TableView, entry: number): number {
  return entry + cached.listAt + (view.words[(entry + cached.typeAt) >> 2] >>> 16) * cached.recordBytes
}

/** Names in the table are aligned to words and padded with zeros; so is the key, but not a suffix inside it. */
function sameName(view: TableView, at: number, key: NameKey, start: number): boolean {
  if (start === 0) {
    const words = view.words
    const wanted = key.words
    const first = at >> 2
    for (let i = (key.length - 1) >> 2; i >= 0; i--) if (words[first + i] !== wanted[i]) return false
    return true
  }
  const bytes = view.bytes
  const octets = key.octets
  for (let i = key.length - start - 1; i >= 0; i--) if (bytes[at + i] !== octets[start + i]) return false
  return true
}
