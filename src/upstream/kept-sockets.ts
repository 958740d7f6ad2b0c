/**
 * The main thread's UDP exchanges over connected sockets that are kept (udp-sockets.ts), using system calls directly.
 * Node.js cannot poll foreign descriptors, so a UDP thread watches their epoll set and reports which are readable. While
 * no thread watches, or when no socket is available, an exchange uses a node:dgram socket (udp.ts).
 */
import { getSystemErrorName } from 'node:util'
import { formatAddress } from '../dns/address.ts'
import { type Libc, linux } from '../libc/libc.ts'
import { addressLength, addressOffset } from '../libc/sockaddr.ts'
import type { Clock, Timer } from '../scheduling/clock.ts'
import {
  type Endpoint,
  endpointText,
  type Receiver,
  reasonOf,
  type Sending,
  type UpstreamConnection,
} from './connection.ts'
import type { Unread } from './inbox.ts'
import { randomId } from './random.ts'
import { createUdpConnection, type UdpOptions } from './udp.ts'
import { createDescriptorPool, createUdpSockets, socketsPerServer } from './udp-sockets.ts'

export interface KeptSockets {
  /** The epoll set, edge-triggered: its watcher calls `ready` once for each event. */
  readonly epoll: number
  /** Sets the watcher; undefined: none any more. */
  watch(watcher: { unread(): Unread } | undefined): void
  /** Reads what has arrived, as far as this thread can; the result tells whether any of it is still unread. */
  unread(): Unread
  /** The socket with this tag is readable, or has an error. */
  ready(tag: number): void
  connect(server: KeptServer, options: UdpOptions): UpstreamConnection
  close(): void
}

/** A server with its kernel socket address, and the address to send from. */
export interface KeptServer extends Endpoint {
  readonly name: Uint8Array
  readonly source: Uint8Array | undefined
}

export interface KeptSocketsOptions {
  readonly native: Libc
  readonly clock: Clock
  /** Limit for the sockets of all servers together. */
  readonly mostSockets: number
}

interface Pending {
  readonly index: number
  readonly id: number
  readonly receiver: Receiver
  over: boolean
  /** The local end, once it has been determined. */
  local: Endpoint | undefined
}

/** The sockets to one server, and the exchanges that wait on each. */
interface Connection {
  readable(index: number): void
  /** Whether no exchange waits. */
  idle(): boolean
}

/** The largest question and answer. */
const largestMessage = 0xffff
/** Milliseconds between two checks while exchanges wait and no thread watches. */
const sweepInterval = 20
/** The share of the sockets for one server: most Corefiles have few servers. */
const share = 3 / 8

