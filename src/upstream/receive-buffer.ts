/** What the kernel holds of a connection that is not read as fast as it is filled. */
import type { Socket } from 'node:net'
import { type Libc, linux, loadLibc } from '../libc/libc.ts'

/** At most so many octets, where that can be said: the kernel takes twice as much memory, which counts as the pod's. */
export function boundReceiveBuffer(socket: Socket, octets: number): void {
  // Node.js has no name for a socket's descriptor, but has kept it here since version 0.
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
