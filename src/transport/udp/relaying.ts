/** Has UDP threads relay what listeners say, and watch the sockets in which answers to it come. */
import type { WatchedSockets } from '../../plugin/capabilities/relay.ts'
import type { Listener } from '../../server/ingress.ts'
import type { MissQueue } from './miss-queue.ts'
import type { ThreadPool } from './pool.ts'

export interface Relaying {
  /** Has the first `shards` threads relay what the listener says, now and when that changes. Returns what ends it. */
  begin(listener: Listener, shards: number): () => void
  /** A thread has found the socket with this tag readable. */
  ready(tag: number): void
  /** The sockets are looked at without a thread from now on. */
  endWatching(): void
}

export function createRelaying(pool: ThreadPool, missQueue: Pick<MissQueue, 'unread'>): Relaying {
  let watched: WatchedSockets | undefined
  let watchers = 0

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
