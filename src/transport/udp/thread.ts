/** The main thread's side of one UDP thread: starts it, assigns sockets to it, and replaces it if it dies. */
import { setFlagsFromString } from 'node:v8'
import { SHARE_ENV, Worker } from 'node:worker_threads'
import { createQueryRing } from '../../answer/index.ts'
import { type Libc, linux } from '../../libc/libc.ts'
import type { RelayTable } from '../../plugin/capabilities/relay.ts'
import { type Clock, systemClock, type Timer } from '../../scheduling/clock.ts'
import type { TableHandle } from '../../table/api.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { QueryLogReader } from '../query-log.ts'
import { awaitEndOfLife, endLife, prepareLife } from './life.ts'
import type { MissQueue } from './miss-queue.ts'
import { createMissRing } from './miss-ring.ts'
import {
  type BorrowedSocket,
  controlCell,
  controlCells,
  countCell,
  countCells,
  stopWhen,
  type ThreadCommand,
  type ThreadData,
  type ThreadReport,
} from './protocol.ts'

export interface UdpThread {
  /** Cells named by `countCell`. */
  readonly counts: Float64Array
  /** Resolves when the thread is serving; rejects if it did not start. */
  readonly ready: Promise<void>
  add(socket: BorrowedSocket): void
  /** Resolves when the thread has emptied the socket and no longer uses it. */
  drain(id: number): Promise<void>
  /** Sets what the thread relays for the listeners of this space; undefined: nothing. */
  relay(space: number, table: RelayTable | undefined): void
  /** Makes the thread watch this epoll set for the main thread; -1: none. */
  watch(epoll: number): void
  /** The result tells whether the thread has still not read what upstreams have sent it by now. */
  unread(): () => boolean
  /** Signals the thread to end, without waiting for it. */
  halt(): void
  /** Blocks until a signalled thread makes no native calls any more: the only way to wait while the process exits. */
  awaitEnd(): void
  /** Resolves when the thread has answered the queries in its sockets and exited. */
  stop(): Promise<void>
}

export interface UdpThreadOptions {
  readonly number: number
  readonly native: Libc
  readonly table: TableHandle
  readonly addReader: () => { readonly slot: number; release(): void }
  readonly missQueue: MissQueue
  readonly queryLog: QueryLogReader
  readonly missRingBytes: number
  readonly copyRingBytes: number
  /** Maximum number of sockets to upstreams. */
  readonly relaySockets: number
  /** Milliseconds that `stop` waits before it terminates the thread. */
  readonly drainTimeout: number
  readonly clock: Clock
  readonly log: Logger
  readonly onRestart: () => void
  readonly responder: string | undefined
  readonly dieAfter: readonly number[]
}

/**
 * V8's limits for a thread whose loop allocates next to nothing; most of this is the code of its modules. When run from the
 * sources it also holds the type stripper.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32, codeRangeSizeMb: 8, stackSizeMb: 1 }

/** After this many reads a thread has certainly run; under full load its sockets are never empty. */
const looksForAll = 16

/** Milliseconds: a thread that lived for less is restarted after a delay, which doubles each time. */
const shortLife = 1000
const firstDelay = 50
const longestDelay = 5000

