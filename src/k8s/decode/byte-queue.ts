/** Octets that arrive in chunks and are consumed in pieces of other sizes. */
export interface ByteQueue {
  push(chunk: Buffer): void
  readonly length: number
  /** The octet at `index` from the front. */
  at(index: number): number
  /** Index of the first `octet` at or after `from`; -1 if not found. */
  indexOf(octet: number, from: number): number
  /** The octets from `start` to `end`, as a view that is valid until the next `push`. */
  view(start: number, end: number): Buffer
  /** Removes `count` octets from the front and returns them as a view that is valid until the next `push`. */
  take(count: number): Buffer
}

const nothing = Buffer.alloc(0)

export function createByteQueue(): ByteQueue {
  // The octets are [start, end) of `buffer`. A chunk that arrives at an empty queue is used directly, uncopied; `own` is true
  // if the buffer was allocated here and can be filled.
  let buffer: Buffer = nothing
  let start = 0
  let end = 0
  let own = false

  const makeRoom = (more: number): void => {
    const length = end - start
    if (own && length + more <= buffer.length) {
      if (end + more <= buffer.length) return
      buffer.copyWithin(0, start, end)
    } else {
      const wider = Buffer.allocUnsafeSlow(Math.max(2 * length, length + more, 4096))
      buffer.copy(wider, 0, start, end)
      buffer = wider
      own = true
    }
    start = 0
    end = length
  }

  const take = (count: number): Buffer => {
    const taken = buffer.subarray(start, start + count)
    start += count
    return taken
  }

  return {
    push(chunk) {
      if (start === end) {
        buffer = chunk
        start = 0
        end = chunk.length
        own = false
        return
      }
      makeRoom(chunk.length)
      chunk.copy(buffer, end)
      end += chunk.length
    },
    get length() {
      return end - start
    },
    at: (index) => buffer[start + index],
    indexOf(octet, from) {
      const found = buffer.indexOf(octet, start + from)
      return found < 0 || found >= end ? -1 : found - start
    },
    view: (from, to) => buffer.subarray(start + from, start + to),
    take,
  }
}
