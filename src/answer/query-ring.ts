/**
 * How a responder reports answered queries to an observer (`log`) in the control plane: a ring of fixed-size records in
 * shared memory with one producer (the responder) and one consumer (the main thread). FORMAT.md defines the octets.
 *
 * The producer publishes a whole batch with one store to `tail`; the consumer releases records with one store to `head`.
 * When the ring is full the record is counted as dropped instead of written; the client is not delayed.
 */
import type { QueryState } from './query-state.ts'

/** Words of the ring's header. Words of different writers lie in different cache lines. */
const word = { head: 0, messageHead: 1, tail: 16, dropped: 17, messageTail: 18, watched: 32, messages: 33 } as const
const ringAt = 192

/** Offsets in a record. An address field holds 16 octets, a name field 255. */
export const queryRecord = {
  /** f64, milliseconds of the monotonic clock */
  receivedAt: 0,
  /** f64 */
  seconds: 8,
  /** u32 */
  space: 16,
  replyOctets: 20,
  /** u16 each, numbers as on the wire */
  profileId: 24,
  requestOctets: 26,
  id: 28,
  type: 30,
  class: 32,
  payloadSize: 34,
  clientPort: 36,
  localPort: 38,
  /** u16: the second word of the reply's header */
  flags: 40,
  /** u8 each */
  family: 42,
  facts: 43,
  nameLength: 44,
  client: 48,
  local: 64,
  /** As asked, in wire form. */
  name: 80,
  /** u32: where the record's messages end in their own ring, as a running count of octets (mod 2^32). */
  messagesEnd: 336,
  /** u16 each; both 0 where the messages are not recorded. */
  requestLength: 340,
  replyLength: 342,
} as const
const recordBytes = 344

/** A power of two, many times the largest pair of messages: room for about 8,000 pairs of ordinary size. */
const messageBytes = 2 * 1024 * 1024

/** An OPT record without options (RFC 6891 §6.1.2). */
const optOctets = 11

/** `queryRecord.facts` */
export const queryFact = { stream: 1, edns: 2, dnssecOk: 4, denial: 8 } as const

/** Source and destination of a query: each an address of `family` octets (4 or 16). */
export interface QueryRoute {
  family: 4 | 6
  client: Uint8Array
  clientAt: number
  clientPort: number
  local: Uint8Array
  localAt: number
  localPort: number
}

/** `records` is a power of two. The kernel provides the memory only as it is used. */
export function createQueryRing(records = 4096): SharedArrayBuffer {
  return new SharedArrayBuffer(ringAt + records * recordBytes + messageBytes)
}

export interface QueryProducer {
  /** Records the answered query, or counts it as dropped when the ring is full. */
  push(x: QueryState, route: QueryRoute): void
  /**
   * Publishes the records pushed since the last call; each took `seconds`. True when the consumer must be woken.
   */
  publish(seconds: number): boolean
}

export function createQueryProducer(memory: SharedArrayBuffer): QueryProducer {
  const { words, halves, bytes, floats, records, messagesAt } = viewOf(memory)
  let tail = Atomics.load(words, word.tail)
  let published = tail
  let messageTail = Atomics.load(words, word.messageTail)

  /** Records both messages, the reply behind the request. False when the ring is full. */
  function pushMessages({ request, start, end, reply, replyStart, replyLength }: QueryState, record: number): boolean {
    const octets = end - start + replyLength
    const at = messageTail & (messageBytes - 1)
    const skipped = at + octets > messageBytes ? messageBytes - at : 0
    const used = (messageTail - Atomics.load(words, word.messageHead)) | 0
    if (used + skipped + octets > messageBytes) return false
    const to = messagesAt + (skipped > 0 ? 0 : at)
    copy(request, start, end - start, bytes, to)
    copy(reply, replyStart, replyLength, bytes, to + end - start)
    messageTail = (messageTail + skipped + octets) | 0
    halves[(record + queryRecord.requestLength) >> 1] = end - start
    halves[(record + queryRecord.replyLength) >> 1] = replyLength
    return true
  }

  return {
    push(x, route) {
      const at = ringAt + (tail & (records - 1)) * recordBytes
      const free = ((tail - Atomics.load(words, word.head)) | 0) < records
      const recorded = Atomics.load(words, word.messages) === 1
      if (!free || (recorded && !pushMessages(x, at))) {
        Atomics.add(words, word.dropped, 1)
        return
      }
      if (!recorded) words[(at + queryRecord.requestLength) >> 2] = 0
      words[(at + queryRecord.messagesEnd) >> 2] = messageTail
      const { request, start, reply, replyStart, key } = x
      floats[(at + queryRecord.receivedAt) >> 3] = x.now
      words[(at + queryRecord.space) >> 2] = x.space
      words[(at + queryRecord.replyOctets) >> 2] = x.replyOctets
      const half = at >> 1
      halves[half + queryRecord.profileId / 2] = x.profileId
      halves[half + queryRecord.requestOctets / 2] = x.questionEnd - start + (x.edns ? optOctets : 0)
      halves[half + queryRecord.id / 2] = (request[start] << 8) | request[start + 1]
      halves[half + queryRecord.type / 2] = x.type
      halves[half + queryRecord.class / 2] = (request[x.questionEnd - 2] << 8) | request[x.questionEnd - 1]
      halves[half + queryRecord.payloadSize / 2] = x.payloadSize
      halves[half + queryRecord.clientPort / 2] = route.clientPort
      halves[half + queryRecord.localPort / 2] = route.localPort
      halves[half + queryRecord.flags / 2] = (reply[replyStart + 2] << 8) | reply[replyStart + 3]
      bytes[at + queryRecord.family] = route.family
      bytes[at + queryRecord.facts] = factsOf(x)
      bytes[at + queryRecord.nameLength] = key.length
      const octets = route.family === 4 ? 4 : 16
      copy(route.client, route.clientAt, octets, bytes, at + queryRecord.client)
      copy(route.local, route.localAt, octets, bytes, at + queryRecord.local)
      copy(request, start + 12, key.length, bytes, at + queryRecord.name)
      tail = (tail + 1) | 0
    },
    publish(seconds) {
      if (published === tail) return false
      for (; published !== tail; published = (published + 1) | 0) {
        const at = ringAt + (published & (records - 1)) * recordBytes
        floats[(at + queryRecord.seconds) >> 3] = seconds
      }
      Atomics.store(words, word.messageTail, messageTail)
      Atomics.store(words, word.tail, tail)
      // This store-then-load mirrors the consumer's `sleep`: at least one of the two sees the other's store.
      return Atomics.load(words, word.watched) === 0 && Atomics.exchange(words, word.watched, 1) === 0
    },
  }
}

