/** UDP with threads: opens the sockets, assigns them to threads, and replaces them at a reload. */

import type { Libc } from '../../libc/libc.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { within } from '../../scheduling/within.ts'
import type { Listener, RelayedHandler } from '../../server/ingress.ts'
import type { TableHandle } from '../../table/api.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { ChainSlots } from '../chain-slots.ts'
import type { FairBudget } from '../fair-budget.ts'
import type { Limits } from '../limits.ts'
import { type Host, hostsOf, keyOf } from '../listener-address.ts'
import type { TransportMetrics } from '../metrics.ts'
import { createDatagramUnwrapper } from '../proxy-protocol/datagram.ts'
import { octetsOf, type QueryLogReader } from '../query-log.ts'
import type { TableAnswers } from '../table-answers.ts'
import type { StagedChange, Transport } from '../transport.ts'
import { openMissQueue } from './miss-queue.ts'
import { createRetirement, emptyPart, type OpenSocket, type Part } from './part.ts'
import { openThreadPool } from './pool.ts'
import { listenerCell, listenerCells } from './protocol.ts'
import { createRelaying } from './relaying.ts'
import { openUdpSocket, receiveQueueDrops, retireUdpSocket } from './socket.ts'

export interface UdpThreadsOptions {
  readonly native: Libc
  readonly table: TableHandle
  readonly addReader: () => { readonly slot: number; release(): void }
  readonly slots: ChainSlots
  readonly waiting: FairBudget
  readonly queryLog: QueryLogReader
  readonly tableAnswers: TableAnswers
  readonly onRelayed: RelayedHandler
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: TransportMetrics
  readonly limits: Limits
  readonly responder: string | undefined
  readonly dieAfter: readonly number[]
}

/** A listener's sockets. */
interface Endpoint {
  readonly parts: readonly Part[]
  /** The listener's state shared with threads, and their counters: `listenerCell`. */
  readonly cells: Int32Array
  listener: Listener
  /** Ends relaying for the listener's previous space. */
  endRelay: () => void
}

