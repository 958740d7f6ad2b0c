/**
 * How a UDP thread hands over queries that it cannot answer: a ring in shared memory with one producer (the thread) and one
 * consumer (the main thread).
 *
 * Memory: words 0 `head` (consumer's) and 16 `tail` (producer's, in another cache line) are running counts of octets
 * (mod 2^32); the ring begins at octet 128. A record is a multiple of 8 octets and never wraps:
 *
 *    0  octets of the record; negative: unused, the next record is at the ring's start
 *    4  socket number; 0 in a record without a query
 *    8  octets of the message
 *   12  octets of the control data that a reply is to be sent with (IP_PKTINFO; 0 when the socket has one address)
 *   16  milliseconds of the monotonic clock at receipt (float64)
 *   24  kind (missKind)
 *   28  number of the upstream that the relay asked
 *   32  the thread's identifier of the exchange
 *   36  octets of the upstream's reply, or the error that ended the exchange
 *   40  milliseconds of the monotonic clock when it was asked (float64)
 *   48  the sender's sockaddr, 32 octets
 *   80  control data, 40 octets
 *  120  the message, directly followed by the upstream's reply
 *
 * The producer publishes with a store to `tail` after a whole batch; the consumer releases with a store to `head`.
 */
export const missRecord = {
  socket: 4,
  length: 8,
  control: 12,
  receivedAt: 16,
  kind: 24,
  upstream: 28,
  exchange: 32,
  reply: 36,
  startedAt: 40,
  name: 48,
  controlData: 80,
  message: 120,
}

/**
 * `plain`: a query for which nothing has been done. In the next three the relay has asked an upstream: `waiting`: the answer
 * may still arrive; `answered`: it is here, for the chain to judge; `failed`: there will be none. `late`, `lost`: no query,
 * but the answer to an earlier `waiting` one, or that there will be none. `copy`, in a separate ring: an answered query and
 * the upstream's reply, for `cache`. `ready`: no query; the main thread's socket with the tag `exchange` is readable.
 */
export const missKind = { plain: 0, waiting: 1, answered: 2, failed: 3, late: 4, lost: 5, copy: 6, ready: 7 } as const

const ringAt = 128
const headWord = 0
const tailWord = 16

export function createMissRing(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(ringAt + bytes)
}

/** A record to be written. One object is reused, so that writing allocates nothing. */
export interface MissInput {
  kind: number
  socket: number
  receivedAt: number
  /** The memory that holds the message, the sender's sockaddr and the control data, each at its offset. */
  source: Uint8Array
  nameAt: number
  controlAt: number
  controlLength: number
  messageAt: number
  messageLength: number
  upstream: number
  exchange: number
  startedAt: number
  reply: Uint8Array
  replyAt: number
  replyLength: number
  /** The error of a failed exchange. */
  errno: number
}

export function createMissInput(source: Uint8Array): MissInput {
  return {
    kind: missKind.plain,
    socket: 0,
    receivedAt: 0,
    source,
    nameAt: 0,
    controlAt: 0,
    controlLength: 0,
    messageAt: 0,
    messageLength: 0,
    upstream: 0,
    exchange: 0,
    startedAt: 0,
    reply: source,
    replyAt: 0,
    replyLength: 0,
    errno: 0,
  }
}

export interface MissProducer {
  /** Copies the record. False, with nothing written, when the ring is full. */
  push(record: MissInput): boolean
  /** Publishes the pushed records to the consumer. */
  publish(): void
  /** Whether more than half of the ring is in use. */
  scarce(): boolean
}

export function createMissProducer(memory: SharedArrayBuffer): MissProducer {
  const { words, bytes, floats, size } = views(memory)
  let tail = Atomics.load(words, tailWord) >>> 0
  return {
    push(record) {
      const { kind, source, messageLength, replyLength } = record
      const octets = (missRecord.message + messageLength + replyLength + 7) & ~7
      let at = tail & (size - 1)
      const skipped = at + octets > size ? size - at : 0
      const used = (tail - Atomics.load(words, headWord)) >>> 0
      if (used + skipped + octets > size) return false
      if (skipped > 0) {
        words[(ringAt + at) >> 2] = -skipped
        at = 0
      }
      const word = (ringAt + at) >> 2
      words[word] = octets
      words[word + 1] = record.socket
      words[word + 2] = messageLength
      words[word + 3] = record.controlLength
      floats[(ringAt + at + missRecord.receivedAt) >> 3] = record.receivedAt
      words[word + 6] = kind
      if (record.socket !== 0) {
        copy(source, record.nameAt, 32, bytes, ringAt + at + missRecord.name)
        copy(source, record.controlAt, 40, bytes, ringAt + at + missRecord.controlData)
        copy(source, record.messageAt, messageLength, bytes, ringAt + at + missRecord.message)
      }
      if (kind !== missKind.plain) {
        words[word + 7] = record.upstream
        words[word + 8] = record.exchange
        words[word + 9] = replyLength > 0 ? replyLength : record.errno
        floats[(ringAt + at + missRecord.startedAt) >> 3] = record.startedAt
        copy(record.reply, record.replyAt, replyLength, bytes, ringAt + at + missRecord.message + messageLength)
      }
      tail = (tail + skipped + octets) >>> 0
      return true
    },
    publish() {
      Atomics.store(words, tailWord, tail | 0)
    },
    scarce: () => (tail - Atomics.load(words, headWord)) >>> 0 > size / 2,
  }
}
/** Octet by octet: at these lengths faster than subarray().set(), and it allocates nothing. */
function copy(source: Uint8Array, from: number, length: number, target: Uint8Array, to: number): void {
  for (let i = 0; i < length; i++) target[to + i] = source[from + i]
}

export interface MissConsumer {
  /**
   * Calls `take` with the view of the ring and the offset of each record's first octet, at most `most` times; the record
   * belongs to the producer again when `take` returns. True when there are more.
   */
  drain(most: number, take: (ring: MissView, at: number) => void): boolean
  /** The result tells whether any of what is in the ring now is still unread. */
  unread(): () => boolean
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
    unread() {
      const tail = Atomics.load(words, tailWord)
      return () => ((tail - Atomics.load(words, headWord)) | 0) > 0
    },
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
