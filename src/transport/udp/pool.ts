import type { Timer } from '../../scheduling/clock.ts'
import type { TransportMetrics } from '../metrics.ts'
import { countCell, countCells } from './protocol.ts'
import { openUdpThread, type UdpThread, type UdpThreadOptions } from './thread.ts'

export interface ThreadPool {
  size(): number
  /** Starts threads, or reuses resting ones, and waits until they run; or puts surplus threads to rest. */
  resize(threads: number): Promise<void>
  thread(shard: number): UdpThread
  lastQueryAt(): number
  /** As in Ingress. */
  relayed(): number
  /** The result tells whether any thread has still not read what upstreams have sent it by now. */
  unread(): () => boolean
  close(): Promise<void>
}

export interface ThreadPoolOptions extends Omit<UdpThreadOptions, 'number' | 'onRestart'> {
  readonly metrics: TransportMetrics
}

/**
 * Milliseconds that a thread without sockets rests before it ends. A resting thread costs 9 MiB; an ended one leaks some
 * 30 KiB, because koffi frees nothing of a thread, so reloads that change `multisocket` repeatedly must not end threads.
 */
const restTime = 10 * 60_000

interface PooledThread {
  readonly thread: UdpThread
  readonly collected: Float64Array
  hasRun: boolean
}

export function openThreadPool(options: ThreadPoolOptions): ThreadPool {
  const { metrics, clock } = options
  const threads: PooledThread[] = []
  /** Resting threads by number, following the numbers in `threads`. */
  const resting: PooledThread[] = []
  const ending = new Set<PooledThread>()
  let restsOver: Timer | undefined
  let lastQueryAt = Number.NEGATIVE_INFINITY

  const collecting = metrics.onCollect(() => threads.forEach(collect))
  // A thread that blocks in poll(2) would make process.exit() wait forever.
  const halt = () => {
    const all = [...threads, ...resting, ...ending]
    for (const { thread } of all) thread.halt()
    for (const { thread } of all) thread.awaitEnd()
  }
  process.on('exit', halt)

  /** Moves the thread's counts since the previous call into the metrics. */
  function collect({ thread: { counts }, collected }: (typeof threads)[number]): void {
    lastQueryAt = Math.max(lastQueryAt, counts[countCell.lastQueryAt])
    const added = (cell: number) => {
      const now = counts[cell]
      const more = now - collected[cell]
      collected[cell] = now
      return more
    }
    metrics.sendDrops.inc(added(countCell.sendDrops))
    metrics.missQueueOverflow.inc(added(countCell.missOverflows))
    metrics.shed.inc(added(countCell.shed))
    metrics.admissionsClosed.inc(added(countCell.admissionsClosed))
    metrics.cutReplies.inc(added(countCell.cutReplies))
    metrics.answerFailures.inc(added(countCell.failures))
    metrics.relayed.inc(added(countCell.relayed))
    metrics.relayShared.inc(added(countCell.relayShared))
    metrics.relayHandedOver.inc(added(countCell.relayHandedOver))
    metrics.relayStrays.inc(added(countCell.relayStrays))
    metrics.relayFull.inc(added(countCell.relayFull))
    metrics.relayUnkept.inc(added(countCell.relayUnkept))
  }

  async function resize(size: number): Promise<void> {
    restsOver?.cancel()
    while (threads.length < size) threads.push(resting.shift() ?? open(threads.length))
    const surplus = threads.splice(size)
    surplus.forEach(collect)
    resting.unshift(...surplus.filter(({ hasRun }) => hasRun))
    await end(surplus.filter(({ hasRun }) => !hasRun))
    if (resting.length > 0) restsOver = clock.after(restTime, () => void end(resting.splice(0)))
    await Promise.all(threads.map(({ thread }) => thread.ready))
  }

  function open(number: number): PooledThread {
    const thread = openUdpThread({ ...options, number, onRestart: () => metrics.threadRestarts.inc() })
    const pooled = { thread, collected: new Float64Array(countCells), hasRun: false }
    void thread.ready.then(
      () => {
        pooled.hasRun = true
      },
      // `resize` reports the error.
      () => undefined,
    )
    return pooled
  }

  /** Resolves when the threads have exited. */
  async function end(ended: readonly PooledThread[]): Promise<void> {
    for (const each of ended) ending.add(each)
    await Promise.all(ended.map(({ thread }) => thread.stop()))
    ended.forEach(collect)
    for (const each of ended) ending.delete(each)
  }

  return {
    size: () => threads.length,
    resize,
    thread: (shard) => threads[shard].thread,
    lastQueryAt: () => Math.max(lastQueryAt, ...threads.map(({ thread }) => thread.counts[countCell.lastQueryAt])),
    relayed() {
      threads.forEach(collect)
      return metrics.relayed.value
    },
    unread() {
      const each = threads.map(({ thread }) => thread.unread())
      return () => each.some((isUnread) => isUnread())
    },
    async close() {
      restsOver?.cancel()
      await end([...threads.splice(0), ...resting.splice(0), ...ending])
      collecting.remove()
      process.off('exit', halt)
    },
  }
}
