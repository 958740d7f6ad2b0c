/** Attacks over TLS connections to DNS over HTTPS. */
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { flag, frameType, preface } from '../../src/transport/http2/frames.ts'
import { open } from '../hostile/streams.ts'
import { encodeFields, writeFrame } from '../support/http2-client.ts'
import type { Attack } from './arena.ts'
import { now } from './look.ts'
import { question } from './messages.ts'
import { closeAll } from './traffic.ts'

const path = `/dns-query?dns=${question('web.shop.svc.cluster.local', 'A').toString('base64url')}`

interface Protocol {
  readonly name: 'h2' | 'http/1.1'
  readonly first: Buffer
  /** A hundred requests, and those of the hundreds before them. */
  hundred(before: number): Buffer
}

const http1Hundred = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(100))
const http1: Protocol = { name: 'http/1.1', first: Buffer.alloc(0), hundred: () => http1Hundred }

const get = encodeFields([
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'x'],
  [':path', path],
])
const http2: Protocol = {
  name: 'h2',
  first: Buffer.concat([preface, writeFrame(frameType.SETTINGS, 0, 0, Buffer.alloc(0))]),
  hundred: (before) =>
    Buffer.concat(
      Array.from({ length: 100 }, (_, i) =>
        writeFrame(frameType.HEADERS, flag.END_HEADERS | flag.END_STREAM, 2 * (100 * before + i) + 1, get),
      ),
    ),
}

/** Sends requests as fast as they are taken, and throws the replies away. The server may close it. */
async function flood(port: number, from: string, protocol: Protocol, until: number): Promise<TLSSocket> {
  const below = await open(port, from)
  // The attacker asks for no proof.
  const socket = connect({ socket: below, ALPNProtocols: [protocol.name], rejectUnauthorized: false })
  socket.on('error', () => undefined)
  socket.resume()
  socket.write(protocol.first)
  for (let sent = 0; now() < until && !socket.destroyed; sent++)
    if (!socket.write(protocol.hundred(sent)))
      await once(socket, 'drain', { signal: AbortSignal.timeout(100) }).catch(() => undefined)
  return socket
}

const seconds = 1

export const secureAttacks: readonly Attack[] = [
  {
    finding: 23,
    title: '150 TLS connections of 8 clients with requests for DNS over HTTPS, sent as fast as they are taken',
    secure: true,
    async run({ ports }) {
      const until = now() + seconds * 1000
      const sockets = await Promise.all(
        Array.from({ length: 150 }, (_, i) =>
          flood(ports.other, `127.0.1.${1 + (i % 8)}`, i % 3 === 0 ? http2 : http1, until),
        ),
      )
      await closeAll(sockets)
    },
  },
]
