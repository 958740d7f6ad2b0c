/**
 * Shares equal strings: namespaces, service names, port names and zones repeat thousands of times in a cluster, and a re-list
 * decodes all of them again. The table has a fixed size, and a new string replaces the one in its slot.
 */
export interface StringTable {
  /** The text of UTF-8 `bytes[start, end)`. */
  read(bytes: Uint8Array, start: number, end: number): string
  /** `text`, or an equal string seen before. */
  share(text: string): string
}

/** A power of two. 16,384 slots hold the names of a cluster at the size of the budget in 128 KiB. */
const slots = 16_384
/** Longer strings (annotation values) are not shared. */
const longestShared = 64

const decoder = new TextDecoder('utf-8')

export function createStringTable(): StringTable {
  const table: (string | undefined)[] = new Array(slots).fill(undefined)

  const read = (bytes: Uint8Array, start: number, end: number): string => {
    const length = end - start
    if (length === 0) return ''
    if (length > longestShared) return decoder.decode(bytes.subarray(start, end))
    let hash = 0x811c9dc5
    let high = 0
    for (let i = start; i < end; i++) {
      const c = bytes[i]
      hash = Math.imul(hash ^ c, 0x01000193)
      high |= c
    }
    if (high > 0x7f) return decoder.decode(bytes.subarray(start, end))
    const slot = (hash ^ (hash >>> 15)) & (slots - 1)
    const known = table[slot]
    if (known !== undefined && equals(known, bytes, start, length)) return known
    const text = asciiText(bytes, start, end)
    table[slot] = text
    return text
  }

  const share = (text: string): string => {
    if (text.length === 0 || text.length > longestShared) return text
    let hash = 0x811c9dc5
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i)
      if (c > 0x7f) return text
      hash = Math.imul(hash ^ c, 0x01000193)
    }
    const slot = (hash ^ (hash >>> 15)) & (slots - 1)
    const known = table[slot]
    if (known === text) return known
    table[slot] = text
    return text
  }

  return { read, share }
}

function equals(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false
  for (let i = 0; i < length; i++) {
    if (text.charCodeAt(i) !== bytes[start + i]) return false
  }
  return true
}

/** A flat string in its own memory: a slice of a larger one would keep that alive. */
function asciiText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}
