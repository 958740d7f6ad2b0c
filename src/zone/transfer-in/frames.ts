/** The messages of a TCP connection (RFC 1035 §4.2.2), read into one buffer: a new one for each read is garbage of 64 KiB. */
import { connect, type Socket } from 'node:net'
import type { Endpoint } from '../../upstream/connection.ts'
import { boundReceiveBuffer } from '../../upstream/receive-buffer.ts'

/** Octets that are read at once. */
const readOctets = 64 * 1024
const lengthOctets = 2
const mostFrameOctets = lengthOctets + 0xffff
/** The reply to a question for the SOA needs no more. */
const smallFrameOctets = 1024
/** Octets that the kernel holds of a connection (it takes twice as much memory); by itself it would let it grow to 6 MiB. */
const kernelOctets = 128 * 1024

/** Octets that a connection takes at most. */
export const framesOctets = readOctets + mostFrameOctets + 2 * kernelOctets

export interface Frames {
  /** Octets that have been read so far. */
  readonly received: number
  write(octets: Uint8Array): void
  /** The next message, which is there until the next call; undefined when the connection is closed. Throws the socket's error. */
  next(): Promise<Buffer | undefined>
  /** `next` throws it then. */
  destroy(error?: Error): void
}

export function connectFrames({ address, port }: Endpoint): Frames {
  const buffer = Buffer.allocUnsafeSlow(readOctets)
  /** What was read into it and is not used yet. */
  let unread = buffer.subarray(0, 0)
  let received = 0
  let isClosed = false
  let failure: Error | undefined
  let wake: () => void = () => undefined
  /** Of the message that is under way. */
  let frame = Buffer.allocUnsafeSlow(smallFrameOctets)
  let filled = 0

  const socket: Socket = connect({
    host: address,
    port,
    onread: {
      buffer,
      callback(count) {
        unread = buffer.subarray(0, count)
        received += count
        wake()
        // Nothing more is read until this has been used.
        return false
      },
    },
  })
  socket.on('connect', () => boundReceiveBuffer(socket, kernelOctets))
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('close', () => {
    isClosed = true
    wake()
  })

  /** False when nothing more comes. */
  async function read(): Promise<boolean> {
    if (unread.length > 0) return true
    if (isClosed) return false
    const { promise, resolve } = Promise.withResolvers<void>()
    wake = resolve
    if (received > 0) socket.resume()
    await promise
    return unread.length > 0
  }

  function take(wanted: number): void {
    const count = Math.min(wanted - filled, unread.length)
    if (frame.length < wanted) {
      const larger = Buffer.allocUnsafeSlow(mostFrameOctets)
      frame.copy(larger, 0, 0, filled)
      frame = larger
    }
    unread.copy(frame, filled, 0, count)
    filled += count
    unread = unread.subarray(count)
  }

  return {
    get received() {
      return received
    },
    write: (octets) => void socket.write(octets),
    async next() {
      filled = 0
      for (let wanted = lengthOctets; ; ) {
        if (filled === wanted && wanted === lengthOctets) wanted += frame.readUInt16BE(0)
        if (filled === wanted) return frame.subarray(lengthOctets, wanted)
        if (!(await read())) break
        take(wanted)
      }
      if (failure) throw failure
      return undefined
    },
    destroy: (error) => void socket.destroy(error),
  }
}