export function openUdpThread(options: UdpThreadOptions): UdpThread {
  // The process's --max-semi-space-size would override a thread's resourceLimits and cost 3 MiB per thread. The main
  // thread's heap has already been set up and is not affected.
  setFlagsFromString('--max-semi-space-size=0')
  const { native, clock, log, missQueue } = options
  const sockets = new Map<number, BorrowedSocket>()
  const drains = new Map<number, () => void>()
  const control = new Int32Array(new SharedArrayBuffer(4 * controlCells))
  const counts = new Float64Array(new SharedArrayBuffer(8 * countCells))
  const misses = createMissRing(options.missRingBytes)
  const ring = missQueue.addRing(misses)
  const copies = createMissRing(options.copyRingBytes)
  const copyRing = missQueue.addCopies(copies)
  const queries = createQueryRing()
  const queryRing = options.queryLog.addRing(queries)
  const relays = new Map<number, RelayTable>()
  let watched = -1
  const relayQueries = createQueryRing()
  const relayQueryRing = options.queryLog.addRing(relayQueries)
  const relayDescriptors = new Int32Array(new SharedArrayBuffer(4 * options.relaySockets))
  const eventfd = native.eventfd()
  const epoll = native.epoll()
  if (eventfd < 0 || epoll < 0) throw new Error('out of file descriptors: no eventfd for a UDP thread')
  const ready = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<void>()
  let worker: Worker
  let wasReady = false
  let stopping = false
  let gone = false
  let delay = 0
  let restart: Timer | undefined
  let lastError: unknown

  // Nobody awaits it if the thread is stopped before it is ready.
  ready.promise.catch(() => undefined)
  const lives = options.dieAfter.values()
  start()

  function start(): void {
    restart = undefined
    const startedAt = clock.now()
    const reader = options.addReader()
    control[controlCell.commands] = 0
    prepareLife(control)
    worker = new Worker(workerFile(), {
      workerData: threadData(reader.slot, lives.next().value ?? 0),
      resourceLimits,
      env: SHARE_ENV,
      trackUnmanagedFds: false,
      name: `udp ${options.number}`,
    })
    worker.on('message', handleReport)
    worker.on('error', (error) => {
      lastError = error
    })
    worker.on('exit', () => {
      endLife(control)
      // Not earlier: the thread may read the table until its exit.
      reader.release()
      closeRelaySockets()
      missQueue.drain()
      exited(startedAt)
    })
  }

  /** Closes those that a dead thread has left open. */
  function closeRelaySockets(): void {
    for (const fd of relayDescriptors) if (fd !== 0) native.close(fd)
    relayDescriptors.fill(0)
  }

  function threadData(slot: number, dieAfter: number): ThreadData {
    return {
      number: options.number,
      table: options.table,
      slot,
      sockets: [...sockets.values()],
      eventfd,
      wakefd: missQueue.wakefd,
      awake: missQueue.awake,
      control,
      counts,
      misses,
      copies,
      queries,
      relays: [...relays].map(([space, table]) => ({ space, table })),
      epoll,
      relayDescriptors,
      watched,
      relayQueries,
      // Reading one clock twice would give a difference if this thread were interrupted in between.
      clockOffset: clock === systemClock ? 0 : systemClock.now() - clock.now(),
      responder: options.responder,
      dieAfter,
    }
  }

  function exited(startedAt: number): void {
    const reason = lastError instanceof Error ? (lastError.stack ?? lastError.message) : 'it exited'
    if (stopping || !wasReady) {
      ready.reject(new Error(`UDP thread ${options.number} did not start: ${reason}`))
      for (const resolve of drains.values()) resolve()
      gone = true
      ring.remove()
      copyRing.remove()
      queryRing.remove()
      relayQueryRing.remove()
      native.close(epoll)
      native.close(eventfd)
      stopped.resolve()
      return
    }
    delay = clock.now() - startedAt > shortLife ? 0 : Math.min(longestDelay, delay * 2 || firstDelay)
    log.error(`UDP thread ${options.number} died; a new thread takes over its sockets: ${reason}`)
    options.onRestart()
    lastError = undefined
    if (delay <= firstDelay) start()
    else restart = clock.after(delay, start)
  }

  function handleReport(report: ThreadReport): void {
    if (report.kind === 'ready') {
      wasReady = true
      ready.resolve()
    } else if (report.kind === 'drained') {
      // Takes the socket's last misses from the ring while the socket is still known.
      missQueue.drain()
      sockets.delete(report.id)
      drains.get(report.id)?.()
      drains.delete(report.id)
    } else {
      log.error(`UDP thread ${options.number}: an answer threw, and the plugin chain was asked: ${report.error}`)
    }
  }

  function command(message: ThreadCommand): void {
    worker.postMessage(message)
    Atomics.add(control, controlCell.commands, 1)
    native.signal(eventfd)
  }

  function end(when: number): void {
    stopping = true
    // The eventfd has been closed, and its number may belong to another file.
    if (gone) return
    Atomics.store(control, controlCell.stop, when)
    native.signal(eventfd)
  }

  return {
    counts,
    ready: ready.promise,
    add(socket) {
      sockets.set(socket.id, socket)
      command({ kind: 'add', socket })
    },
    drain(id) {
      const socket = sockets.get(id)
      if (socket === undefined) return Promise.resolve()
      // If the thread dies now, its replacement drains the socket.
      sockets.set(id, { ...socket, draining: true })
      const drained = new Promise<void>((resolve) => drains.set(id, resolve))
      command({ kind: 'drain', id })
      return drained
    },
    relay(space, table) {
      if (table) relays.set(space, table)
      else if (!relays.delete(space)) return
      if (gone) return
      command({ kind: 'relay', space, table })
    },
    watch(epoll) {
      watched = epoll
      if (!gone) command({ kind: 'watch', epoll })
    },
    unread() {
      const before = counts[countCell.looks]
      const entry = Int32Array.of(epoll, linux.POLLIN)
      return () => !gone && counts[countCell.looks] < before + looksForAll && native.poll(entry, 1, 0) > 0
    },
    halt: () => end(stopWhen.now),
    awaitEnd: () => awaitEndOfLife(control),
    stop() {
      end(stopWhen.answered)
      if (restart !== undefined) {
        restart.cancel()
        start()
      }
      // A thread that does not end by itself is stuck.
      const late = clock.after(options.drainTimeout, () => void worker.terminate())
      return stopped.promise.finally(() => late.cancel())
    },
  }
}

/** The file beside this one, as source or as bundle. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './udp-worker.js', import.meta.url)
}
