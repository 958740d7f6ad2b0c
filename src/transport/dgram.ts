/**
 * The portable UDP path: node:dgram on the main thread, for systems without the native calls. It is several times slower,
 * and on a wildcard listener the system chooses the source address of a reply.
 */
import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram'
import { within } from '../scheduling/within.ts'
import type { Listener } from '../server/ingress.ts'
import type { ChainSlots } from './chain-slots.ts'
import { cutToHeader } from './error-replies.ts'
import { bindError, type Host, hostsOf, isAbsentFamily, keyOf } from './listener-address.ts'
import { createDatagramUnwrapper, type DatagramUnwrapper } from './proxy-protocol/datagram.ts'
import type { AskedDatagram, TableAnswers } from './table-answers.ts'
import {
  type Endpoint as AnyEndpoint,
  type MainThreadOptions,
  openEndpoints,
  type StagedChange,
  switchEndpoints,
  type Transport,
} from './transport.ts'
import { largestDatagram, requestBytes } from './udp/batch.ts'

interface Endpoint extends AnyEndpoint {
  readonly unwrapper: DatagramUnwrapper
  readonly sockets: Socket[]
  /** Datagrams read so far. */
  received: number
  /** Queries without a reply, and callbacks for when none are left. */
  pending: number
  readonly onSettled: (() => void)[]
}

/** Turns of the event loop that a drain may take: enough for a full receive buffer, while a busy socket cannot prolong it. */
const turnsPerDrain = 1000
const receiveBufferBytes = 4 * 1024 * 1024

export interface DgramOptions extends Pick<MainThreadOptions, 'clock' | 'log' | 'metrics' | 'limits'> {
  readonly tableAnswers: TableAnswers
  /** Slots of UDP queries. */
  readonly slots: ChainSlots
}

export function openDgram(options: DgramOptions): Transport {
  const { slots, tableAnswers, clock, log, metrics, limits } = options
  const endpoints = new Map<string, Endpoint>()
  let lastQueryAt = Number.NEGATIVE_INFINITY
  /** Removed endpoints that still answer earlier queries. Each removal creates its own value, which identifies it. */
  const leaving = new Map<string, { readonly endpoint: Endpoint }>()
  const closing = new Set<Promise<void>>()

  function receive(endpoint: Endpoint, host: Host, socket: Socket, datagram: Buffer, from: RemoteInfo): void {
    if (from.port === 0) return
    const receivedAt = clock.now()
    lastQueryAt = receivedAt
    endpoint.received++
    const { listener } = endpoint
    const octets = datagram.length > requestBytes ? datagram.subarray(0, requestBytes) : datagram
    const peer = { address: from.address.split('%', 1)[0], port: from.port }
    const unwrapped = listener.proxyProtocol
      ? endpoint.unwrapper.unwrap(octets, peer, listener.proxyProtocol)
      : { request: octets, client: peer }
    if (unwrapped === undefined) return
    const local = { address: host.address, port: listener.port }
    const asked = { ...unwrapped, local, listener, receivedAt }
    const reply = tableAnswers.answer(asked)
    if (reply === 'miss') ask(endpoint, socket, asked, from)
    else if (reply !== undefined) send(endpoint, socket, reply, from)
  }

  function ask(endpoint: Endpoint, socket: Socket, asked: AskedDatagram, from: RemoteInfo): void {
    endpoint.pending++
    slots.ask({ ...asked, transport: 'udp', releaseSlot: undefined }, (octets) => {
      if (octets !== undefined) send(endpoint, socket, octets, from)
      if (--endpoint.pending === 0) for (const resolve of endpoint.onSettled.splice(0)) resolve()
    })
  }

  /** `octets` must stay unchanged until they are sent. */
  function send({ listener }: Endpoint, socket: Socket, octets: Uint8Array, to: RemoteInfo): void {
    const message = octets.length > largestDatagram ? octets.subarray(0, cutToHeader(octets, 0)) : octets
    const countDropped = (): void => {
      metrics.sendDrops.inc()
      listener.shedding?.responses.inc()
    }
    try {
      socket.send(message, to.port, to.address, (error) => {
        if (error !== null) countDropped()
      })
    } catch {
      // The socket is closed.
      countDropped()
    }
  }

  async function open(listener: Listener): Promise<Endpoint> {
    // A second socket beside the draining one would share its queries, so the draining one is reused.
    const back = leaving.get(keyOf(listener))?.endpoint
    if (back !== undefined) {
      leaving.delete(keyOf(listener))
      back.listener = listener
      return back
    }
    const unwrapper = createDatagramUnwrapper(clock, log)
    const endpoint: Endpoint = { listener, unwrapper, sockets: [], received: 0, pending: 0, onSettled: [] }
    for (const host of hostsOf(listener)) {
      const socket = createSocket(socketOptions(host))
      try {
        await bind(socket, host, listener.port)
        socket.on('message', (datagram, from) => receive(endpoint, host, socket, datagram, from))
        socket.on('error', (error) => log.error(`udp ${keyOf(listener)}: ${error.message}`))
        endpoint.sockets.push(socket)
      } catch (error) {
        socket.close()
        const code = (error as NodeJS.ErrnoException).code ?? String(error)
        if (isAbsentFamily(host, code)) continue
        await close(endpoint)
        throw bindError('udp', listener, code)
      }
    }
    return endpoint
  }

  /** Resolves when the sockets' queues are empty. The sockets are closed once the chain has answered those queries. */
  async function leave(endpoint: Endpoint): Promise<void> {
    const key = keyOf(endpoint.listener)
    const departure = { endpoint }
    leaving.set(key, departure)
    for (let turn = 0, seen = -1; turn < turnsPerDrain && seen !== endpoint.received; turn++) {
      seen = endpoint.received
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    }
    const closed = within(clock, limits.drain, settled(endpoint)).then(async () => {
      if (leaving.get(key) !== departure) return
      leaving.delete(key)
      await close(endpoint)
    })
    closing.add(closed)
    void closed.then(() => closing.delete(closed))
  }

  function settled(endpoint: Endpoint): Promise<void> {
    return endpoint.pending === 0 ? Promise.resolve() : new Promise((resolve) => endpoint.onSettled.push(resolve))
  }

  return {
    async stage(listeners): Promise<StagedChange> {
      const { opened, abandon } = await openEndpoints(endpoints, listeners, open, close)
      const commit = async () => void (await Promise.all(switchEndpoints(endpoints, listeners, opened).map(leave)))
      return { commit, abandon }
    },
    lastQueryAt: () => lastQueryAt,
    async close() {
      const left = [...endpoints.values()]
      endpoints.clear()
      await Promise.all(left.map(leave))
      await Promise.all(closing)
    },
  }
}

function socketOptions({ family }: Host): SocketOptions {
  return {
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    // Allows a listener on one address beside a wildcard listener; outside Linux, reuseAddr does that.
    ...(process.platform === 'linux' ? { reusePort: true } : { reuseAddr: true }),
    recvBufferSize: receiveBufferBytes,
    // The address comes from recvfrom: Node.js's default would call getaddrinfo and cost another tick.
    lookup: (address, _options, found) => found(null, address, family),
  }
}

function bind(socket: Socket, host: Host, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ address: host.address, port, exclusive: true }, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}

async function close({ sockets }: Endpoint): Promise<void> {
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))))
}
