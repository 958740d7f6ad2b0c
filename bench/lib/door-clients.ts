/** Clients of DNS over TLS and HTTPS that cost little: frames are made once, and replies are counted, not read. */
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { createFrameReader, flag, frameType, preface, uint32 } from '../../src/transport/http2/frames.ts'
import { encodeFields, writeFrame } from '../../test/support/http2-client.ts'
import { question } from '../../test/support/question.ts'

export type Door = 'tls' | 'https'

export interface DoorLoad {
  readonly door: Door
  readonly clients: number
  /** Queries that a client has under way. */
  readonly underWay: number
  /** A connection is kept for all queries; else each query has its own. */
  readonly kept: boolean
  readonly seconds: number
}

const message = Buffer.from(question('a.example A', 0))

/** Asks `a.example A`; gives how many queries were answered. */
export async function openDoors(port: number, load: DoorLoad): Promise<number> {
  const until = performance.now() + load.seconds * 1000
  const counts = await Promise.all(Array.from({ length: load.clients }, () => ask(port, load, until)))
  return counts.reduce((sum, count) => sum + count, 0)
}

async function ask(port: number, { door, underWay, kept }: DoorLoad, until: number): Promise<number> {
  const ends = kept ? () => performance.now() > until : () => true
  let answered = 0
  do {
    const socket = connect({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: door === 'https' ? ['h2'] : [],
    })
    await once(socket, 'secureConnect')
    const talk = door === 'https' ? overHttp2(socket) : overTls(socket)
    answered += await converse(socket, talk, underWay, ends)
  } while (performance.now() < until)
  return answered
}

interface Talk {
  send(queries: number): void
  /** How many replies are complete with these octets. */
  replies(octets: Buffer): number
}

function converse(socket: TLSSocket, talk: Talk, underWay: number, ends: () => boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    let answered = 0
    socket.on('error', reject)
    socket.on('close', () => resolve(answered))
    socket.on('data', (octets: Buffer) => {
      const count = talk.replies(octets)
      answered += count
      if (count === 0) return
      if (ends()) socket.destroy()
      else talk.send(count)
    })
    talk.send(underWay)
  })
}

function overTls(socket: TLSSocket): Talk {
  const framed = Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message])
  let rest: Buffer = Buffer.alloc(0)
  return {
    send: (queries) => void socket.write(Buffer.concat(Array.from({ length: queries }, () => framed))),
    replies(octets) {
      rest = rest.length === 0 ? octets : Buffer.concat([rest, octets])
      let count = 0
      for (; rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0); count++)
        rest = rest.subarray(2 + rest.readUInt16BE(0))
      return count
    },
  }
}

function overHttp2(socket: TLSSocket): Talk {
  const fields = encodeFields([
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', `/dns-query?dns=${message.toString('base64url')}`],
  ])
  const reader = createFrameReader()
  reader.push(preface)
  let stream = 1
  const largest = uint32(0x7f000000)
  socket.write(
    Buffer.concat([
      preface,
      writeFrame(frameType.SETTINGS, 0, 0, Buffer.alloc(0)),
      writeFrame(frameType.WINDOW_UPDATE, 0, 0, largest),
    ]),
  )
  return {
    send(queries) {
      const frames = Array.from({ length: queries }, () => {
        const frame = writeFrame(frameType.HEADERS, flag.END_HEADERS | flag.END_STREAM, stream, fields)
        stream += 2
        return frame
      })
      socket.write(Buffer.concat(frames))
    },
    replies(octets) {
      reader.push(octets)
      let count = 0
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        if (frame.type === frameType.DATA && frame.flags & flag.END_STREAM) count++
        const isOpen = (frame.type === frameType.SETTINGS || frame.type === frameType.PING) && !(frame.flags & flag.ACK)
        const payload = frame.type === frameType.PING ? frame.payload : Buffer.alloc(0)
        if (isOpen) socket.write(writeFrame(frame.type, flag.ACK, 0, payload))
      }
      return count
    },
  }
}
