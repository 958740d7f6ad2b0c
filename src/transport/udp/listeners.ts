/** UDP with threads: opens the sockets, assigns them to threads, and replaces them at a reload. */

import type { Libc } from '../../libc/libc.ts'
import type { WatchedSockets } from '../../plugin/capabilities/relay.ts'
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
import { createDatagramUnwrapper, type DatagramUnwrapper } from '../proxy-protocol/datagram.ts'
import { octetsOf, type QueryLogReader } from '../query-log.ts'
import type { TableAnswers } from '../table-answers.ts'
import type { StagedChange, Transport } from '../transport.ts'
import { openMissQueue } from './miss-queue.ts'
import type { MissSource } from './miss-source.ts'
import { openThreadPool } from './pool.ts'
import { listenerCell, listenerCells } from './protocol.ts'
import { openUdpSocket, receiveQueueDrops, retireUdpSocket } from './socket.ts'
import type { UdpThread } from './thread.ts'

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
  /** What threads know of the listener, and count: `listenerCell`. */
  readonly cells: Int32Array
  listener: Listener
  /** Ends the relaying for the space that the listener had. */
  endRelay: () => void
}

/** The sockets of one address: shard i is read by thread i. Replies to misses leave from shard 0. */
interface Part extends MissSource {
  readonly host: Host
  readonly sockets: OpenSocket[]
}

interface OpenSocket {
  readonly id: number
  readonly fd: number
  /** Datagrams dropped by the kernel that the metric has counted already. */
  dropsCounted: number
}

export function openUdpThreads(options: UdpThreadsOptions): Transport {
  const { native, clock, metrics, limits } = options
  const endpoints = new Map<string, Endpoint>()
  /** Every open socket's part, by the socket's id. */
  const partOf = new Map<number, Part>()
  /** Retired sockets that stay open until the chain has answered their queries. */
  const closing = new Set<Promise<void>>()
  let nextId = 1
  let watched: WatchedSockets | undefined
  let watchers = 0
  const missQueue = openMissQueue({
    native,
    slots: options.slots,
    waiting: options.waiting,
    sourceOf: (id) => partOf.get(id),
    tableAnswers: options.tableAnswers,
    onRelayed: options.onRelayed,
    onReady: (tag) => watched?.ready(tag),
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
    patience: limits.drain,
  })
  const collecting = metrics.onCollect(() => {
    for (const endpoint of endpoints.values()) {
      collectUnanswered(endpoint)
      for (const part of endpoint.parts) for (const socket of part.sockets) collectDrops(socket)
    }
  })

  /** Moves what threads have counted for the listener into the metrics. */
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

  /** Opens the sockets that `listener` lacks. Adds each to `opened`, so that a failure can close them again. */
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
    // Counted under the configuration that it happened in.
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
    // The new one first: what both relay to is kept.
    const endOld = endpoint.endRelay
    endpoint.endRelay = relay(listener)
    endOld()
  }

  /** Answers come through the threads' sockets first, then through their rings. */
  function unread(): () => boolean {
    const inSockets = pool.unread()
    let inRings: (() => boolean) | undefined
    return () => {
      if (inRings === undefined && inSockets()) return true
      inRings ??= missQueue.unread()
      return inRings()
    }
  }

  /** Has a thread watch the sockets for as long as any listener has them. */
  function watch(sockets: WatchedSockets): () => void {
    watchers++
    if (watched === undefined) {
      watched = sockets
      pool.thread(0).watch(sockets.epoll)
      sockets.watch({ unread })
    }
    return () => {
      if (--watchers > 0) return
      watched = undefined
      sockets.watch(undefined)
      if (pool.size() > 0) pool.thread(0).watch(-1)
    }
  }

  /** Has the listener's threads relay what it says, now and when that changes. */
  function relay(listener: Listener): () => void {
    const { space, relay: source } = listener
    if (source === undefined) return () => undefined
    const threads = Array.from({ length: shardsOf(listener) }, (_, shard) => pool.thread(shard))
    const send = () => {
      for (const thread of threads) thread.relay(space, source.table())
    }
    const changes = source.watch(send)
    const endWatch = source.sockets && watch(source.sockets)
    send()
    return () => {
      endWatch?.()
      changes.remove()
      for (const thread of threads) thread.relay(space, undefined)
    }
  }

  /** Retires the part's sockets from `shards` on. Resolves when their queues are empty. */
  async function retire(part: Part, shards: number): Promise<void> {
    const surplus = part.sockets.splice(shards)
    for (const socket of surplus) retireUdpSocket(native, socket.fd, part.host)
    await Promise.all(surplus.map((socket, i) => giveUp(part, socket, pool.thread(shards + i))))
  }

  /** Resolves when the thread no longer uses the socket. The socket is closed later, in the background. */
  async function giveUp(part: Part, socket: OpenSocket, thread: UdpThread): Promise<void> {
    const drained = thread.drain(socket.id)
    const closed = drained.then(() => closeDrained(part, socket))
    closing.add(closed)
    void closed.then(() => closing.delete(closed))
    // Bounded: a thread that keeps dying must not block the next reload.
    await within(clock, limits.drain, drained)
  }

  /** Closes the socket. The one that sends replies stays open until the chain has answered, within a bound. */
  async function closeDrained(part: Part, socket: OpenSocket): Promise<void> {
    partOf.delete(socket.id)
    collectDrops(socket)
    if (socket.fd === part.replyfd) {
      const settled = new Promise<void>((resolve) => {
        part.settled = resolve
      })
      if (part.pending > 0) await within(clock, limits.drain, settled)
      part.replyfd = -1
    }
    native.close(socket.fd)
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
      for (const part of parts) if (part.sockets.length > shards) retiring.push(retire(part, shards))
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
        // Threads start first, so that no query waits in a socket without a reader.
        await pool.resize(Math.max(threads, ...listeners.map(shardsOf)))
        const staged = listeners.map((listener) => openSockets(listener, opened))
        return { commit: () => commit(listeners, staged), abandon }
      } catch (error) {
        await abandon()
        throw error
      }
    },
    lastQueryAt: pool.lastQueryAt,
    relayed: pool.relayed,
    async close() {
      for (const { endRelay } of endpoints.values()) endRelay()
      await pool.close()
      await within(clock, limits.drain, missQueue.settled())
      await Promise.all(closing)
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

function emptyPart(host: Host, listener: Listener, unwrapper: DatagramUnwrapper): Part {
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
