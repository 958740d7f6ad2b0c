/**
 * Holds queries that arrive after the server has started and before it knows the cluster. With a snapshot that takes a
 * fraction of a second, so they wait instead of getting SERVFAIL, on which clients ask elsewhere or give up.
 */

import type { Cluster } from '../../k8s/model/cluster.ts'
import type { Subscription } from '../../k8s/model/event-feed.ts'
import type { Query } from '../../plugin/query.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'

export interface StartGate {
  start(cluster: Pick<Cluster, 'subscribe' | 'view'>): void
  /**
   * Resolves when the cluster's names can be answered, or the wait has ended in vain. Undefined if the query need not
   * wait, or too many queries wait already. A waiting query releases its slot on the chain.
   */
  wait(query: Pick<Query, 'releaseSlot'>): Promise<void> | undefined
  /** Ends all waits, and holds no queries from now on. */
  open(): void
}

/** Milliseconds from the start: a snapshot of 8,000 Services is read after one second, and clients retry after five. */
const longest = 2000
/** Bound on waiting queries, each some 6 KiB. */
const maxWaiting = 2048

export function createStartGate(clock: Clock, metrics: MetricsRegistry): StartGate {
  const waits = metrics.counter(
    'slicedns_snapshot_waits_total',
    'Queries that arrived before the cluster was known and could wait for its snapshot, by result: known, timeout, refused.',
    ['result'],
  )
  for (const result of ['known', 'timeout', 'refused']) waits.with(result)
  const opened = Promise.withResolvers<void>()
  let isOpen = false
  let waiting = 0
  let timer: Timer | undefined
  let subscription: Subscription | undefined

  function open(result: 'known' | 'timeout'): void {
    if (isOpen) return
    isOpen = true
    waits.with(result).inc(waiting)
    timer?.cancel()
    subscription?.unsubscribe()
    opened.resolve()
  }

  return {
    start(cluster) {
      timer = clock.after(longest, () => open('timeout'))
      subscription = cluster.subscribe('heldQueries', {
        sync() {
          if (cluster.view.synced) open('known')
        },
      })
      if (cluster.view.synced) open('known')
    },
    wait({ releaseSlot }) {
      if (isOpen) return undefined
      if (waiting >= maxWaiting) {
        waits.with('refused').inc()
        return undefined
      }
      waiting++
      const takeSlotAgain = releaseSlot?.()
      return opened.promise.then(takeSlotAgain)
    },
    open: () => open('timeout'),
  }
}
