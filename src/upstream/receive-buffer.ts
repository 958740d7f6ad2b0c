/** Limits what the kernel buffers of a connection that is read more slowly than it is filled. */
import type { Socket } from 'node:net'
import { type Libc, linux, loadLibc } from '../libc/libc.ts'

/** Sets the limit in octets where the platform allows it. The kernel uses twice as much, charged to the pod's memory. */
export function boundReceiveBuffer(socket: Socket, octets: number): void {
  // Node.js has no public API for a socket's descriptor, but has kept it here since version 0.
  const { _handle: handle } = socket as Socket & { _handle?: { readonly fd?: number } }
  if (handle?.fd === undefined || handle.fd < 0) return
  native()?.setOption(handle.fd, linux.SOL_SOCKET, linux.SO_RCVBUF, octets)
}

function native(): Libc | undefined {
  try {
    return loadLibc()
  } catch {
    return undefined
  }
}
