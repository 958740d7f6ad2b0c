/**
 * TCP and TLS connections, kept and shared (RFC 7766 §6.2). A question goes to an idle connection, else to a new one,
 * else (at the limit) it is pipelined on the one with the fewest waiting; answers may arrive in any order.
 */
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../scheduling/clock.ts'
import {
  type Endpoint,
  endpointText,
  type Receiver,
  reasonOf,
  type Sending,
  type UpstreamConnection,
} from './connection.ts'
import { BadReply } from './failure.ts'
import { NoPlace } from './places.ts'
import { randomId, withId } from './random.ts'

export interface StreamOptions {
  /** Opens a connection. */
  readonly dial: () => Socket
  /** The event of a connection that is ready: `connect`, or `secureConnect` for TLS. */
  readonly ready: 'connect' | 'secureConnect'
  /** `192.0.2.1:53`, for error texts. */
  readonly target: string
  readonly clock: Clock
  /** Milliseconds that an idle connection is kept (`expire`). */
  readonly expire: number
  /** Milliseconds after which a connection takes no more questions (`max_age`); 0: no limit. */
  readonly maxAge: number
  /** Idle connections kept (`max_idle_conns`); 0: no limit. */
  readonly maxIdle: number
  /** Called for each question with whether it used an open connection. */
  readonly reused: (hit: boolean) => void
  /** Octets of messages that may wait: an upstream that accepts connections but is slow must not hold memory. */
  readonly mostOctets: number
  readonly onOverflow: () => void
}

/** Connections to one server; at the limit questions are pipelined, at most `mostWaiting` on each. */
const mostConnections = 32
const mostWaiting = 256

interface Connection {
  readonly socket: Socket
  readonly openedAt: number
  /** By ID. */
  readonly waiting: Map<number, Pending>
  ready: boolean
  /** It has delivered an answer: the server accepts questions on it. */
  proven: boolean
  /** Takes no more questions. */
  retired: boolean
  idle: Timer | undefined
  /** Octets of an incomplete message. */
  partial: Buffer
}

interface Pending {
  readonly wire: Uint8Array
  readonly receiver: Receiver
  /** May be sent once more on a new connection, because the server may have closed the kept one. */
  again: boolean
  connection: Connection | undefined
  id: number
  /** The answer is no longer wanted. */
  over: boolean
}

