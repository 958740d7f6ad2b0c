/** DNS over a stream: each message behind its length in two octets (RFC 1035 §4.2.2, RFC 7766 §8). */

/**
 * Cuts a stream into messages. A message that lies whole in a chunk is given as part of the chunk, uncopied; one that
 * does not is gathered in memory that grows with what has come, not with what was announced. Every octet is copied at
 * most twice.
 */
export interface Framer {
  /** Takes the next octets of the stream. They must not change before they have been given out as messages. */
  push(chunk: Uint8Array): void
  /** True when there is a whole message: it is `bytes[start, end)` until the next call. */
  next(): boolean
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** True when a message has begun and not ended. */
  partial(): boolean
}

const lengthBytes = 2
const none = new Uint8Array(0)
const smallestGathering = 64

export function createFramer(): Framer {
  let chunk: Uint8Array = none
  let at = 0
  /** The beginning of a message that the chunks so far did not complete, its length included. */
  let gathered: Uint8Array = none
  let have = 0
  const message = { bytes: none as Uint8Array, start: 0, end: 0 }

  function give(bytes: Uint8Array, start: number, end: number): true {
    message.bytes = bytes
    message.start = start
    message.end = end
    return true
  }

  /** Takes as much of the chunk as the gathered message still lacks of `wanted` octets. True when it has them. */
  function gather(wanted: number): boolean {
    const taken = Math.min(wanted - have, chunk.length - at)
    if (have + taken > gathered.length) {
      const grown = new Uint8Array(Math.max(have + taken, Math.min(wanted, gathered.length * 2), smallestGathering))
      grown.set(gathered.subarray(0, have))
      gathered = grown
    }
    gathered.set(chunk.subarray(at, at + taken), have)
    have += taken
    at += taken
    return have === wanted
  }

  return Object.assign(message, {
    push(octets: Uint8Array) {
      chunk = at < chunk.length ? Buffer.concat([chunk.subarray(at), octets]) : octets
      at = 0
    },
    next() {
      if (have === 0 && chunk.length - at >= lengthBytes) {
        const end = at + lengthBytes + ((chunk[at]! << 8) | chunk[at + 1]!)
        if (end <= chunk.length) {
          const start = at + lengthBytes
          at = end
          return give(chunk, start, end)
        }
      }
      if (at === chunk.length) {
        chunk = none
        at = 0
        return false
      }
      if (have < lengthBytes && !gather(lengthBytes)) return false
      const end = lengthBytes + ((gathered[0]! << 8) | gathered[1]!)
      if (!gather(end)) return false
      const whole = gathered
      gathered = none
      have = 0
      return give(whole, lengthBytes, end)
    },
    partial: () => have > 0,
  })
}
