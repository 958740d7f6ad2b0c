/** What a connection sends: length-prefixed replies, those of one turn in one write, and what the client has not taken yet. */
import type { Socket } from 'node:net'

const lengthBytes = 2
const largestMessage = 65535
/** The buffer in which replies are assembled. All connections share it, because it is empty between turns. */
export const scratchBytes = 2 * (lengthBytes + largestMessage)
/** The assembled octets from which they are written: a connection holds little more than one unread reply. */
const flushFrom = 16 * 1024

export interface Output {
  /** The buffer for the next reply, with room for the largest from `at()` on. Call `add` with its length, or not at all. */
  readonly scratch: Buffer
  at(): number
  add(length: number): void
  /** Adds a reply that was made elsewhere. A reply longer than 65,535 octets is dropped. */
  copy(reply: Uint8Array): void
  /** The same between turns: writes it at once. */
  send(reply: Uint8Array): void
  /** Writes the assembled replies. */
  flush(): void
  /** True while the client has not taken what was written, until the socket's `drain` event. */
  full(): boolean
  /** Checks what the client has taken meanwhile. */
  measure(): void
  /** Octets that the client has not taken. */
  unsent(): number
  /** Milliseconds for which the client has taken none of the unsent octets. */
  stalledFor(now: number): number
}

export interface OutputOptions {
  readonly socket: Socket
  readonly scratch: Buffer
  readonly now: () => number
  /** Called when the number of unsent octets has changed. */
  readonly onUnsent: (octets: number) => void
}

export function createOutput({ socket, scratch, now, onUnsent }: OutputOptions): Output {
  let used = 0
  let unsent = 0
  let unsentSince = 0

  function measure(): void {
    const length = socket.writableLength
    if (length < unsent || unsent === 0) unsentSince = now()
    if (length === unsent) return
    unsent = length
    onUnsent(unsent)
  }

  function write(octets: Buffer): void {
    if (!socket.writable) return
    socket.write(octets)
    measure()
  }

  function flush(): void {
    if (used === 0) return
    const octets = Buffer.from(scratch.subarray(0, used))
    used = 0
    write(octets)
  }

  function add(length: number): void {
    scratch.writeUInt16BE(length, used)
    used += lengthBytes + length
    if (used >= flushFrom) flush()
  }

  return {
    scratch,
    at: () => used + lengthBytes,
    add,
    copy(reply) {
      if (reply.length > largestMessage) return
      scratch.set(reply, used + lengthBytes)
      add(reply.length)
    },
    send(reply) {
      if (reply.length > largestMessage) return
      const octets = Buffer.allocUnsafe(lengthBytes + reply.length)
      octets.writeUInt16BE(reply.length, 0)
      octets.set(reply, lengthBytes)
      write(octets)
    },
    flush,
    full: () => socket.writableNeedDrain,
    measure,
    unsent: () => unsent,
    stalledFor: (time) => (unsent > 0 ? time - unsentSince : 0),
  }
}