function factsOf(x: QueryState): number {
  return (
    (x.stream ? queryFact.stream : 0) |
    (x.edns ? queryFact.edns : 0) |
    (x.dnssecOk ? queryFact.dnssecOk : 0) |
    (x.denial ? queryFact.denial : 0)
  )
}

/** Octet by octet: at these lengths faster than subarray().set(), and it allocates nothing. */
function copy(source: Uint8Array, from: number, length: number, target: Uint8Array, to: number): void {
  for (let i = 0; i < length; i++) target[to + i] = source[from + i]
}

export interface QueryConsumer {
  /**
   * Calls `take` with the ring and the offset of each record, at most `most` times, and returns how many there were. When
   * it returns, the records belong to the producer again.
   */
  drain(most: number, take: (ring: QueryRingView, at: number) => void): number
  /** Queries dropped since the ring was created (mod 2^32). */
  dropped(): number
  /** Whether the producer was asked to wake the consumer and has not done so yet. */
  asleep(): boolean
  /** Asks the producer to wake the consumer. False, without asking, when records have arrived meanwhile. */
  sleep(): boolean
  /** Makes the producer record the octets of both messages, or stop doing so. */
  recordMessages(on: boolean): void
}

export interface QueryRingView {
  readonly words: Int32Array
  readonly halves: Uint16Array
  readonly bytes: Uint8Array
  readonly floats: Float64Array
  /** Where the record's messages begin in `bytes`: the request, then the reply. */
  messagesOf(record: number): number
}

export function createQueryConsumer(memory: SharedArrayBuffer): QueryConsumer {
  const view = viewOf(memory)
  const { words, records } = view
  const pending = (): boolean => Atomics.load(words, word.tail) !== words[word.head]
  return {
    drain(most, take) {
      const head = words[word.head]
      const taken = Math.min(most, (Atomics.load(words, word.tail) - head) | 0)
      const recordAt = (i: number): number => ringAt + ((head + i) & (records - 1)) * recordBytes
      for (let i = 0; i < taken; i++) take(view, recordAt(i))
      if (taken > 0) {
        Atomics.store(words, word.messageHead, words[(recordAt(taken - 1) + queryRecord.messagesEnd) >> 2])
        Atomics.store(words, word.head, (head + taken) | 0)
      }
      return taken
    },
    dropped: () => Atomics.load(words, word.dropped) >>> 0,
    asleep: () => Atomics.load(words, word.watched) === 0,
    sleep() {
      Atomics.store(words, word.watched, 0)
      return !pending() || Atomics.exchange(words, word.watched, 1) !== 0
    },
    recordMessages: (on) => void Atomics.store(words, word.messages, on ? 1 : 0),
  }
}

function viewOf(memory: SharedArrayBuffer): QueryRingView & { readonly records: number; readonly messagesAt: number } {
  const words = new Int32Array(memory)
  const halves = new Uint16Array(memory)
  const records = (memory.byteLength - ringAt - messageBytes) / recordBytes
  const messagesAt = ringAt + records * recordBytes
  return {
    words,
    halves,
    bytes: new Uint8Array(memory),
    floats: new Float64Array(memory),
    records,
    messagesAt,
    messagesOf(record) {
      const octets = halves[(record + queryRecord.requestLength) >> 1] + halves[(record + queryRecord.replyLength) >> 1]
      return messagesAt + ((words[(record + queryRecord.messagesEnd) >> 2] - octets) & (messageBytes - 1))
    },
  }
}
