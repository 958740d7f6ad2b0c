import type { TransportMetrics } from '../metrics.ts'
import { countCell, countCells } from './protocol.ts'
import { openUdpThread, type UdpThread, type UdpThreadOptions } from './thread.ts'

export interface ThreadPool {
  size(): number
  /** Starts threads and waits until they run, or ends the last ones and waits until they have exited. */
  resize(threads: number): Promise<void>
  thread(shard: number): UdpThread
  lastQueryAt(): number
  /** As Ingress's. */
  relayed(): number
  /** Gives whether a thread has still not read what upstreams have sent it by now. */
  unread(): () => boolean
  close(): Promise<void>
}

export interface ThreadPoolOptions extends Omit<UdpThreadOptions, 'number' | 'onRestart'> {
  readonly metrics: TransportMetrics
}

export function openThreadPool(options: ThreadPoolOptions): ThreadPool {
  const { metrics } = options
  const threads: { readonly thread: UdpThread; readonly collected: Float64Array }[] = []
  let lastQueryAt = Number.NEGATIVE_INFINITY

  const collecting = metrics.onCollect(() => threads.forEach(collect))
  // A thread that blocks in poll(2) would make process.exit() wait without end.
  const halt = () => {
    for (const { thread } of threads) thread.halt()
    for (const { thread } of threads) thread.awaitEnd()
  }
  process.on('exit', halt)

  /** Moves what the thread has counted since the last time into the metrics. */
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
    metrics.answerFailures.inc(added(countCell.failures))
    metrics.relayed.inc(added(countCell.relayed))
    metrics.relayShared.inc(added(countCell.relayShared))
    metrics.relayHandedOver.inc(added(countCell.relayHandedOver))
    metrics.relayStrays.inc(added(countCell.relayStrays))
    metrics.relayFull.inc(added(countCell.relayFull))
    metrics.relayUnkept.inc(added(countCell.relayUnkept))
  }

  async function resize(size: number): Promise<void> {
    while (threads.length < size) {
      const onRestart = () => metrics.threadRestarts.inc()
      const thread = openUdpThread({ ...options, number: threads.length, onRestart })
      threads.push({ thread, collected: new Float64Array(countCells) })
    }
    const surplus = threads.splice(size)
    await Promise.all(surplus.map(({ thread }) => thread.stop()))
    surplus.forEach(collect)
    await Promise.all(threads.map(({ thread }) => thread.ready))
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
      await resize(0)
      collecting.remove()
      process.off('exit', halt)
    },
  }
}
