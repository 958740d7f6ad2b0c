/**
 * Converts IP addresses between text and octets. Text is read as octets, as the API server's protobuf holds it: 150,000
 * endpoints need no strings.
 */

const dot = 0x2e
const colon = 0x3a

const scratch = new Uint8Array(16)
const encoder = new TextEncoder()

/** The address in `text[start, end)`, written to `out` at `at`. Returns its size, 4 or 16; 0 when the text is not an address. */
export function readAddress(text: Uint8Array, start: number, end: number, out: Uint8Array, at: number): 0 | 4 | 16 {
  for (let i = start; i < end; i++) {
    const c = text[i]
    if (c === dot) return readV4(text, start, end, out, at) ? 4 : 0
    if (c === colon) return readV6(text, start, end, out, at) ? 16 : 0
  }
  return 0
}

/** 4 or 16 octets; undefined when `text` is not an address (a zone index is not part of one). */
export function parseAddress(text: string): Uint8Array | undefined {
  const bytes = encoder.encode(text)
  const size = readAddress(bytes, 0, bytes.length, scratch, 0)
  return size === 0 ? undefined : scratch.slice(0, size)
}

/** The form of RFC 5952 for the address at `at`; `size` is 4 or 16. */
export function formatAddress(bytes: Uint8Array, at = 0, size = bytes.length): string {
  if (size === 4) return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
  const groups: number[] = []
  for (let i = at; i < at + 16; i += 2) groups.push((bytes[i] << 8) | bytes[i + 1])
  // RFC 5952 §5: the well-known prefix of IPv4-mapped addresses is written with the IPv4 part in decimal.
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return `::ffff:${formatAddress(bytes, at + 12, 4)}`
  }
  const gap = longestZeroRun(groups)
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':')
  return gap.length < 2 ? hex(0, 8) : `${hex(0, gap.start)}::${hex(gap.start + gap.length, 8)}`
}

/** `text` in the form of RFC 5952; undefined when it is not an address. */
export function canonicalAddress(text: string): string | undefined {
  const bytes = parseAddress(text)
  return bytes === undefined ? undefined : formatAddress(bytes)
}

/** RFC 5952 §4.2.3: the longest run of zero groups, the first of equals. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  const best = { start: 0, length: 0 }
  for (let i = 0; i < groups.length; i++) {
    let end = i
    while (end < groups.length && groups[end] === 0) end++
    if (end - i > best.length) {
      best.start = i
      best.length = end - i
    }
    if (end > i) i = end
  }
  return best
}

/** Four decimal octets; like Go's ParseIP it rejects leading zeros, which some programs read as octal. */
function readV4(text: Uint8Array, start: number, end: number, out: Uint8Array, at: number): boolean {
  let octet = 0
  let digits = 0
  let octets = 0
  for (let i = start; i <= end; i++) {
    const c = i === end ? dot : text[i]
    if (c === dot) {
      if (digits === 0 || octets === 4) return false
      out[at + octets++] = octet
      octet = 0
      digits = 0
      continue
    }
    if (c < 0x30 || c > 0x39 || (digits > 0 && octet === 0)) return false
    octet = octet * 10 + c - 0x30
    digits++
    if (octet > 255) return false
  }
  return octets === 4
}

function readV6(text: Uint8Array, start: number, end: number, out: Uint8Array, at: number): boolean {
  out.fill(0, at, at + 16)
  let written = 0
  let gap = -1
  let i = start
  if (text[i] === colon) {
    if (text[i + 1] !== colon || end - i < 2) return false
    gap = 0
    i += 2
  }
  while (i < end) {
    if (written === 16) return false
    let group = 0
    let digits = 0
    const groupStart = i
    while (i < end && digits < 5) {
      const value = hexDigit(text[i])
      if (value < 0) break
      group = group * 16 + value
      digits++
      i++
    }
    if (i < end && text[i] === dot) {
      if (written > 12 || !readV4(text, groupStart, end, out, at + written)) return false
      written += 4
      i = end
      break
    }
    if (digits === 0 || digits > 4) return false
    out[at + written++] = group >> 8
    out[at + written++] = group & 0xff
    if (i === end) break
    if (text[i] !== colon) return false
    i++
    if (i === end) return false
    if (text[i] === colon) {
      if (gap >= 0) return false
      gap = written
      i++
    }
  }
  if (gap < 0) return written === 16
  if (written === 16) return false
  out.copyWithin(at + 16 - (written - gap), at + gap, at + written)
  out.fill(0, at + gap, at + 16 - (written - gap))
  return true
}

function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30
  const lower = c | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1
}
