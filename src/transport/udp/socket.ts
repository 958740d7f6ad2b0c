/** Opening, retiring and asking the UDP sockets of the threads. The main thread does this; threads only borrow. */
import { getSystemErrorName } from 'node:util'
import { type Libc, linux } from '../../libc/libc.ts'
import { encodeSocketAddress } from '../../libc/sockaddr.ts'
import type { Listener } from '../../server/ingress.ts'
import { bindError, type Host, isAbsentFamily } from '../listener-address.ts'

/**
 * The kernel's default holds 256 datagrams, which is 2.5 ms at 100,000 queries/s. More than this only makes the queue
 * older than clients wait.
 */
const receiveBufferBytes = 4 * 1024 * 1024

/** Undefined when the machine lacks the family and `host` is optional. Throws what `bindError` words. */
export function openUdpSocket(native: Libc, host: Host, listener: Listener): number | undefined {
  const fail = (fd: number, call: string) => {
    const code = getSystemErrorName(-native.errno())
    if (fd >= 0) native.close(fd)
    if (isAbsentFamily(host, code)) return undefined
    throw bindError('udp', listener, code, call)
  }
  const name = encodeSocketAddress(native, host.address, listener.port)
  const fd = native.socket(host.family === 4 ? linux.AF_INET : linux.AF_INET6)
  if (fd < 0) return fail(-1, 'socket')
  setOptions(native, fd, host)
  if (native.bind(fd, name) < 0) return fail(fd, 'bind')
  return fd
}

function setOptions(native: Libc, fd: number, host: Host): void {
  const { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6 } = linux
  native.setOption(fd, SOL_SOCKET, linux.SO_REUSEPORT, 1)
  // FORCE passes net.core.rmem_max, for those who may; without it the system cuts the wish to its limit.
  if (native.setOption(fd, SOL_SOCKET, linux.SO_RCVBUFFORCE, receiveBufferBytes) < 0) {
    native.setOption(fd, SOL_SOCKET, linux.SO_RCVBUF, receiveBufferBytes)
  }
  // Replies are sent without DF and regardless of what path MTU an ICMP message claims: a forged one would otherwise
  // make sends fail or fragment at will (RFC 9715 §3.1).
  if (host.family === 4) {
    native.setOption(fd, IPPROTO_IP, linux.IP_MTU_DISCOVER, linux.PMTUDISC_OMIT)
    if (host.wildcard) native.setOption(fd, IPPROTO_IP, linux.IP_PKTINFO, 1)
  } else {
    native.setOption(fd, IPPROTO_IPV6, linux.IPV6_V6ONLY, 1)
    native.setOption(fd, IPPROTO_IPV6, linux.IPV6_MTU_DISCOVER, linux.PMTUDISC_OMIT)
    if (host.wildcard) native.setOption(fd, IPPROTO_IPV6, linux.IPV6_RECVPKTINFO, 1)
  }
}

/** RFC 863's port: no query comes from it. */
const discardPort = 9

/**
 * Connects the socket to where nothing comes from, so that new queries go to the other sockets of its port; what it has
 * queued stays readable, and replies can still be sent to anyone. The socket's own address always has a route.
 */
export function retireUdpSocket(native: Libc, fd: number, host: Host): void {
  const loopback = host.family === 4 ? '127.0.0.1' : '::1'
  native.connect(fd, encodeSocketAddress(native, host.wildcard ? loopback : host.address, discardPort))
}

const meminfo = new Uint32Array(9)
const meminfoOctets = new Uint8Array(meminfo.buffer)

/** SO_MEMINFO: nine 32-bit counters (linux/sock_diag.h), by their place. */
const meminfoAt = { used: 0, room: 1, drops: 8 } as const

function readMeminfo(native: Libc, fd: number): boolean {
  return native.getOption(fd, linux.SOL_SOCKET, linux.SO_MEMINFO, meminfoOctets) === meminfoOctets.length
}

/** Datagrams that the kernel dropped because the receive buffer was full, or the filter did, since the socket was opened, mod 2^32. */
export function receiveQueueDrops(native: Libc, fd: number): number | undefined {
  return readMeminfo(native, fd) ? meminfo[meminfoAt.drops] : undefined
}

export interface ReceiveQueue {
  /** What datagrams take that wait in the socket's receive buffer, and its room, in octets of kernel memory. */
  readonly used: number
  readonly room: number
  /** Datagrams that were dropped since the socket was opened, mod 2^32. */
  readonly drops: number
}

export function receiveQueue(native: Libc, fd: number): ReceiveQueue | undefined {
  if (!readMeminfo(native, fd)) return undefined
  return { used: meminfo[meminfoAt.used], room: meminfo[meminfoAt.room], drops: meminfo[meminfoAt.drops] }
}
