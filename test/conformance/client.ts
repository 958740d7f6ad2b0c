/** Asks one server many questions at once, over UDP and TCP, and gives the raw replies. */
import { createSocket } from 'node:dgram'
import { createConnection } from 'node:net'
import { type Ask, octetsOf } from './queries.ts'

const replyTimeout = 3_000

export interface Client {
  /** The reply's octets, or undefined when none came in time. */
  ask(asked: Ask): Promise<Uint8Array | undefined>
  close(): void
}

export async function openClient(address: string, port: number): Promise<Client> {
  const waiting = new Map<number, (reply: Uint8Array | undefined) => void>()
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  // Asked before the server listens: the kernel says so, and nobody has to wait for a reply.
  socket.on('error', () => {
    for (const done of [...waiting.values()]) done(undefined)
  })
  socket.on('message', (reply) => waiting.get(reply.readUInt16BE(0))?.(reply))
  await new Promise<void>((resolve) => socket.connect(port, address, resolve))
  let nextId = 0

  function overUdp(asked: Ask): Promise<Uint8Array | undefined> {
    nextId = (nextId + 1) & 0xffff
    const id = nextId
    return new Promise((resolve) => {
      const done = (reply: Uint8Array | undefined) => {
        clearTimeout(timer)
        waiting.delete(id)
        resolve(reply)
      }
      const timer = setTimeout(done, replyTimeout, undefined)
      waiting.set(id, done)
      socket.send(octetsOf(asked, id))
    })
  }

  return {
    ask: (asked) => (asked.over === 'udp' ? overUdp(asked) : overTcp(address, port, asked)),
    close: () => socket.close(),
  }
}

function overTcp(address: string, port: number, asked: Ask): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const octets = octetsOf(asked, 1)
    const connection = createConnection(port, address)
    let received = Buffer.alloc(0)
    const done = (reply: Uint8Array | undefined) => {
      clearTimeout(timer)
      connection.destroy()
      resolve(reply)
    }
    const timer = setTimeout(done, replyTimeout, undefined)
    connection.on('error', () => done(undefined))
    connection.on('close', () => done(undefined))
    connection.on('data', (chunk) => {
      received = Buffer.concat([received, Buffer.from(chunk)])
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) done(received.subarray(2))
    })
    connection.write(Buffer.concat([Buffer.from([octets.length >> 8, octets.length & 255]), octets]))
  })
}
