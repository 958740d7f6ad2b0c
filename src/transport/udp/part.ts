/** The sockets of one address of a listener, and their retirement when a reload needs fewer. */
import type { Libc } from '../../libc/libc.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { within } from '../../scheduling/within.ts'
import type { Listener } from '../../server/ingress.ts'
import type { Host } from '../listener-address.ts'
import type { DatagramUnwrapper } from '../proxy-protocol/datagram.ts'
import type { MissSource } from './miss-source.ts'
import { retireUdpSocket } from './socket.ts'
import type { UdpThread } from './thread.ts'

/** Shard i is read by thread i. Replies to misses are sent from shard 0. */
export interface Part extends MissSource {
  readonly host: Host
  readonly sockets: OpenSocket[]
}

export interface OpenSocket {
  readonly id: number
  readonly fd: number
  /** Datagrams dropped by the kernel that are already in the metric. */
  dropsCounted: number
}

export function emptyPart(host: Host, listener: Listener, unwrapper: DatagramUnwrapper): Part {
  return {
    unwrapper,
    host,
    family: host.family,
    listener,
    localAddress: host.wildcard ? undefined : host.address,
    sockets: [],
    replyfd: -1,
    pending: 0,
    settled: undefined,
  }
}

export interface Retirement {
  /** Retires the part's sockets from number `shards` on. Resolves when their queues are empty. */
  retire(part: Part, shards: number): Promise<void>
  /** Resolves when all sockets retired so far are closed. */
  closed(): Promise<unknown>
}

export interface RetirementDeps {
  readonly native: Libc
  readonly clock: Clock
  /** Milliseconds that a thread, and then the chain, may take to finish with a socket. */
  readonly drainTimeout: number
  readonly thread: (shard: number) => UdpThread
  /** Called when no thread reads the socket any more. */
  readonly onDrained: (socket: OpenSocket) => void
}

export function createRetirement({ native, clock, drainTimeout, thread, onDrained }: RetirementDeps): Retirement {
  /** Retired sockets that stay open until the chain has answered their queries. */
  const closing = new Set<Promise<void>>()

  /** Resolves when the thread no longer uses the socket. The socket is closed later, in the background. */
  async function giveUp(part: Part, socket: OpenSocket, reader: UdpThread): Promise<void> {
    const drained = reader.drain(socket.id)
    const closed = drained.then(() => closeDrained(part, socket))
    closing.add(closed)
    void closed.then(() => closing.delete(closed))
    // With a time limit: a thread that keeps dying must not block the next reload.
    await within(clock, drainTimeout, drained)
  }

  /** Closes the socket. The one that sends replies stays open until the chain has answered, within a time limit. */
  async function closeDrained(part: Part, socket: OpenSocket): Promise<void> {
    onDrained(socket)
    if (socket.fd === part.replyfd) {
      const settled = new Promise<void>((resolve) => {
        part.settled = resolve
      })
      if (part.pending > 0) await within(clock, drainTimeout, settled)
      part.replyfd = -1
    }
    native.close(socket.fd)
  }

  return {
    async retire(part, shards) {
      const surplus = part.sockets.splice(shards)
      for (const socket of surplus) retireUdpSocket(native, socket.fd, part.host)
      await Promise.all(surplus.map((socket, i) => giveUp(part, socket, thread(shards + i))))
    },
    closed: () => Promise.all(closing),
  }
}
