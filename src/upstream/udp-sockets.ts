/**
 * Connected UDP sockets to one server; each exchange selects one at random (RFC 5452 §9.2). A socket serves a limited
 * number of exchanges for a limited time and is then replaced by one with another port: opening a socket takes six system
 * calls, but a port that is used for too long can be discovered.
 */
import { type Libc, linux } from '../libc/libc.ts'
import { randomWord } from './random.ts'

export interface UdpSockets {
  /** The index of a random open socket, on which one more exchange begins, or -1 when none can be opened. */
  draw(now: number): number
  fd(index: number): number
  /** The exchange on this socket has ended. */
  end(index: number): void
  /** No more exchanges begin on the socket: its server was silent or refused, and another port may reach another one. */
  spend(index: number): void
  /** Closes sockets that are past their time and unused: no port stays open to a server that nobody asks. */
  retire(now: number): void
  /** When `retire` next has something to do; Infinity: no socket is open. */
  retireAt(): number
  /** Sockets opened since the start. */
  opened(): number
  close(): void
}

export interface UdpSocketsOptions {
  readonly native: Libc
  /** The server's socket address, and the one to send from. */
  readonly server: Uint8Array
  readonly source: Uint8Array | undefined
  /** The epoll set that watches the sockets; their tags are `tag + index`. */
  readonly epoll: number
  readonly tag: number
  /** Report each event once, whether or not the socket is read (edge-triggered). */
  readonly edge?: true
  /** Maximum number of sockets. */
  readonly size: number
  readonly descriptors: DescriptorPool
}

/** Limits and records the descriptors of several servers' sockets. */
export interface DescriptorPool {
  /** Records the descriptor; false at the limit. */
  add(fd: number): boolean
  remove(fd: number): void
}

/** Open descriptors are recorded in shared memory, so that the main thread can close those of a thread that died. */
export function createDescriptorPool(cells: Int32Array): DescriptorPool {
  const free = Int32Array.from(cells, (_, i) => i)
  const cellOf = new Map<number, number>()
  let left = cells.length
  return {
    add(fd) {
      if (left === 0) return false
      const cell = free[--left]
      cellOf.set(fd, cell)
      // 0 marks a free cell; it is never one of these descriptors.
      Atomics.store(cells, cell, fd)
      return true
    },
    remove(fd) {
      const cell = cellOf.get(fd)
      if (cell === undefined) return
      cellOf.delete(fd)
      Atomics.store(cells, cell, 0)
      free[left++] = cell
    },
  }
}

/** With this many sockets, 600 exchanges use 350 ports or more. */
export const socketsPerServer = 512
/** Exchanges per socket: fewer when there are few sockets, or a busy server would show the same few ports. */
const exchangesOf = (size: number): number => (size >= 128 ? 128 : 16)
/** Milliseconds for which a socket takes exchanges. */
const longestUse = 10_000
/** Milliseconds between two checks of the sockets' age. */
const retireInterval = 1000
/** Sockets that are tried: a spent one may still be in use. */
const draws = 8

export function createUdpSockets(options: UdpSocketsOptions): UdpSockets {
  const { native, server, size, descriptors } = options
  const family = server[0] === linux.AF_INET ? linux.AF_INET : linux.AF_INET6
  const most = exchangesOf(size)
  const fds = new Int32Array(size).fill(-1)
  /** Exchanges that each socket may still begin. */
  const left = new Int32Array(size)
  const underWay = new Int32Array(size)
  const openedAt = new Float64Array(size)
  let opened = 0
  let retireAt = Number.POSITIVE_INFINITY

  function open(index: number, now: number): boolean {
    const fd = native.socket(family)
    if (fd < 0) return false
    const level = family === linux.AF_INET ? linux.IPPROTO_IP : linux.IPPROTO_IPV6
    // Makes all ICMP errors end the wait, not only port unreachable.
    native.setOption(fd, level, family === linux.AF_INET ? linux.IP_RECVERR : linux.IPV6_RECVERR, 1)
    const bound = options.source === undefined || native.bind(fd, options.source) === 0
    const usable =
      bound &&
      native.connect(fd, server) === 0 &&
      native.watch(options.epoll, fd, options.tag + index, options.edge ?? false) === 0
    if (!usable || !descriptors.add(fd)) {
      native.close(fd)
      return false
    }
    fds[index] = fd
    left[index] = most
    openedAt[index] = now
    retireAt = Math.min(retireAt, now + longestUse)
    opened++
    return true
  }

  function close(index: number): void {
    if (fds[index] < 0) return
    descriptors.remove(fds[index])
    native.close(fds[index])
    fds[index] = -1
  }

  /** Whether the socket can take another exchange; reopens it if needed. */
  function usable(index: number, now: number): boolean {
    if (fds[index] >= 0) {
      if (left[index] > 0 && now - openedAt[index] < longestUse) return true
      if (underWay[index] > 0) return false
      close(index)
    }
    return open(index, now)
  }

  return {
    draw(now) {
      for (let tries = 0; tries < draws; tries++) {
        const index = randomWord() % size
        if (!usable(index, now)) continue
        left[index]--
        underWay[index]++
        return index
      }
      return -1
    },
    fd: (index) => fds[index],
    end(index) {
      if (--underWay[index] === 0 && left[index] <= 0) close(index)
    },
    spend(index) {
      left[index] = 0
    },
    retire(now) {
      if (now < retireAt) return
      let oldest = Number.POSITIVE_INFINITY
      for (let index = 0; index < size; index++) {
        if (fds[index] < 0) continue
        if (underWay[index] === 0 && now - openedAt[index] >= longestUse) close(index)
        else oldest = Math.min(oldest, openedAt[index])
      }
      retireAt = Math.max(now + retireInterval, oldest + longestUse)
    },
    retireAt: () => retireAt,
    opened: () => opened,
    close() {
      for (let index = 0; index < size; index++) close(index)
    },
  }
}
