/** What attackers send. Nothing here waits for an answer. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { open } from '../hostile/streams.ts'
import { now } from './look.ts'

export const seconds = (count: number): Promise<void> => delay(count * 1000)

export interface UdpFlood {
  readonly perSecond: number
  readonly count: number
  readonly from?: string
  /** Octets of replies that the kernel keeps for the attacker, who would have no time to read more. */
  readonly receiveBuffer?: number
}

/** So many datagrams a second, each made when it is sent. */
export async function udpFlood(
  port: number,
  { perSecond, count, from = '127.0.0.1', receiveBuffer }: UdpFlood,
  make: (index: number) => Buffer,
): Promise<void> {
  const socket = createSocket({
    type: 'udp4',
    sendBufferSize: 4 << 20,
    ...(receiveBuffer && { recvBufferSize: receiveBuffer }),
  })
  socket.bind(0, from)
  await once(socket, 'listening')
  socket.on('message', () => undefined)
  const began = now()
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, ((now() - began) / 1000) * perSecond)
    for (; sent < due; sent++) socket.send(make(sent), port, '127.0.0.1')
    await delay(5)
  }
  socket.close()
}

/** Connections that have sent these octets; none reads. Those that the server refuses are left out. */
export async function sendOnConnections(
  port: number,
  { connections, from = ['127.0.0.1'] }: { readonly connections: number; readonly from?: readonly string[] },
  octets: Buffer,
): Promise<Socket[]> {
  const sockets: Socket[] = []
  // A few at a time: the backlog of the listening socket is no part of the attack.
  for (let i = 0; i < connections; i += 100) {
    const opened = await Promise.allSettled(
      Array.from({ length: Math.min(100, connections - i) }, (_, k) => open(port, from[(i + k) % from.length])),
    )
    for (const result of opened) {
      if (result.status !== 'fulfilled') continue
      result.value.pause()
      result.value.write(octets)
      sockets.push(result.value)
    }
  }
  return sockets
}

/** Resolves when all are closed: until then the attack goes on. */
export async function closeAll(sockets: readonly Socket[]): Promise<void> {
  await Promise.all(
    sockets.map((socket) => {
      if (socket.closed) return undefined
      socket.destroy()
      return once(socket, 'close')
    }),
  )
}

/** Runs `act` again and again, so many times a second, for so many seconds. */
export async function repeat(perSecond: number, forSeconds: number, act: (round: number) => void): Promise<void> {
  const began = now()
  for (let round = 0; round < perSecond * forSeconds; round++) {
    act(round)
    await delay(Math.max(0, began + ((round + 1) * 1000) / perSecond - now()))
  }
}

/** The reply to a question over UDP, within 5 s. */
export async function askOverUdp(port: number, message: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4')
  try {
    socket.send(message, port, '127.0.0.1')
    const [reply] = await once(socket, 'message', { signal: AbortSignal.timeout(5_000) })
    return reply
  } finally {
    socket.close()
  }
}

/** Asks over TCP until a whole answer has come, or the server has closed the connection. */
export async function askOverTcp(port: number, message: Buffer): Promise<number> {
  const socket = await open(port)
  socket.write(Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]))
  return new Promise((resolve) => {
    let received = 0
    let expected = Number.POSITIVE_INFINITY
    socket.on('data', (octets: Buffer) => {
      if (received === 0 && octets.length >= 2) expected = 2 + octets.readUInt16BE(0)
      received += octets.length
      if (received >= expected) socket.destroy()
    })
    socket.on('close', () => resolve(received))
  })
}
