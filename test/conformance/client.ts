/** Asks one server many questions at once, over UDP and TCP, and gives the raw replies. */
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { createConnection, type Socket } from 'node:net'
import { type Ask, octetsOf } from './queries.ts'

const replyTimeout = 3_000

export interface Client {
  /** The reply's octets, or undefined when none came in time. */
  ask(asked: Ask): Promise<Uint8Array | undefined>
  close(): void
}

/** `patience`: milliseconds after which a question counts as unanswered. */
export async function openClient(address: string, port: number, patience = replyTimeout): Promise<Client> {
  const waiting = new Map<number, (reply: Uint8Array | undefined) => void>()
  /** One for each address that questions come from; '' is whichever the system takes. */
  const sockets = new Map<string, Promise<Datagrams>>()
  let nextId = 0

  async function openSocket(from: string): Promise<Datagrams> {
    const server = serverFor(address, from)
    const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4')
    // Asked before the server listens: the kernel says so, and nobody has to wait for a reply.
    socket.on('error', () => {
      for (const done of [...waiting.values()]) done(undefined)
    })
    socket.on('message', (reply) => waiting.get(reply.readUInt16BE(0))?.(reply))
    if (from !== '') await new Promise<void>((resolve) => socket.bind(0, from, resolve))
    await new Promise<void>((resolve) => socket.connect(port, server, resolve))
    return socket
  }

  function socketFor(from: string): Promise<Datagrams> {
    const socket = sockets.get(from) ?? openSocket(from)
    sockets.set(from, socket)
    return socket
  }

  async function overUdp(asked: Ask): Promise<Uint8Array | undefined> {
    const socket = await socketFor(asked.from ?? '')
    nextId = (nextId + 1) & 0xffff
    const id = nextId
    return new Promise((resolve) => {
      const done = (reply: Uint8Array | undefined) => {
        clearTimeout(timer)
        waiting.delete(id)
        resolve(reply)
      }
      const timer = setTimeout(done, patience, undefined)
      waiting.set(id, done)
      socket.send(octetsOf(asked, id))
    })
  }

  await socketFor('')
  return {
    ask: (asked) => (asked.over === 'udp' ? overUdp(asked) : overTcp(address, port, asked, patience)),
    close: () => {
      for (const opened of sockets.values()) void opened.then((socket) => socket.close())
    },
  }
}

/** A client of the other family asks the loopback address of its own. */
const serverFor = (address: string, from: string): string =>
  from.includes(':') && !address.includes(':') ? '::1' : address

function overTcp(address: string, port: number, asked: Ask, patience: number): Promise<Uint8Array | undefined> {
  const connection = createConnection({ port, host: serverFor(address, asked.from ?? ''), localAddress: asked.from })
  return overStream(connection, octetsOf(asked, 1), patience)
}

/** One question and its reply, each behind its length; the connection ends with it. */
export function overStream(connection: Socket, octets: Uint8Array, patience: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    const done = (reply: Uint8Array | undefined) => {
      clearTimeout(timer)
      connection.destroy()
      resolve(reply)
    }
    const timer = setTimeout(done, patience, undefined)
    connection.on('error', () => done(undefined))
    connection.on('close', () => done(undefined))
    connection.on('data', (chunk) => {
      received = Buffer.concat([received, Buffer.from(chunk)])
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) done(received.subarray(2))
    })
    connection.write(Buffer.concat([Buffer.from([octets.length >> 8, octets.length & 255]), octets]))
  })
}