export function openUdpThreads(options: UdpThreadsOptions): Transport {
  const { native, clock, metrics, limits } = options
  const endpoints = new Map<string, Endpoint>()
  /** The part of every open socket, by the socket's id. */
  const partOf = new Map<number, Part>()
  let nextId = 1
  const missQueue = openMissQueue({
    native,
    slots: options.slots,
    waiting: options.waiting,
    sourceOf: (id) => partOf.get(id),
    tableAnswers: options.tableAnswers,
    onRelayed: options.onRelayed,
    onReady: (tag) => relaying.ready(tag),
    onDropped(replies, { listener: { shedding } }) {
      metrics.sendDrops.inc(replies)
      shedding?.responses.inc(replies)
    },
    onWake: options.queryLog.wake,
  })
  const pool = openThreadPool({
    ...options,
    missQueue,
    missRingBytes: limits.missRingBytes,
    copyRingBytes: limits.copyRingBytes,
    relaySockets: limits.relaySockets,
    drainTimeout: limits.drain,
  })
  const relaying = createRelaying(pool, missQueue)
  const retirement = createRetirement({
    native,
    clock,
    drainTimeout: limits.drain,
    thread: pool.thread,
    onDrained(socket) {
      partOf.delete(socket.id)
      collectDrops(socket)
    },
  })
  const collecting = metrics.onCollect(() => {
    for (const endpoint of endpoints.values()) {
      collectUnanswered(endpoint)
      for (const part of endpoint.parts) for (const socket of part.sockets) collectDrops(socket)
    }
  })

  /** Moves the threads' counts for the listener into the metrics. */
  function collectUnanswered({ cells, listener: { shedding } }: Endpoint): void {
    const queries = Atomics.exchange(cells, listenerCell.unansweredQueries, 0)
    const replies = Atomics.exchange(cells, listenerCell.unsentReplies, 0)
    if (shedding === undefined) metrics.missQueueOverflow.inc(queries)
    shedding?.queries.inc(queries)
    shedding?.responses.inc(replies)
  }

  function collectDrops(socket: OpenSocket): void {
    const drops = receiveQueueDrops(native, socket.fd)
    if (drops === undefined) return
    metrics.receiveDrops.inc((drops - socket.dropsCounted) >>> 0)
    socket.dropsCounted = drops
  }

  const shardsOf = ({ shards }: Listener) => Math.min(shards, limits.udpThreads)

  /** Opens the sockets that `listener` lacks. Adds each to `opened`, so that they can be closed after a failure. */
  function openSockets(listener: Listener, opened: OpenSocket[]): { part: Part; added: OpenSocket[] }[] {
    const emptyPartOf = (host: Host) => emptyPart(host, listener, createDatagramUnwrapper(clock, options.log))
    const parts = endpoints.get(keyOf(listener))?.parts ?? hostsOf(listener).map(emptyPartOf)
    return parts.map((part) => {
      const added: OpenSocket[] = []
      while (part.sockets.length + added.length < shardsOf(listener)) {
        const fd = openUdpSocket(native, part.host, listener)
        if (fd === undefined) break
        const socket = { id: nextId++, fd, dropsCounted: 0 }
        added.push(socket)
        opened.push(socket)
      }
      return { part, added }
    })
  }

  function commitListener(listener: Listener, staged: readonly { part: Part; added: readonly OpenSocket[] }[]): void {
    const endpoint = endpoints.get(keyOf(listener)) ?? {
      parts: staged.filter(({ added }) => added.length > 0).map(({ part }) => part),
      cells: new Int32Array(new SharedArrayBuffer(4 * listenerCells)),
      listener,
      endRelay: () => undefined,
    }
    endpoints.set(keyOf(listener), endpoint)
    // Counts belong to the configuration under which they occurred.
    collectUnanswered(endpoint)
    endpoint.listener = listener
    const { cells } = endpoint
    Atomics.store(cells, listenerCell.space, listener.space)
    Atomics.store(cells, listenerCell.proxied, listener.proxyProtocol === undefined ? 0 : 1)
    Atomics.store(cells, listenerCell.sheds, listener.shedding === undefined ? 0 : 1)
    for (const { part, added } of staged) {
      part.listener = listener
      for (const socket of added) {
        partOf.set(socket.id, part)
        const { family, wildcard } = part.host
        const shard = part.sockets.push(socket) - 1
        pool.thread(shard).add({
          id: socket.id,
          fd: socket.fd,
          family,
          wildcard,
          local: octetsOf(part.host.address),
          port: listener.port,
          cells,
          draining: false,
        })
      }
      part.replyfd = part.sockets[0]?.fd ?? -1
    }
    // Begins before the old one ends, so that upstreams used by both are kept.
    const endOld = endpoint.endRelay
    endpoint.endRelay = relaying.begin(listener, shardsOf(listener))
    endOld()
  }

  async function commit(listeners: readonly Listener[], staged: ReturnType<typeof openSockets>[]): Promise<void> {
    for (const [i, listener] of listeners.entries()) commitListener(listener, staged[i])
    const wanted = new Map(listeners.map((listener) => [keyOf(listener), shardsOf(listener)]))
    const retiring: Promise<void>[] = []
    for (const [key, { parts, endRelay }] of endpoints) {
      const shards = wanted.get(key) ?? 0
      if (shards === 0) {
        endRelay()
        endpoints.delete(key)
      }
      for (const part of parts) if (part.sockets.length > shards) retiring.push(retirement.retire(part, shards))
    }
    await Promise.all(retiring)
    await pool.resize(Math.max(0, ...wanted.values()))
  }

  return {
    async stage(listeners): Promise<StagedChange> {
      const opened: OpenSocket[] = []
      const threads = pool.size()
      const abandon = async () => {
        for (const { fd } of opened) native.close(fd)
        await pool.resize(threads)
      }
      try {
        // A port that nobody serves gets its sockets at once: a query waits in them for the thread, where it would be refused. One
        // more socket of a port that is served would take queries from those that have their readers: it comes behind its own.
        const early = listeners.map((listener) =>
          endpoints.has(keyOf(listener)) ? undefined : openSockets(listener, opened),
        )
        await pool.resize(Math.max(threads, ...listeners.map(shardsOf)))
        const staged = listeners.map((listener, i) => early[i] ?? openSockets(listener, opened))
        return { commit: () => commit(listeners, staged), abandon }
      } catch (error) {
        await abandon()
        throw error
      }
    },
    lastQueryAt: pool.lastQueryAt,
    relayed: pool.relayed,
    async close() {
      relaying.endWatching()
      // Pending upstream answers reach the clients through the threads: relaying ends with them.
      await pool.close()
      for (const { endRelay } of endpoints.values()) endRelay()
      // Without a reader, closing makes the kernel refuse queries at once, so that clients do not wait in vain.
      for (const { parts } of endpoints.values())
        for (const { sockets, host } of parts) for (const { fd } of sockets) retireUdpSocket(native, fd, host)
      await within(clock, limits.drain, missQueue.settled())
      await retirement.closed()
      for (const endpoint of endpoints.values()) {
        collectUnanswered(endpoint)
        for (const part of endpoint.parts) {
          for (const socket of part.sockets) collectDrops(socket)
          part.replyfd = -1
          for (const { fd } of part.sockets) native.close(fd)
        }
      }
      collecting.remove()
      missQueue.close()
    },
  }
}