export function createStreamConnection(options: StreamOptions): UpstreamConnection {
  const { clock, target } = options
  const connections = new Set<Connection>()
  /** Octets of the waiting messages. */
  let octets = 0

  function open(): Connection {
    const socket = options.dial()
    const connection: Connection = {
      socket,
      openedAt: clock.now(),
      waiting: new Map(),
      ready: false,
      proven: false,
      retired: false,
      idle: undefined,
      partial: Buffer.alloc(0),
    }
    connections.add(connection)
    socket.setNoDelay(true)
    socket.on(options.ready, () => {
      connection.ready = true
      socket.unref()
    })
    socket.on('data', (bytes: Buffer) => receive(connection, bytes))
    socket.on('error', (error) => lose(connection, error))
    socket.on('end', () => lose(connection, new Error('EOF')))
    socket.on('close', () => lose(connection, new Error('EOF')))
    return connection
  }

  function choose(fresh: boolean): Connection | undefined {
    let best: Connection | undefined
    for (const connection of connections) {
      if (connection.retired || (fresh && connection.proven)) continue
      if (options.maxAge > 0 && clock.now() - connection.openedAt >= options.maxAge) {
        retire(connection)
        continue
      }
      if (!best || connection.waiting.size < best.waiting.size) best = connection
    }
    if (best?.waiting.size === 0) return best
    if (connections.size < mostConnections) return open()
    return best && best.waiting.size < mostWaiting ? best : undefined
  }

  function dispatch(pending: Pending, fresh: boolean): void {
    const fits = octets + pending.wire.length <= options.mostOctets
    const connection = fits ? choose(fresh) : undefined
    if (!connection) {
      options.onOverflow()
      const error = new NoPlace(`too many queries wait for ${target} over TCP`)
      queueMicrotask(() => pending.over || pending.receiver.failed(error))
      return
    }
    connection.idle?.cancel()
    connection.idle = undefined
    do pending.id = randomId()
    while (connection.waiting.has(pending.id))
    pending.connection = connection
    pending.again = connection.proven
    connection.waiting.set(pending.id, pending)
    octets += pending.wire.length
    if (!pending.receiver.unrecorded) options.reused(connection.ready)
    const frame = Buffer.allocUnsafe(pending.wire.length + 2)
    frame.writeUInt16BE(pending.wire.length, 0)
    frame.set(withId(pending.wire, pending.id), 2)
    connection.socket.write(frame)
  }

  function receive(connection: Connection, bytes: Buffer): void {
    let rest = connection.partial.length > 0 ? Buffer.concat([connection.partial, bytes]) : bytes
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0)
      deliver(connection, rest.subarray(2, end))
      rest = rest.subarray(end)
    }
    connection.partial = rest
  }

  function deliver(connection: Connection, message: Buffer): void {
    if (message.length < 2) return
    const pending = connection.waiting.get(message.readUInt16BE(0))
    if (!pending) return
    connection.proven = true
    if (pending.receiver.answer(message)) release(connection, pending)
  }

  function release(connection: Connection, pending: Pending): void {
    if (!connection.waiting.delete(pending.id)) return
    octets -= pending.wire.length
    if (connection.waiting.size > 0) return
    if (connection.retired) destroy(connection)
    else keep(connection)
  }

  /** Keeps an idle connection for `expire`, or closes it when enough are idle. */
  function keep(connection: Connection): void {
    let idle = 0
    for (const each of connections) if (each.waiting.size === 0 && each !== connection) idle++
    if (options.maxIdle > 0 && idle >= options.maxIdle) destroy(connection)
    else connection.idle = clock.after(options.expire, () => destroy(connection))
  }

  function retire(connection: Connection): void {
    connection.retired = true
    if (connection.waiting.size === 0) destroy(connection)
  }

  function destroy(connection: Connection): void {
    connection.idle?.cancel()
    connections.delete(connection)
    connection.socket.destroy()
  }

  /** The connection is lost: if it was a kept one, its questions move to another, otherwise they fail. */
  function lose(connection: Connection, error: Error): void {
    if (!connections.has(connection)) return
    destroy(connection)
    const lost = [...connection.waiting.values()]
    connection.waiting.clear()
    for (const pending of lost) {
      octets -= pending.wire.length
      pending.connection = undefined
      if (pending.again) dispatch(pending, true)
      else pending.receiver.failed(described(connection, error))
    }
  }

  function described(connection: Connection, error: Error): Error {
    if (error.message === 'EOF') return connection.ready ? new BadReply('EOF') : error
    if (!connection.ready) return new Error(`dial tcp ${target}: connect: ${reasonOf(error)}`)
    return new BadReply(`read tcp ${localText(connection)}->${target}: read: ${reasonOf(error)}`)
  }

  return {
    send(wire, receiver): Sending {
      const pending: Pending = { wire, receiver, again: false, connection: undefined, id: 0, over: false }
      dispatch(pending, false)
      return {
        cancel(why) {
          const { connection } = pending
          pending.over = true
          if (!connection) return
          pending.connection = undefined
          if (why === 'silent') connection.retired = true
          release(connection, pending)
        },
        local: () => (pending.connection?.ready ? localOf(pending.connection) : undefined),
        timeout() {
          const { connection } = pending
          if (!connection?.ready) return new Error(`dial tcp ${target}: i/o timeout`)
          return new Error(`read tcp ${localText(connection)}->${target}: i/o timeout`)
        },
      }
    },
    close() {
      for (const connection of connections) destroy(connection)
    },
  }
}

const localText = (connection: Connection): string => endpointText(localOf(connection))

function localOf({ socket }: Connection): Endpoint {
  const { localAddress = '', localPort = 0 } = socket
  return { address: localAddress, port: localPort }
}
