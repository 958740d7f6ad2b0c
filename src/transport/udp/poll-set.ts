/**
 * The descriptors that a UDP thread polls: its eventfd, the epoll sets of the upstream sockets and of the main thread's
 * sockets, then the sockets of its listeners in order.
 */
import { type Libc, linux } from '../../libc/libc.ts'

export interface PollSet {
  /** Sets the sockets. Each counts as ready until `setDry`, because it may have become so since the last wait. */
  setSockets(sockets: readonly { readonly fd: number }[]): void
  /** The epoll set of the main thread's sockets. */
  readonly watched: number
  setWatched(epoll: number): void
  /** Waits so many milliseconds; -1: without limit. */
  wait(timeout: number): void
  /** Whether socket i of the last `setSockets` has something to read. */
  isReady(i: number): boolean
  setDry(i: number): void
  /** Whether any of the main thread's sockets was readable at the last wait. True only once per wait. */
  takeWatched(): boolean
}

/** Entries before the sockets. */
const fixedEntries = 3
/** Words with the revents of the eventfd and of the main thread's epoll set. */
const eventfdWord = 1
const watchedWord = 5

/** `descriptors`: the eventfd, the epoll set of the upstream sockets, and that of the main thread's sockets. */
export function createPollSet(
  native: Libc,
  descriptors: { readonly eventfd: number; readonly upstreams: number; readonly watched: number },
): PollSet {
  const { eventfd, upstreams } = descriptors
  let { watched } = descriptors
  let sockets: readonly { readonly fd: number }[] = []
  /** struct pollfd[], two words each: the descriptor, then events in the lower and revents in the upper half. */
  let entries = layOut()

  function layOut(): Int32Array {
    const laidOut = new Int32Array(2 * (sockets.length + fixedEntries))
    laidOut.set([eventfd, linux.POLLIN, upstreams, linux.POLLIN, watched, linux.POLLIN])
    sockets.forEach(({ fd }, i) => {
      laidOut.set([fd, linux.POLLIN | (linux.POLLIN << 16)], 2 * (i + fixedEntries))
    })
    return laidOut
  }

  return {
    setSockets(given) {
      sockets = [...given]
      entries = layOut()
    },
    get watched() {
      return watched
    },
    setWatched(epoll) {
      watched = epoll
      entries = layOut()
    },
    wait(timeout) {
      if (native.poll(entries, sockets.length + fixedEntries, timeout) > 0 && entries[eventfdWord] >>> 16 !== 0)
        native.clear(eventfd)
    },
    isReady: (i) => entries[2 * (i + fixedEntries) + 1] >>> 16 !== 0,
    setDry(i) {
      entries[2 * (i + fixedEntries) + 1] = linux.POLLIN
    },
    takeWatched() {
      if (entries[watchedWord] >>> 16 === 0) return false
      entries[watchedWord] = linux.POLLIN
      return true
    },
  }
}
