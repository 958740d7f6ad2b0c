/**
 * TCP clients that nobody wants. Each opens a connection, does its worst, and is done when the connection is closed;
 * what the server says is cut into messages and handed over.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { hostileDatagram, plainQuery } from './datagrams.ts'
import type { Random } from './random.ts'

export interface Abuse {
  readonly port: number
  readonly random: Random
  readonly names: readonly Buffer[]
  /** A name that is answered at once, and one whose answer is large. */
  readonly good: string
  readonly onReply: (reply: Buffer) => void
}

type Abuser = (abuse: Abuse) => Promise<void>

export const frame = (message: Buffer, length = message.length): Buffer =>
  Buffer.concat([Buffer.of((length >> 8) & 0xff, length & 0xff), message])

/** Resolves when connected. Errors of the connection are what abusers are for. */
export async function open(port: number, from?: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...(from && { localAddress: from }) })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** Resolves with how many messages came when the connection is closed by both. */
export function readAll(socket: Socket, onReply: (reply: Buffer) => void): Promise<number> {
  let rest = Buffer.alloc(0)
  let replies = 0
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0)
      replies++
      onReply(rest.subarray(2, end))
      rest = rest.subarray(end)
    }
  })
  socket.on('end', () => socket.end())
  return new Promise((resolve, reject) => {
    socket.on('close', () => {
      if (rest.length === 0) resolve(replies)
      else reject(new Error(`half a message at the end: ${rest.toString('hex')}`))
    })
  })
}

/** Sends all of it, ends its side, and reads to the end. */
async function say({ port, onReply }: Abuse, ...octets: readonly Buffer[]): Promise<number> {
  const socket = await open(port)
  const closed = readAll(socket, onReply)
  socket.end(Buffer.concat(octets))
  return closed
}

async function sayAndReset({ port }: Abuse, octets: Buffer): Promise<void> {
  const socket = await open(port)
  socket.resume()
  const closed = once(socket, 'close')
  if (octets.length > 0) socket.write(octets, () => socket.resetAndDestroy())
  else socket.resetAndDestroy()
  await closed
}

/** Says it and expects so many replies. */
async function sayAndCount(abuse: Abuse, replies: number, ...octets: readonly Buffer[]): Promise<void> {
  const got = await say(abuse, ...octets)
  if (got !== replies) throw new Error(`${got} replies, where ${replies} should come: ${octets[0]?.toString('hex')}`)
}

const repeat = (times: number, make: (i: number) => Buffer): Buffer[] =>
  Array.from({ length: times }, (_, i) => make(i))
const query = ({ good }: Abuse, id = 1): Buffer => frame(plainQuery(id, good, 1))

export const abusers: Readonly<Record<string, Abuser>> = {
  'random octets': async (abuse) => void (await say(abuse, abuse.random.bytes(abuse.random.below(300)))),
  'a length and nothing': async (abuse) => sayAndCount(abuse, 0, abuse.random.bytes(2)),
  'half a length': (abuse) => sayAndCount(abuse, 0, Buffer.of(0)),
  'a length that is too large': (abuse) => {
    const message = plainQuery(1, abuse.good, 1)
    return sayAndCount(abuse, 0, frame(message, message.length + 1 + abuse.random.below(1000)))
  },
  'a length that is too small': async (abuse) => {
    const message = plainQuery(1, abuse.good, 1)
    await say(abuse, frame(message, abuse.random.below(message.length)))
  },
  'mutated queries in a row': async (abuse) => {
    const { random, names } = abuse
    const messages = repeat(1 + random.below(20), () => hostileDatagram(random, names))
    const deserving = messages.filter((message) => message.length >= 12 && !(message[2]! & 0x80))
    await sayAndCount(abuse, deserving.length, ...messages.map((message) => frame(message)))
  },
  'frames of zero octets': (abuse) => sayAndCount(abuse, 1, Buffer.alloc(2000), query(abuse)),
  'frames of 1 to 11 octets': (abuse) =>
    sayAndCount(abuse, 1, ...repeat(11, (i) => frame(abuse.random.bytes(i + 1))), query(abuse)),
  '65,535 octets of noise': async (abuse) => void (await say(abuse, frame(abuse.random.bytes(65_535)), query(abuse))),
  'a query and 65,000 octets after it': (abuse) =>
    sayAndCount(
      abuse,
      2,
      frame(Buffer.concat([plainQuery(1, abuse.good, 1), abuse.random.bytes(65_000)])),
      query(abuse),
    ),
  'an octet at a time': async (abuse) => {
    const socket = await open(abuse.port)
    socket.setNoDelay()
    const closed = readAll(socket, abuse.onReply)
    for (const octet of query(abuse)) await new Promise((done) => socket.write(Buffer.of(octet), done))
    socket.end()
    if ((await closed) !== 1) throw new Error('a query that came octet by octet has no reply')
  },
  'an end in the middle of a frame': (abuse) => {
    const octets = query(abuse)
    return sayAndCount(abuse, 1, octets, octets.subarray(0, 1 + abuse.random.below(octets.length - 1)))
  },
  'a reset in the middle of a frame': (abuse) => {
    const octets = query(abuse)
    return sayAndReset(abuse, octets.subarray(0, abuse.random.below(octets.length)))
  },
  'a reset with replies under way': (abuse) => sayAndReset(abuse, Buffer.concat(repeat(100, (id) => query(abuse, id)))),
  'an end at once': (abuse) => sayAndCount(abuse, 0),
  'a thousand queries at once': (abuse) => sayAndCount(abuse, 1000, ...repeat(1000, (id) => query(abuse, id))),
  'thousands of queries, and no ear for the replies': async (abuse) => {
    const socket = await open(abuse.port)
    const queries = Buffer.concat(repeat(3000, (id) => query(abuse, id)))
    // A part arrives; the rest may stand in the way for as long as it likes.
    await new Promise((done) => socket.write(queries.subarray(0, 2000), done))
    socket.write(queries)
    const closed = once(socket, 'close')
    setImmediate(() => socket.destroy())
    await closed
  },
}
