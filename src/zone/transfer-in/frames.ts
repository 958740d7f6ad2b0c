/** The messages of a TCP connection (RFC 1035 §4.2.2), read into one buffer: a new one per read would be 64 KiB of garbage. */
import { connect, type Socket } from 'node:net'
import type { Endpoint } from '../../upstream/connection.ts'
import { boundReceiveBuffer } from '../../upstream/receive-buffer.ts'

/** Octets per read. */
const readOctets = 64 * 1024
const lengthOctets = 2
const mostFrameOctets = lengthOctets + 0xffff
/** Enough for the reply to a question for the SOA. */
const smallFrameOctets = 1024
/** Octets buffered by the kernel per connection (it uses twice as much memory); its default grows to 6 MiB. */
const kernelOctets = 128 * 1024

/** Maximum memory of a connection in octets. */
export const framesOctets = readOctets + mostFrameOctets + 2 * kernelOctets

export interface Frames {
  /** Octets read so far. */
  readonly received: number
  write(octets: Uint8Array): void
  /** The next message, valid until the next call; undefined when the connection is closed. Throws the socket's error. */
  next(): Promise<Buffer | undefined>
  /** Closes the connection; `next` then throws `error`. */
  destroy(error?: Error): void
}

export function connectFrames({ address, port }: Endpoint): Frames {
  const buffer = Buffer.allocUnsafeSlow(readOctets)
  /** Octets that were read but not yet used. */
  let unread = buffer.subarray(0, 0)
  let received = 0
  let isClosed = false
  let failure: Error | undefined
  let wake: () => void = () => undefined
  /** The message being assembled. */
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
        // Pauses reading until this has been used.
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

  /** False at the end of the stream. */
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
