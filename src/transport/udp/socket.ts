/** Opens, retires and inspects the threads' UDP sockets. Only the main thread does this; threads borrow them. */
import { getSystemErrorName } from 'node:util'
import { type Libc, linux } from '../../libc/libc.ts'
import { encodeSocketAddress } from '../../libc/sockaddr.ts'
import type { Listener } from '../../server/ingress.ts'
import { bindError, type Host, isAbsentFamily } from '../listener-address.ts'

/**
 * The kernel's default holds 256 datagrams, which is 2.5 ms at 100,000 queries/s. A larger buffer than this would only let
 * queries wait longer than clients do.
 */
const receiveBufferBytes = 4 * 1024 * 1024

/** Undefined when the machine lacks the family and `host` is optional. Throws an error worded by `bindError`. */
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
  // FORCE exceeds net.core.rmem_max, if privileged; otherwise the system limits the request to that.
  if (native.setOption(fd, SOL_SOCKET, linux.SO_RCVBUFFORCE, receiveBufferBytes) < 0) {
    native.setOption(fd, SOL_SOCKET, linux.SO_RCVBUF, receiveBufferBytes)
  }
  // Replies are sent without DF and ignore the path MTU of ICMP messages: a forged one could otherwise make sends fail or
  // fragment (RFC 9715 §3.1).
  if (host.family === 4) {
    native.setOption(fd, IPPROTO_IP, linux.IP_MTU_DISCOVER, linux.PMTUDISC_OMIT)
    if (host.wildcard) native.setOption(fd, IPPROTO_IP, linux.IP_PKTINFO, 1)
  } else {
    native.setOption(fd, IPPROTO_IPV6, linux.IPV6_V6ONLY, 1)
    native.setOption(fd, IPPROTO_IPV6, linux.IPV6_MTU_DISCOVER, linux.PMTUDISC_OMIT)
    if (host.wildcard) native.setOption(fd, IPPROTO_IPV6, linux.IPV6_RECVPKTINFO, 1)
  }
}

/** The discard port (RFC 863): no query comes from it. */
const discardPort = 9

/**
 * Connects the socket to an address that sends nothing, so that new queries go to the other sockets of its port. Queued
 * queries stay readable, and replies can still be sent to anyone. The loopback always has a route.
 */
export function retireUdpSocket(native: Libc, fd: number, host: Host): void {
  const loopback = host.family === 4 ? '127.0.0.1' : '::1'
  native.connect(fd, encodeSocketAddress(native, host.wildcard ? loopback : host.address, discardPort))
}

const meminfo = new Uint32Array(9)
const meminfoOctets = new Uint8Array(meminfo.buffer)

/** SO_MEMINFO: positions in its array of nine 32-bit counters (linux/sock_diag.h). */
const meminfoAt = { used: 0, capacity: 1, drops: 8 } as const

function readMeminfo(native: Libc, fd: number): boolean {
  return native.getOption(fd, linux.SOL_SOCKET, linux.SO_MEMINFO, meminfoOctets) === meminfoOctets.length
}

/** Datagrams dropped since the socket was opened, by the filter or because the receive buffer was full, mod 2^32. */
export function receiveQueueDrops(native: Libc, fd: number): number | undefined {
  return readMeminfo(native, fd) ? meminfo[meminfoAt.drops] : undefined
}

export interface ReceiveQueue {
  /** Used and total octets of kernel memory of the socket's receive buffer. */
  readonly used: number
  readonly capacity: number
  /** Datagrams dropped since the socket was opened, mod 2^32. */
  readonly drops: number
}

export function receiveQueue(native: Libc, fd: number): ReceiveQueue | undefined {
  if (!readMeminfo(native, fd)) return undefined
  return { used: meminfo[meminfoAt.used], capacity: meminfo[meminfoAt.capacity], drops: meminfo[meminfoAt.drops] }
}
