/** Options of listening sockets in Node.js and the kernel. */
import { createServer, type Server } from 'node:net'
import { type Libc, linux } from '../../libc/libc.ts'
import type { Host } from '../listener-address.ts'

/**
 * Octets that the kernel buffers per direction of a connection (it uses twice as much memory). Its default would let a
 * client that does not read grow its connection to 4 MiB, charged to the pod's memory.
 */
const kernelBufferBytes = 16 * 1024

/**
 * Connections that the kernel queues for a listening socket. They are accepted first come, first served, at about 0.2 ms
 * each: a longer queue, filled by one client, would keep others waiting for seconds. A client that finds it full retries
 * after a second, by its own kernel.
 */
const backlog = 128

/** SO_REUSEPORT, as in CoreDNS: `bind 127.0.0.1` may be combined with a block on all addresses. */
export function listen(server: Server, host: Host, port: number, reusePort: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const ipv6Only = host.family === 6
    server.listen({ host: host.address, port, ipv6Only, backlog, reusePort, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/**
 * SO_REUSEPORT would also let two servers of one user share a port unnoticed, each with half of the queries. The address
 * is therefore bound without it first, for a moment, which fails if another server has it.
 */
export async function probe(host: Host, port: number): Promise<void> {
  const server = createServer()
  await listen(server, host, port, false)
  await new Promise((resolve) => server.close(resolve))
}

/** Connections inherit both limits from their listening socket. */
export function boundKernelBuffers(native: Libc, server: Server): void {
  const fd = descriptorOf(server)
  if (fd === undefined) return
  for (const option of [linux.SO_RCVBUF, linux.SO_SNDBUF])
    native.setOption(fd, linux.SOL_SOCKET, option, kernelBufferBytes)
}

function descriptorOf(server: Server): number | undefined {
  // Node.js has no public API for a server's descriptor, but has kept it here since version 0.
  const { _handle: handle } = server as { _handle?: { readonly fd?: number } }
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined
}

/**
 * Stops new connections to the socket, while handshakes in progress still complete: binds it to a network interface that
 * does not exist, so that other sockets of its address and port get new packets. False where that is not possible.
 */
export function takesNoMore(native: Libc | undefined, server: Server): boolean {
  const fd = descriptorOf(server)
  return fd !== undefined && native?.setOption(fd, linux.SOL_SOCKET, linux.SO_BINDTOIFINDEX, 0x7fffffff) === 0
}