export function createKeptSockets({ native, clock, mostSockets }: KeptSocketsOptions): KeptSockets {
  const epoll = native.epoll()
  const descriptors = createDescriptorPool(new Int32Array(new SharedArrayBuffer(4 * mostSockets)))
  const size = Math.min(socketsPerServer, Math.floor(mostSockets * share))
  const buffer = new Uint8Array(new ArrayBuffer(largestMessage))
  const address = native.addressOf(buffer)
  const connections: (Connection | undefined)[] = []
  const tags = new Int32Array(64)
  let watcher: { unread(): Unread } | undefined
  let sweeping: Timer | undefined

  function sweep(): void {
    for (let found = native.ready(epoll, tags); found > 0; found = native.ready(epoll, tags))
      for (let i = 0; i < found; i++) ready(tags[i])
    if (connections.some((connection) => connection?.idle() === false)) return
    sweeping?.cancel()
    sweeping = undefined
  }

  function ready(tag: number): void {
    connections[Math.floor(tag / socketsPerServer)]?.readable(tag % socketsPerServer)
  }

  function connect(server: KeptServer, options: UdpOptions): UpstreamConnection {
    const target = endpointText(server)
    const fallback = createUdpConnection(server, options)
    let place = connections.indexOf(undefined)
    if (place < 0) place = connections.length
    const tag = place * socketsPerServer
    const { name, source } = server
    const sockets = createUdpSockets({ native, server: name, source, epoll, tag, size, descriptors, edge: true })
    /** By index of the socket. */
    const waiting = new Map<number, Pending[]>()
    let retiring: Timer | undefined

    /** Closes sockets whose time is over, as long as there are any. */
    function retireLater(): void {
      if (retiring !== undefined || sockets.retireAt() === Number.POSITIVE_INFINITY) return
      retiring = clock.after(Math.max(1, Math.ceil(sockets.retireAt() - clock.now())), () => {
        retiring = undefined
        sockets.retire(clock.now())
        retireLater()
      })
    }

    function end(pending: Pending): void {
      pending.over = true
      const left = waiting.get(pending.index)!.filter((other) => other !== pending)
      if (left.length > 0) waiting.set(pending.index, left)
      else waiting.delete(pending.index)
      sockets.end(pending.index)
    }

    function readable(index: number): void {
      // Each answer may end the socket's last exchange, which closes the socket.
      while (waiting.has(index)) {
        const fd = sockets.fd(index)
        const length = native.receiveOne(fd, address, largestMessage)
        if (length >= 0) take(index, buffer.subarray(0, Math.min(length, largestMessage)))
        else {
          const errno = native.errno()
          if (errno !== linux.EAGAIN) fail(index, fd, errno)
          return
        }
      }
    }

    function take(index: number, bytes: Uint8Array): void {
      const id = bytes.length < 2 ? -1 : (bytes[0] << 8) | bytes[1]
      const pending = waiting.get(index)?.find((other) => other.id === id)
      if (pending?.receiver.answer(bytes) && !pending.over) end(pending)
    }

    /** An ICMP error says that the server cannot be reached. */
    function fail(index: number, fd: number, errno: number): void {
      const local = localOf(fd)
      while (native.receiveError(fd, address, largestMessage) >= 0);
      sockets.spend(index)
      for (const pending of waiting.get(index) ?? []) {
        pending.local = local
        end(pending)
        pending.receiver.failed(
          new Error(`read udp ${endpointText(local)}->${target}: read: ${reasonOf(systemError(errno))}`),
        )
      }
    }

    function localOf(fd: number): Endpoint {
      const own = new Uint8Array(name.length)
      native.localAddress(fd, own)
      const family = own[0] === linux.AF_INET ? 4 : 6
      const text = formatAddress(own, addressOffset[family], addressLength[family])
      return { address: text, port: (own[2] << 8) | own[3] }
    }

    function rememberLocal(pending: Pending): Endpoint | undefined {
      if (!pending.over) pending.local = localOf(sockets.fd(pending.index))
      return pending.local
    }

    function idFor(index: number): number {
      const taken = waiting.get(index) ?? []
      for (;;) {
        const id = randomId()
        if (!taken.some((other) => other.id === id)) return id
      }
    }

    function sendOn(index: number, wire: Uint8Array, receiver: Receiver): Sending | undefined {
      const id = idFor(index)
      buffer.set(wire)
      buffer[0] = id >> 8
      buffer[1] = id
      if (native.sendOne(sockets.fd(index), address, wire.length) < 0) {
        // The error may belong to an earlier exchange; a new socket will tell.
        sockets.spend(index)
        sockets.end(index)
        return undefined
      }
      const pending: Pending = { index, id, receiver, over: false, local: undefined }
      waiting.set(index, [...(waiting.get(index) ?? []), pending])
      return {
        cancel(why) {
          if (pending.over) return
          if (why === 'silent') sockets.spend(index)
          end(pending)
        },
        local: () => rememberLocal(pending),
        timeout() {
          const local = rememberLocal(pending)
          return new Error(`read udp ${local ? `${endpointText(local)}->` : ''}${target}: i/o timeout`)
        },
      }
    }

    connections[place] = { readable, idle: () => waiting.size === 0 }
    return {
      send(wire, receiver) {
        const index = watcher && wire.length <= largestMessage ? sockets.draw(clock.now()) : -1
        const sending = index < 0 ? undefined : sendOn(index, wire, receiver)
        retireLater()
        return sending ?? fallback.send(wire, receiver)
      },
      close() {
        retiring?.cancel()
        fallback.close()
        for (const some of waiting.values()) for (const pending of some) pending.over = true
        waiting.clear()
        sockets.close()
        connections[place] = undefined
      },
    }
  }

  return {
    epoll,
    watch(another) {
      watcher = another
      sweeping?.cancel()
      sweeping = another ? undefined : clock.every(sweepInterval, sweep)
    },
    unread() {
      sweep()
      return watcher?.unread() ?? (() => false)
    },
    ready,
    connect,
    close() {
      sweeping?.cancel()
      native.close(epoll)
    },
  }
}

/** The error as Node.js would report it. */
const systemError = (errno: number): Error => {
  const code = getSystemErrorName(-errno)
  return Object.assign(new Error(code), { code })
}
