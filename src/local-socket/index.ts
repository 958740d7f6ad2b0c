/**
 * The socket on which a running server answers `slicedns explain`, `status` and `top`, for its own user and root only. On
 * Linux it is an abstract Unix socket: that needs no file system, which a container may lack, and both ends can ask the kernel
 * for the other's identity. Elsewhere, and if the abstract name is taken, it is a socket file of mode 0600 in a folder of mode
 * 0700.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorMessage } from '../telemetry/error-text.ts'
import { knowsPeers, type Peer, peerOf } from './peer.ts'

const root = 0
const ownUid = (): number => process.getuid?.() ?? root

/**
 * This process's PID namespace (pid_namespaces(7)). Pods with host networking share abstract names, and the server is process 1
 * in each of them. '': the system has no PID namespaces.
 */
const pidNamespace = ((): string => {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? ''
  } catch {
    return ''
  }
})()

/** A server's name, unique among those that may share its network or folder: NAMESPACE-PID, or only the pid. */
const nameOf = (pid: number): string => (pidNamespace === '' ? String(pid) : `${pidNamespace}-${pid}`)
/** The pid of a server that is visible from here. */
const pidOf = (name: string): number[] => {
  const pid = name.slice(name.lastIndexOf('-') + 1)
  return /^\d+$/.test(pid) && name === nameOf(Number(pid)) ? [Number(pid)] : []
}

const abstractName = (pid: number): string => `\0slicedns-${nameOf(pid)}`
const fileName = (pid: number): string => `${nameOf(pid)}.sock`

/**
 * Listens, and closes connections of other users at once. Rejects with the reasons when neither kind of socket can be opened.
 */
export async function listenLocally(server: Server, pid: number = process.pid): Promise<void> {
  server.prependListener('connection', (socket: Socket) => {
    if (!isTrusted(peerOf(socket))) socket.destroy()
  })
  const reasons: string[] = []
  for (const open of [listenAbstract, listenOnFile]) {
    try {
      await open(server, pid)
      return
    } catch (error) {
      reasons.push(errorMessage(error))
    }
  }
  throw new Error(reasons.join('; '))
}

/** A peer without an identity has come through the private folder. */
const isTrusted = (peer: Peer | undefined): boolean => !peer || peer.uid === root || peer.uid === ownUid()

async function listenAbstract(server: Server, pid: number): Promise<void> {
  if (!knowsPeers()) throw new Error('the user at the other end of an abstract socket is not known here')
  await listen(server, abstractName(pid))
}

async function listenOnFile(server: Server, pid: number): Promise<void> {
  const folder = folderOf(ownUid())
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (!isPrivate(folder)) throw new Error(`${folder} must be a folder of mode 0700 that belongs to this user`)
  const path = join(folder, fileName(pid))
  rmSync(path, { force: true })
  await listen(server, path)
  chmodSync(path, 0o600)
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

const folderOf = (uid: number): string => join(tmpdir(), `slicedns-${uid}`)

/** Whether only this user and root can create a socket in the folder. */
function isPrivate(folder: string): boolean {
  try {
    const { mode, uid } = lstatSync(folder)
    const isFolder = (mode & 0o170000) === 0o040000
    return isFolder && (mode & 0o077) === 0 && (uid === ownUid() || ownUid() === root)
  } catch {
    return false
  }
}

/**
 * Connects to the server with this pid after verifying that it is that process, of this user or asked by root: another user's
 * process could listen under its name. Rejects with the identity of an impostor.
 */
export async function connectLocally(pid: number): Promise<Socket> {
  const paths = [...(knowsPeers() ? [abstractName(pid)] : []), ...privateFolders().map((at) => join(at, fileName(pid)))]
  let failure: unknown = new Error(`no slicedns process at pid ${pid} (it may have exited)`)
  for (const path of paths) {
    try {
      return await connectTo(path, pid)
    } catch (error) {
      if (!isAbsent(error)) failure = error
    }
  }
  throw failure
}

function connectTo(path: string, pid: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      const impostor = path.startsWith('\0') ? impostorText(peerOf(socket), pid) : undefined
      if (impostor === undefined) return resolve(socket)
      socket.destroy()
      reject(new Error(impostor))
    })
  })
}

function impostorText(peer: Peer | undefined, pid: number): string | undefined {
  if (peer?.pid === pid && (peer.uid === ownUid() || peer.uid === root || ownUid() === root)) return undefined
  const found = peer ? `process ${peer.pid || '(not visible here)'} of user ${peer.uid}` : 'an unknown process'
  return `the socket of pid ${pid} belongs to ${found}, which is not trusted`
}

const isAbsent = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNREFUSED' || code === 'ENOENT'
}

function privateFolders(): string[] {
  const all = entriesOf(tmpdir()).flatMap((entry) => (/^slicedns-\d+$/.test(entry) ? [join(tmpdir(), entry)] : []))
  return all.filter(isPrivate)
}

/**
 * Pids of listening servers in this PID namespace. Any process can create an abstract name, so each server's identity is verified
 * before it is trusted.
 */
export function listeningPids(): number[] {
  const abstract =
    process.platform === 'linux' ? readFileSync('/proc/net/unix', 'utf8').matchAll(/@slicedns-([\d-]+)$/gm) : []
  const files = privateFolders()
    .flatMap(entriesOf)
    .flatMap((entry) => [...entry.matchAll(/^([\d-]+)\.sock$/g)])
  return [...new Set([...abstract, ...files].flatMap(([, name]) => pidOf(name!)))]
}

/**
 * The servers that this process is or has started, directly or not: `npm start`, or a launcher on a Node.js that cannot replace
 * itself. Only itself if it listens, or if nothing is known.
 */
export function serversOf(pid: number): number[] {
  const listening = listeningPids()
  if (listening.includes(pid)) return [pid]
  const below = listening.filter((other) => ancestorsOf(other).includes(pid))
  return below.length > 0 ? below : [pid]
}

/** Deeper than any chain of shells and launchers; also ends the walk if pids are reused meanwhile. */
const maxAncestors = 16

function ancestorsOf(pid: number): number[] {
  const ancestors: number[] = []
  for (let child = pid; ancestors.length < maxAncestors; ) {
    const parent = parentOf(child)
    // Process 1 is above all of them.
    if (parent === undefined || parent <= 1) break
    ancestors.push(parent)
    child = parent
  }
  return ancestors
}

/** Field 4 of proc_pid_stat(5), after the name in parentheses, which may contain any character. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(/^ \S (\d+)/.exec(stat.slice(stat.lastIndexOf(')') + 1))?.[1])
  } catch {
    return undefined
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
