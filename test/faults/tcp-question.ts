/** One question over a TCP connection of its own (RFC 7766 §5: a client asks so where an answer was truncated). */
import { connect } from 'node:net'

/** The reply's octets; undefined where none has come in so many milliseconds, or the connection has ended before. */
export function askByTcp(port: number, query: Uint8Array, patience: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let received = Buffer.alloc(0)
    const end = (reply?: Uint8Array): void => {
      socket.destroy()
      resolve(reply)
    }
    socket.setTimeout(patience, () => end())
    socket.on('error', () => end())
    socket.on('close', () => end())
    socket.on('data', (octets: Buffer) => {
      received = Buffer.concat([received, octets])
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) end(received.subarray(2))
    })
    socket.write(Buffer.concat([Buffer.of(query.length >> 8, query.length & 0xff), query]))
  })
}
