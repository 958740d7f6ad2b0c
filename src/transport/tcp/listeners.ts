/** Opens the listening sockets of all connection-based schemes, accepts connections, and replaces listeners at a reload. */
import { createServer, type Socket } from 'node:net'
import type { Listener } from '../../server/ingress.ts'
import { bindError, hostsOf, idOf, isAbsentFamily } from '../listener-address.ts'
import { openEndpoints, type StagedChange, switchEndpoints, type Transport } from '../transport.ts'
import { type Admission, createAdmission } from './admission.ts'
import { inBoth } from './connection-table.ts'
import { close, discard, type Endpoint, type Guest, move, overlaps, type Place, successorOf } from './endpoint.ts'
import { boundKernelBuffers, listen, probe, takesNoMore } from './listening-socket.ts'
import { createOpening } from './opening.ts'
import type { Connection, StreamProtocol } from './protocol.ts'
import { createSharedState, createTable, type StreamOptions } from './shared-state.ts'

/**
 * Octets that Node.js reads ahead, or accepts for writing, before it stops. Anything beyond waits at the client instead of in
 * the server's memory.
 */
const highWaterMark = 16 * 1024

/**
 * Listening sockets per address. Node.js accepts one connection of each per turn of the event loop: with a single one, a
 * client that opens connections as fast as it can would keep all others waiting. The kernel distributes connections.
 */
const acceptors = process.platform === 'linux' ? 4 : 1
/** Milliseconds for a TCP handshake: many times what a cluster needs. */
const handshake = 250
/** Milliseconds between two checks of the connections' deadlines. */
const sweepEvery = 250

export function openStreamTransport(protocols: readonly StreamProtocol[], options: StreamOptions): Transport {
  const { clock, limits, metrics, log } = options
  const endpoints = new Map<string, Endpoint>()
  /** Removed listeners that still accept or have open connections, and the promise of their end. */
  const leaving = new Map<Endpoint, Promise<void>>()
  const shared = createSharedState(options)
  const openings = new Map(protocols.map((protocol) => [protocol.scheme, createOpening(shared, protocol)]))
  const collecting = metrics.onCollect(() => metrics.tcpConnections.set(shared.table.size()))
  let lookedAt = clock.now()
  let passedOver = false
  const sweeping = clock.every(sweepEvery, () => {
    const now = clock.now()
    // The process did not run: input received meanwhile is read before any client counts as late.
    passedOver = !passedOver && now - lookedAt > 2 * sweepEvery
    lookedAt = now
    if (passedOver) return
    for (const { guests, own } of [...endpoints.values(), ...leaving.keys()]) {
      for (const { connection } of guests) connection.sweep(now)
      own?.admit()
    }
  })

  function accept(endpoint: Endpoint, socket: Socket): void {
    endpoint.accepted++
    const { localAddress: address } = socket
    const home =
      leaving.has(endpoint) && address !== undefined ? successorOf(endpoint, address, endpoints.values()) : endpoint
    // The client has already closed the connection, or its address is no longer served.
    if (socket.remoteAddress === undefined || address === undefined || home === undefined) {
      socket.destroy()
      return
    }
    const place: Place = { home }
    const open = (): Connection => {
      const own = admissionOf(place.home)
      const table = own ? inBoth(shared.table, own.table) : shared.table
      const opening = openings.get(place.home.listener.scheme)!
      return opening(socket, () => place.home.listener, table, replace)
    }
    const replace = (connection: Connection): void => {
      guest.connection = connection
    }
    const own = admissionOf(home)
    const wait = own?.full() ? own.wait(socket, socket.remoteAddress, () => replace(open())) : undefined
    const guest: Guest = { place, address, connection: wait ?? open() }
    home.guests.add(guest)
    socket.on('close', () => {
      place.home.guests.delete(guest)
      // In a later turn: what is layered on the socket ends together with it.
      setImmediate(() => place.home.own?.admit())
    })
  }

  function admissionOf(endpoint: Endpoint): Admission | undefined {
    const most = (): number => endpoint.listener.http?.maxConnections || Number.POSITIVE_INFINITY
    if (most() === Number.POSITIVE_INFINITY) return endpoint.own
    endpoint.own ??= createAdmission({
      most,
      table: createTable(options, limits.tcpConnections),
      all: shared.table,
      now: () => clock.now(),
      longest: limits.tcpRead,
    })
    return endpoint.own
  }

  async function open(listener: Listener, others: readonly Endpoint[]): Promise<Endpoint> {
    const endpoint: Endpoint = { listener, servers: [], guests: new Set(), accepted: 0 }
    for (const host of hostsOf(listener)) {
      try {
        if (!overlaps(host, listener.port, [...others, ...leaving.keys()])) await probe(host, listener.port)
        for (let i = 0; i < acceptors; i++) {
          const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark }, (socket) =>
            accept(endpoint, socket),
          )
          await listen(server, host, listener.port, process.platform === 'linux')
          if (options.native) boundKernelBuffers(options.native, server)
          server.on('error', (error) => log.error(`${idOf(listener)}: ${error.message}`))
          endpoint.servers.push({ host, server })
        }
      } catch (error) {
        const { code = String(error), syscall } = error as NodeJS.ErrnoException
        if (isAbsentFamily(host, code)) continue
        await close(endpoint)
        throw bindError('tcp', listener, code, syscall === 'listen' ? 'bind' : syscall)
      }
    }
    return endpoint
  }

  /**
   * Connections move to the listener that now serves their address; without one, they still get the replies to the queries
   * that they have sent. Connections that the kernel has accepted, or is about to, are taken first: closing their socket
   * would reset them.
   */
  function leave(endpoint: Endpoint): void {
    const detached = endpoint.servers.every(({ server }) => takesNoMore(options.native, server))
    const closed = (detached ? acceptTheRest(endpoint) : Promise.resolve())
      .then(() => close(endpoint))
      .then(() => void leaving.delete(endpoint))
    leaving.set(endpoint, closed)
    for (const guest of [...endpoint.guests]) {
      const successor = successorOf(endpoint, guest.address, endpoints.values())
      if (successor) move(guest, successor)
      else guest.connection.finish(limits.drain)
    }
  }

  /** Resolves when a handshake's time has passed and nothing was accepted in the last turn of the event loop. */
  function acceptTheRest(endpoint: Endpoint): Promise<void> {
    const looks = 5
    let look = 0
    let before = endpoint.accepted
    return new Promise((resolve) => {
      const looking = clock.every(handshake / looks, () => {
        if (++look >= looks && endpoint.accepted === before) {
          looking.cancel()
          resolve()
        }
        before = endpoint.accepted
      })
    })
  }

  /** Stops listening at once. Connections still get the replies to the queries that they have sent. */
  function end(endpoint: Endpoint): Promise<void> {
    const closed = close(endpoint)
    for (const { connection } of endpoint.guests) connection.finish(limits.drain)
    return closed
  }

  return {
    async stage(listeners): Promise<StagedChange> {
      const { opened, abandon } = await openEndpoints(endpoints, listeners, open, discard)
      const commit = async () => switchEndpoints(endpoints, listeners, opened).forEach(leave)
      return { commit, abandon }
    },
    lastQueryAt: () => shared.lastQueryAt,
    async close() {
      await Promise.all([...endpoints.values(), ...leaving.keys()].map(end))
      endpoints.clear()
      sweeping.cancel()
      collecting.remove()
    },
  }
}
