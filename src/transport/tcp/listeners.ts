/** Everything that comes by connections: the listening sockets of its schemes, and what all connections have in common. */
import { createServer, type Server, type Socket } from 'node:net'
import type { Libc } from '../../libc/libc.ts'
import { createCooperativeScheduler, sliceLength } from '../../scheduling/cooperative-scheduler.ts'
import type { Listener, MissHandler } from '../../server/ingress.ts'
import { errorStack } from '../../telemetry/error-text.ts'
import type { FairBudget } from '../fair-budget.ts'
import { guardAnswer } from '../guarded-answer.ts'
import { bindError, familyOf, type Host, hostsOf, idOf, isAbsentFamily, isSameAddress } from '../listener-address.ts'
import {
  type Endpoint as AnyEndpoint,
  type MainThreadOptions,
  openEndpoints,
  type StagedChange,
  switchEndpoints,
  type Transport,
} from '../transport.ts'
import { type Admission, createAdmission } from './admission.ts'
import { type Connection, openConnection } from './connection.ts'
import { type ConnectionTable, createConnectionTable, inBoth } from './connection-table.ts'
import { boundKernelBuffers, listen, probe, takesNoMore } from './listening-socket.ts'
import { createReplyStreams } from './multi-message.ts'
import { scratchBytes } from './output.ts'
import { createOpening, type StreamProtocol } from './protocol.ts'
import type { SharedState } from './shared-state.ts'
import { createTurns } from './turns.ts'

/**
 * Octets that Node.js reads ahead, or takes for writing, before it stops. What is above it waits in the client, not in our
 * memory.
 */
const highWaterMark = 16 * 1024

/** DNS over TCP (RFC 7766). */
export const tcp: StreamProtocol = {
  scheme: 'dns',
  applications: [],
  open: (...connection) => openConnection('tcp', ...connection),
}

/** DNS over TLS (RFC 7858). As in CoreDNS a client that names a protocol (ALPN `dot`) is served, too: there is no choice. */
export const dnsOverTls: StreamProtocol = {
  scheme: 'tls',
  applications: [],
  open: (...connection) => openConnection('tls', ...connection),
}

export interface StreamOptions extends MainThreadOptions {
  readonly onMiss: MissHandler
  /** Octets of waiting queries, shared by all transports. */
  readonly waiting: FairBudget
  /** The system's own calls, where there are any. */
  readonly native: Libc | undefined
}

interface Endpoint extends AnyEndpoint {
  readonly servers: { readonly host: Host; readonly server: Server }[]
  readonly guests: Set<Guest>
  /** Connections accepted so far. */
  accepted: number
  /** What is open here, where the listener has a bound of its own (`https { max_connections }`). */
  own?: Admission
}

/** The endpoint that a connection belongs to: the one that serves its address now. */
interface Place {
  home: Endpoint
}

interface Guest {
  connection: Connection
  readonly address: string
  readonly place: Place
}

/**
 * Listening sockets of an address. Node.js accepts one connection of each in a turn of the event loop: with a single one,
 * a client that opens connections as fast as it can would keep all others waiting. The kernel spreads them.
 */
const acceptors = process.platform === 'linux' ? 4 : 1
/** Milliseconds that a connection may take from its first packet to its third: many times what a cluster needs. */
const handshake = 250
/** Milliseconds between two looks at the connections' deadlines. */
const sweepEvery = 250

