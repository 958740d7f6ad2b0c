/**
 * UDP through node:dgram, one socket per exchange (limited by places.ts), for when no kept socket is available
 * (kept-sockets.ts). A forger has to guess the ID and a source port that was never used before (RFC 5452 §4.5, §9.2). The
 * socket is connected, so the kernel drops datagrams from other senders.
 */
import { createSocket } from 'node:dgram'
import { canonicalAddress, connectableAddress } from '../dns/address.ts'
import {
  type Endpoint,
  endpointText,
  type Receiver,
  reasonOf,
  type Sending,
  type UpstreamConnection,
} from './connection.ts'
import { randomId, withId } from './random.ts'

export interface UdpOptions {
  /** The address to send from (`source_address`); any when undefined. */
  readonly source?: string | undefined
}

export function createUdpConnection(server: Endpoint, options: UdpOptions = {}): UpstreamConnection {
  const address = connectableAddress(server.address)
  /** Ends each exchange in progress. */
  const open = new Set<() => void>()
  const family = address.includes(':') ? 6 : 4
  // Already an address: looking it up would only cost a turn of the event loop.
  const lookup = (text: string, _: unknown, found: (error: null, address: string, family: number) => void) =>
    found(null, text, family)
  const target = endpointText(server)
  const canonical = canonicalAddress(address)
  const isServer = (from: string): boolean => from === canonical || from === address

  function send(wire: Uint8Array, receiver: Receiver): Sending {
    const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', lookup })
    const message = withId(wire, randomId())
    let local: Endpoint | undefined
    let over = false
    const end = (): void => {
      over = true
      open.delete(end)
      socket.close()
    }
    const fail = (doing: string, error: Error): void => {
      if (over) return
      rememberLocal()
      end()
      receiver.failed(new Error(`${doing} udp ${from()}${target}: ${doing}: ${reasonOf(error)}`))
    }
    const rememberLocal = (): void => {
      try {
        const { address, port } = socket.address()
        local = { address, port }
      } catch {
        // Not bound, so without a local address.
        local = undefined
      }
    }
    const from = (): string => (local ? `${endpointText(local)}->` : '')

    open.add(end)
    socket.on('message', (bytes, from) => {
      // A datagram received before the socket was connected may be from any sender.
      if (from.port !== server.port || !isServer(from.address)) return
      if (over || bytes.length < 2 || bytes[0] !== message[0] || bytes[1] !== message[1]) return
      if (receiver.answer(bytes) && !over) end()
    })
    socket.on('error', (error) => fail('read', error))
    const connect = (): void => {
      if (!over) socket.connect(server.port, address)
    }
    socket.on('connect', () => {
      if (!over) socket.send(message, (error) => error && fail('write', error))
    })
    if (options.source === undefined) connect()
    else socket.bind({ address: options.source, exclusive: true }, connect)

    return {
      cancel() {
        if (!over) end()
      },
      local() {
        if (!over) rememberLocal()
        return local
      },
      timeout() {
        if (!over) rememberLocal()
        return new Error(`read udp ${from()}${target}: i/o timeout`)
      },
    }
  }

  return {
    send,
    close() {
      for (const end of open) end()
    },
  }
}
