/** Makes UDP threads relay for listeners, and watch the sockets on which the main thread's answers arrive. */
import type { WatchedSockets } from '../../plugin/capabilities/relay.ts'
import type { Listener } from '../../server/ingress.ts'
import type { MissQueue } from './miss-queue.ts'
import type { ThreadPool } from './pool.ts'

export interface Relaying {
  /** Makes the first `shards` threads relay for the listener, as its table changes. Returns a function that ends it. */
  begin(listener: Listener, shards: number): () => void
  /** A thread reports that the socket with this tag is readable. */
  ready(tag: number): void
  /** From now on the sockets are polled without a thread. */
  endWatching(): void
}

export function createRelaying(pool: ThreadPool, missQueue: Pick<MissQueue, 'unread'>): Relaying {
  let watched: WatchedSockets | undefined
  let watchers = 0

  /** Answers pass through the threads' sockets first, then through their rings. */
  function unread(): () => boolean {
    const inSockets = pool.unread()
    let inRings: (() => boolean) | undefined
    return () => {
      if (inRings === undefined && inSockets()) return true
      inRings ??= missQueue.unread()
      return inRings()
    }
  }

  /** Makes a thread watch the sockets as long as any listener uses them. */
  function watch(sockets: WatchedSockets): () => void {
    watchers++
    if (watched === undefined) {
      watched = sockets
      pool.thread(0).watch(sockets.epoll)
      sockets.watch({ unread })
    }
    return () => {
      if (--watchers === 0) endWatching()
    }
  }

  function endWatching(): void {
    watched?.watch(undefined)
    watched = undefined
    if (pool.size() > 0) pool.thread(0).watch(-1)
  }

  return {
    begin({ space, relay: source }, shards) {
      if (source === undefined) return () => undefined
      const threads = Array.from({ length: shards }, (_, shard) => pool.thread(shard))
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
    },
    ready: (tag) => watched?.ready(tag),
    endWatching,
  }
}
