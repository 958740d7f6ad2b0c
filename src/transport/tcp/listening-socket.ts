/** What Node.js and the kernel do with a listening socket. */
import { createServer, type Server } from 'node:net'
import { type Libc, linux } from '../../libc/libc.ts'
import type { Host } from '../listener-address.ts'

/**
 * Octets of a connection that the kernel holds for each direction (it takes twice as much memory). By itself it would let a
 * client that does not read grow its connection to 4 MiB, which counts as the pod's memory too.
 */
const kernelBufferBytes = 16 * 1024

/**
 * Connections that a listening socket keeps for us. What is accepted comes first come, first served, at about 0.2 ms each:
 * a longer queue, filled by one client, would keep others waiting for seconds. A client that finds it full tries
 * again after a second: its kernel does that by itself.
 */
const backlog = 128

/** SO_REUSEPORT, as CoreDNS has it: `bind 127.0.0.1` may stand beside a block that is bound to all addresses. */
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
 * SO_REUSEPORT would also let two servers of one user share a port unawares, each with half of the queries. So the
 * address is first taken without it, for a moment, which fails as people expect it to.
 */
export async function probe(host: Host, port: number): Promise<void> {
  const server = createServer()
  await listen(server, host, port, false)
  await new Promise((resolve) => server.close(resolve))
}

/** Connections inherit both from the socket that they were accepted on. */
export function boundKernelBuffers(native: Libc, server: Server): void {
  const fd = descriptorOf(server)
  if (fd === undefined) return
  for (const option of [linux.SO_RCVBUF, linux.SO_SNDBUF])
    native.setOption(fd, linux.SOL_SOCKET, option, kernelBufferBytes)
}

function descriptorOf(server: Server): number | undefined {
  // Node.js has no name for a server's descriptor, but has kept it here since version 0.
  const { _handle: handle } = server as { _handle?: { readonly fd?: number } }
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined
}

/**
 * No connection comes to the socket any more, while those that are under way still do: no packet comes through an
 * interface with this number, and other sockets of its address and port get what came to it. False where that cannot be.
 */
export function takesNoMore(native: Libc | undefined, server: Server): boolean {
  const fd = descriptorOf(server)
  return fd !== undefined && native?.setOption(fd, linux.SOL_SOCKET, linux.SO_BINDTOIFINDEX, 0x7fffffff) === 0
}
