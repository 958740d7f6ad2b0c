/**
 * The identity of the process at the other end of a Unix socket: SO_PEERCRED (unix(7)), which the kernel sets and no process
 * can forge.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'

export interface Peer {
  /** 0 when the process cannot be seen from here (another PID namespace). */
  readonly pid: number
  readonly uid: number
}

const SOL_SOCKET = 1
const SO_PEERCRED = 17

type GetOption = (fd: number, level: number, option: number, value: Int32Array, length: Int32Array) => number

/** Undefined where the native library cannot be loaded; null before it was tried. */
let getOption: GetOption | undefined | null = null

function loadGetOption(): GetOption | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
    return koffi.load(null).func('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *'])
  } catch {
    return undefined
  }
}

/** Whether `peerOf` knows peers on this system. */
export function knowsPeers(): boolean {
  if (getOption === null) getOption = loadGetOption()
  return getOption !== undefined
}

/** The process that connected, or for a client the one that listens. Undefined when that is not known. */
export function peerOf(socket: Socket): Peer | undefined {
  const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } | null }
  if (!knowsPeers() || handle?.fd === undefined || handle.fd < 0) return undefined
  // pid, uid, gid.
  const credentials = new Int32Array(3)
  if (getOption!(handle.fd, SOL_SOCKET, SO_PEERCRED, credentials, Int32Array.of(12)) !== 0) return undefined
  return { pid: credentials[0], uid: credentials[1] >>> 0 }
}
