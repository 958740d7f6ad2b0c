/** DNS over a stream: each message follows its length in two octets (RFC 1035 §4.2.2, RFC 7766 §8). */

/**
 * Splits a stream into messages. A message that lies completely in one chunk is returned as part of it, uncopied; others
 * are collected in memory that grows with the octets received, not with the announced length. Of a message larger than
 * `largest` only the header is returned; the rest is skipped and never held.
 */
export interface Framer {
  /** Takes the next octets of the stream. They must stay unchanged until they have been returned as messages. */
  push(chunk: Uint8Array): void
  /**
   * `message`: `bytes[start, end)` is a complete message, until the next call. `oversized`: it is the header of a message
   * that is too large. Undefined: more octets are needed.
   */
  next(): 'message' | 'oversized' | undefined
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** True while a message is incomplete. */
  partial(): boolean
  /** Octets of memory that the framer keeps alive. */
  held(): number
}

const lengthBytes = 2
const headerBytes = 12
const none = new Uint8Array(0)
/** Step by which a message's memory grows: small enough for thousands of connections, with few copies of a usual query. */
const growth = 512

export function createFramer(largest: number): Framer {
  let chunk: Uint8Array = none
  let at = 0
  /** The beginning of an incomplete message, including its length. */
  let gathered: Uint8Array = none
  let have = 0
  /** Octets still to be skipped of a message that is too large. */
  let skipped = 0
  const message = { bytes: none as Uint8Array, start: 0, end: 0 }

  function give<Kind>(kind: Kind, bytes: Uint8Array, start: number, end: number): Kind {
    message.bytes = bytes
    message.start = start
    message.end = end
    return kind
  }

  /** Adds octets of the chunk to the collected message, up to `wanted`. True when it has that many. */
  function gather(wanted: number): boolean {
    const taken = Math.min(wanted - have, chunk.length - at)
    if (have + taken > gathered.length) {
      const grown = new Uint8Array(Math.min(wanted, Math.ceil((have + taken) / growth) * growth))
      grown.set(gathered.subarray(0, have))
      gathered = grown
    }
    gathered.set(chunk.subarray(at, at + taken), have)
    have += taken
    at += taken
    if (at === chunk.length) {
      chunk = none
      at = 0
    }
    return have === wanted
  }

  /** A message that lies completely in the chunk. */
  function uncopied(): 'message' | undefined {
    if (have > 0 || chunk.length - at < lengthBytes) return undefined
    const length = lengthAt(chunk, at)
    const start = at + lengthBytes
    if (length > largest || start + length > chunk.length) return undefined
    at = start + length
    return give('message', chunk, start, at)
  }

  function skip(): void {
    const taken = Math.min(skipped, chunk.length - at)
    skipped -= taken
    at += taken
  }

  return Object.assign(message, {
    push(octets: Uint8Array) {
      chunk = at < chunk.length ? Buffer.concat([chunk.subarray(at), octets]) : octets
      at = 0
    },
    next() {
      skip()
      const found = uncopied()
      if (found !== undefined) return found
      if (at === chunk.length) {
        chunk = none
        at = 0
        return undefined
      }
      if (have < lengthBytes && !gather(lengthBytes)) return undefined
      const length = lengthAt(gathered, 0)
      const oversized = length > largest
      const end = lengthBytes + (oversized ? headerBytes : length)
      if (!gather(end)) return undefined
      const whole = gathered
      gathered = none
      have = 0
      if (!oversized) return give('message', whole, lengthBytes, end)
      skipped = length - headerBytes
      return give('oversized', whole, lengthBytes, end)
    },
    partial: () => have > 0 || skipped > 0,
    held: () => gathered.length + chunk.length,
  })
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1]
}