export function openStreamTransport(protocols: readonly StreamProtocol[], options: StreamOptions): Transport {
  const { clock, limits, metrics, log } = options
  const endpoints = new Map<string, Endpoint>()
  /** Removed listeners that still accept or have open connections, and when those are closed. */
  const leaving = new Map<Endpoint, Promise<void>>()
  const shared = shareState(options)
  const openings = new Map(protocols.map((protocol) => [protocol.scheme, createOpening(shared, protocol)]))
  const collecting = metrics.onCollect(() => metrics.tcpConnections.set(shared.table.size()))
  let lookedAt = clock.now()
  let passedOver = false
  const sweeping = clock.every(sweepEvery, () => {
    const now = clock.now()
    // The process did not run: what clients have sent meanwhile is read before any of them is called late.
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
    const home = leaving.has(endpoint) && address !== undefined ? heirOf(endpoint, address) : endpoint
    // The client has closed the connection already, or nobody serves its address any more.
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
      // Later than now: what lies above the socket ends with it.
      setImmediate(() => place.home.own?.admit())
    })
  }

  function admissionOf(endpoint: Endpoint): Admission | undefined {
    const most = (): number => endpoint.listener.http?.maxConnections || Number.POSITIVE_INFINITY
    if (most() === Number.POSITIVE_INFINITY) return endpoint.own
    endpoint.own ??= createAdmission({
      most,
      table: tableOfConnections(options, limits.tcpConnections),
      all: shared.table,
      now: () => clock.now(),
      longest: limits.tcpRead,
    })
    return endpoint.own
  }

  /** The endpoint that serves the address now that this one does not. */
  function heirOf({ listener: { scheme, port } }: Endpoint, address: string): Endpoint | undefined {
    const candidates = [...endpoints.values()].filter(
      ({ listener }) => listener.scheme === scheme && listener.port === port,
    )
    return (
      candidates.find(({ servers }) => servers.some(({ host }) => isSameAddress(host.address, address))) ??
      candidates.find(({ servers }) => servers.some(({ host }) => host.wildcard && host.family === familyOf(address)))
    )
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
   * Connections go over to the listener that serves their address from now on; without one, they get the replies
   * to the queries that they have sent. New connections come here no more; those that the kernel has accepted, or is
   * about to, are taken first: closing their socket would reset them.
   */
  function leave(endpoint: Endpoint): void {
    const detached = endpoint.servers.every(({ server }) => takesNoMore(options.native, server))
    const closed = (detached ? acceptTheRest(endpoint) : Promise.resolve())
      .then(() => close(endpoint))
      .then(() => void leaving.delete(endpoint))
    leaving.set(endpoint, closed)
    for (const guest of [...endpoint.guests]) {
      const heir = heirOf(endpoint, guest.address)
      if (heir) move(guest, heir)
      else guest.connection.finish(limits.drain)
    }
  }

  /** Resolves when a handshake's time is over, and nothing has been accepted since the event loop last turned. */
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

  /** Stops listening at once. Connections get the replies to the queries that they have sent. */
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

function shareState(options: StreamOptions): SharedState {
  const { responder, queryLog, onMiss, waiting, clock, limits, metrics, log } = options
  const report = (error: unknown): void =>
    log.error(`Answering from the table failed; the plugin chain was asked: ${errorStack(error)}`)
  return {
    responder,
    answer: guardAnswer(responder, { count: () => metrics.answerFailures.inc(), report, now: () => clock.now() }),
    queryLog,
    onMiss,
    waiting,
    clock,
    limits,
    // Never longer: between two slices connections are accepted, and the plugin chain works.
    turns: createTurns(createCooperativeScheduler(clock, sliceLength)),
    scratch: Buffer.alloc(scratchBytes),
    table: tableOfConnections(options, limits.tcpConnections, limits.tcpConnectionsPerClient),
    streams: createReplyStreams(limits.tcpStreams, clock),
    lastQueryAt: Number.NEGATIVE_INFINITY,
    onOversized: () => metrics.tcpOversized.inc(),
    onStreamFailure(error) {
      metrics.answerFailures.inc()
      log.error(`A reply of several messages failed, and its connection was closed: ${errorStack(error)}`)
    },
  }
}

function tableOfConnections(
  { limits, metrics, clock }: StreamOptions,
  most: number,
  perClient = most,
): ConnectionTable {
  return createConnectionTable({
    connections: most,
    connectionsPerClient: perClient,
    inputBytes: limits.tcpInputBytes,
    unsentBytes: limits.tcpUnsentBytes,
    onEvicted: (reason) => metrics.tcpEvictions[reason].inc(),
    now: () => clock.now(),
  })
}

function move(guest: Guest, to: Endpoint): void {
  guest.place.home.guests.delete(guest)
  guest.place.home = to
  to.guests.add(guest)
}

async function discard(endpoint: Endpoint): Promise<void> {
  for (const { connection } of endpoint.guests) connection.destroy()
  await close(endpoint)
}

/** Resolves when the listening sockets are closed and their last connection too. */
async function close({ servers }: Endpoint): Promise<void> {
  await Promise.all(
    servers.map(({ server }) => (server.listening ? new Promise((resolve) => server.close(resolve)) : undefined)),
  )
}

/** True when a probe would only find this server. */
function overlaps(host: Host, port: number, endpoints: readonly Endpoint[]): boolean {
  return endpoints.some(
    ({ listener, servers }) =>
      listener.port === port &&
      servers.some(
        ({ host: other, server }) =>
          server.listening &&
          other.family === host.family &&
          (other.wildcard || host.wildcard || isSameAddress(other.address, host.address)),
      ),
  )
}
