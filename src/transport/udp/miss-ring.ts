/**
 * How a UDP thread hands over the queries it cannot answer: a ring in shared memory, one producer (the thread), one
 * consumer (the main thread).
 *
 * Memory: words 0 `head` (consumer's) and 16 `tail` (producer's; a cache line of its own), in octets, counted on
 * without end (mod 2^32); from octet 128 on the ring. A record is a multiple of 8 octets and never wraps:
 *
 *    0  octets of the record; negative: nothing here, go on at the ring's start
 *    4  socket number
 *    8  octets of the message
 *   12  octets of the control data that a reply is to be sent with (IP_PKTINFO; 0 when the socket has one address)
 *   16  milliseconds of the monotonic clock at receipt (float64)
 *   24  the sender's sockaddr, 32 octets
 *   56  control data, 40 octets
 *   96  the message
 *
 * The producer publishes with a store to `tail` after a whole batch, the consumer frees with a store to `head`.
 */
export const missRecord = { socket: 4, length: 8, control: 12, receivedAt: 16, name: 24, controlData: 56, message: 96 }

const ringAt = 128
const headWord = 0
const tailWord = 16

export function createMissRing(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(ringAt + bytes)
}

export interface MissProducer {
  /**
   * Copies a message and where its reply goes, all from `source`. False when the ring is full: nothing was written.
   */
  push(
    socket: number,
    receivedAt: number,
    source: Uint8Array,
    nameAt: number,
    controlAt: number,
    controlLength: number,
    messageAt: number,
    messageLength: number,
  ): boolean
  /** Shows the consumer what was pushed. */
  publish(): void
  /** More than half of the ring is taken. */
  scarce(): boolean
}

export function createMissProducer(memory: SharedArrayBuffer): MissProducer {
  const { words, bytes, floats, size } = views(memory)
  let tail = Atomics.load(words, tailWord) >>> 0
  return {
    push(socket, receivedAt, source, nameAt, controlAt, controlLength, messageAt, messageLength) {
      const record = (missRecord.message + messageLength + 7) & ~7
      let at = tail & (size - 1)
      const skipped = at + record > size ? size - at : 0
      const used = (tail - Atomics.load(words, headWord)) >>> 0
      if (used + skipped + record > size) return false
      if (skipped > 0) {
        words[(ringAt + at) >> 2] = -skipped
        at = 0
      }
      const word = (ringAt + at) >> 2
      words[word] = record
      words[word + 1] = socket
      words[word + 2] = messageLength
      words[word + 3] = controlLength
      floats[(ringAt + at + missRecord.receivedAt) >> 3] = receivedAt
      copy(source, nameAt, 32, bytes, ringAt + at + missRecord.name)
      copy(source, controlAt, 40, bytes, ringAt + at + missRecord.controlData)
      copy(source, messageAt, messageLength, bytes, ringAt + at + missRecord.message)
      tail = (tail + skipped + record) >>> 0
      return true
    },
    publish() {
      Atomics.store(words, tailWord, tail | 0)
    },
    scarce: () => (tail - Atomics.load(words, headWord)) >>> 0 > size / 2,
  }
}

/** Octet by octet: for lengths like these it beats subarray().set(), and it allocates nothing. */
function copy(source: Uint8Array, from: number, length: number, target: Uint8Array, to: number): void {
  for (let i = 0; i < length; i++) target[to + i] = source[from + i]
}

export interface MissConsumer {
  /**
   * Calls `take` with the view of the ring and the offset of each record's first octet, at most `most` times; the
   * record is the producer's again when `take` returns. True when there are more.
   */
  drain(most: number, take: (ring: MissView, at: number) => void): boolean
}

export interface MissView {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  readonly floats: Float64Array
}

export function createMissConsumer(memory: SharedArrayBuffer): MissConsumer {
  const view = views(memory)
  const { words, size } = view
  return {
    drain(most, take) {
      let head = Atomics.load(words, headWord) >>> 0
      const tail = Atomics.load(words, tailWord) >>> 0
      for (let taken = 0; head !== tail && taken < most; taken++) {
        let at = head & (size - 1)
        if (words[(ringAt + at) >> 2] < 0) {
          head = (head + size - at) >>> 0
          at = 0
        }
        take(view, ringAt + at)
        head = (head + words[(ringAt + at) >> 2]) >>> 0
        Atomics.store(words, headWord, head | 0)
      }
      return head !== tail
    },
  }
}

function views(memory: SharedArrayBuffer) {
  return {
    words: new Int32Array(memory),
    bytes: new Uint8Array(memory),
    floats: new Float64Array(memory),
    size: memory.byteLength - ringAt,
  }
}
