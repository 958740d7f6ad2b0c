/**
 * The memory that recvmmsg fills and sendmmsg reads: 64 messages in, 64 out. It contains pointers to itself (iovec, mmsghdr),
 * so it is one ArrayBuffer that lives as long as its Batch: if it were collected, the kernel would write into whatever was
 * allocated there next.
 *
 *
 *   struct mmsghdr, 16 words: 0-1 name, 2 name length, 4-5 iovec, 6-7 iovec count, 8-9 control, 10-11 control length,
 *                             12 flags, 14 octets received or sent
 *   struct iovec, 4 words:    0-1 base, 2-3 length
 */
import type { Libc } from '../../libc/libc.ts'

/** Messages per system call: above 64 the calls' share of a query's cost no longer decreases. */
export const batchSize = 64
/** A longer datagram is truncated, and answered as what remains. CoreDNS truncates at 512. */
export const requestBytes = 4096
/** The largest reply: IPv4 carries 65,535 - 20 - 8 octets of a datagram. */
export const largestDatagram = 65507
/** Octets that a responder may write for one reply. */
const replyRoom = 65535
/** Memory for the replies of one system call. Small replies stay near its beginning; a large one causes an early flush. */
const arenaBytes = 192 * 1024

const headerWords = 16
const headerBytes = headerWords * 4
const iovecBytes = 16
const nameBytes = 32
const controlBytes = 64

const at = layout()

function layout() {
  let end = 0
  const take = (bytes: number) => {
    end += bytes
    return end - bytes
  }
  return {
    receiveHeaders: take(batchSize * headerBytes),
    sendHeaders: take(batchSize * headerBytes),
    receiveVectors: take(batchSize * iovecBytes),
    sendVectors: take(batchSize * iovecBytes),
    names: take(batchSize * nameBytes),
    controls: take(batchSize * controlBytes),
    requests: take(batchSize * requestBytes),
    arena: take(arenaBytes),
    end,
  }
}

/** Name and control data belong to message `i`, both for receiving and for the reply to it. */
export interface Batch {
  readonly bytes: Uint8Array
  /** The memory address of the octet at `offset`. */
  addressOf(offset: number): number
  /** Fills the batch. Returns the number of messages, or -1. */
  receive(fd: number): number
  requestAt(i: number): number
  requestLength(i: number): number
  /** Offset of message i's sockaddr. */
  nameAt(i: number): number
  /** Offset of message i's control data. */
  controlAt(i: number): number
  controlLength(i: number): number
  /** Offset at which to write the next reply, with room for 65,535 octets: call `flush` first when `full`. */
  replyAt(): number
  full(): boolean
  /** Queues the reply written at `replyAt`, to message i's sender, from the address in its control data. */
  queue(i: number, length: number, nameLength: number, controlLength: number): void
  readonly queued: () => number
  /** Sends the queued replies; returns how many were dropped. */
  flush(fd: number): number
}

export function createBatch(native: Libc): Batch {
  const { bytes, address } = pinnedMemory(native, at.end)
  const words = new Int32Array(bytes.buffer)
  const low = address | 0
  prepare(words, low, Math.floor(address / 2 ** 32))
  const receiveWord = at.receiveHeaders / 4
  const sendWord = at.sendHeaders / 4
  const vectorWord = at.sendVectors / 4
  let queued = 0
  let replyAt = at.arena

  return {
    bytes,
    addressOf: (offset) => address + offset,
    receive(fd) {
      return native.receive(fd, address + at.receiveHeaders, batchSize)
    },
    requestAt: (i) => at.requests + i * requestBytes,
    requestLength: (i) => words[receiveWord + i * headerWords + 14],
    nameAt: (i) => at.names + i * nameBytes,
    controlAt: (i) => at.controls + i * controlBytes,
    /** Also resets the header for the next receive, because the kernel has overwritten both lengths. */
    controlLength(i) {
      const header = receiveWord + i * headerWords
      const length = words[header + 10]
      words[header + 2] = nameBytes
      words[header + 10] = controlBytes
      return length
    },
    replyAt: () => replyAt,
    full: () => queued === batchSize || replyAt + replyRoom > at.end,
    queue(i, length, nameLength, controlLength) {
      const header = sendWord + queued * headerWords
      words[header] = (low + at.names + i * nameBytes) | 0
      words[header + 2] = nameLength
      words[header + 8] = (low + at.controls + i * controlBytes) | 0
      words[header + 10] = controlLength
      const vector = vectorWord + queued * 4
      words[vector] = (low + replyAt) | 0
      words[vector + 2] = length
      replyAt += length
      queued++
    },
    queued: () => queued,
    flush(fd) {
      let dropped = 0
      let done = 0
      while (done < queued) {
        const sent = native.send(fd, address + at.sendHeaders + done * headerBytes, queued - done)
        // The first one cannot be sent (buffer full, no route, …): it is dropped, and sending continues after it.
        if (sent <= 0) dropped++
        done += sent <= 0 ? 1 : sent
      }
      queued = 0
      replyAt = at.arena
      return dropped
    },
  }
}

/** Writes what never changes: pointers into the memory itself, counts, capacities. */
function prepare(words: Int32Array, low: number, high: number): void {
  const pointer = (word: number, offset: number) => {
    words[word] = (low + offset) | 0
    words[word + 1] = high
  }
  for (let i = 0; i < batchSize; i++) {
    const receive = at.receiveHeaders / 4 + i * headerWords
    pointer(receive, at.names + i * nameBytes)
    words[receive + 2] = nameBytes
    pointer(receive + 4, at.receiveVectors + i * iovecBytes)
    words[receive + 6] = 1
    pointer(receive + 8, at.controls + i * controlBytes)
    words[receive + 10] = controlBytes
    pointer(at.receiveVectors / 4 + i * 4, at.requests + i * requestBytes)
    words[at.receiveVectors / 4 + i * 4 + 2] = requestBytes

    const send = at.sendHeaders / 4 + i * headerWords
    pointer(send, at.names + i * nameBytes)
    pointer(send + 4, at.sendVectors + i * iovecBytes)
    words[send + 6] = 1
    pointer(send + 8, at.controls + i * controlBytes)
    pointer(at.sendVectors / 4 + i * 4, at.arena)
  }
}

/** Memory within one aligned 4 GiB region, so that only the low word of a pointer into it ever changes. */
function pinnedMemory(native: Libc, size: number): { bytes: Uint8Array<ArrayBuffer>; address: number } {
  const refused: Uint8Array[] = []
  for (;;) {
    const bytes = new Uint8Array(new ArrayBuffer(size))
    const address = native.addressOf(bytes)
    if (Math.floor(address / 2 ** 32) === Math.floor((address + size) / 2 ** 32)) return { bytes, address }
    // Kept until another is found, or the allocator would return the same memory again.
    refused.push(bytes)
  }
}
