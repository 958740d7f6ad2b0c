/** What a process holds while it is flooded, and what the kernel has dropped for it. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { RunningServer } from '../../support/server.ts'

export interface Held {
  /** Files, pipes and the like; sockets that listen or are bound to the DNS port. */
  readonly files: number
  readonly listeners: number
  readonly threads: number
}

export function heldBy({ pid, ports }: RunningServer): Held {
  const links = readdirSync(`/proc/${pid}/fd`).flatMap((number) => linkOf(`/proc/${pid}/fd/${number}`) ?? [])
  return {
    files: links.filter((link) => !link.startsWith('socket:')).length,
    listeners: boundTo(pid, ports.dns).length,
    threads: readdirSync(`/proc/${pid}/task`).length,
  }
}

/** Every descriptor: connections and sockets to upstreams, too. */
export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

/** Datagrams that the kernel had no room for, or dropped by the server's own filter. proc_pid_net(5): the last field. */
export function dropsOf({ pid, ports }: RunningServer): number {
  return boundTo(pid, ports.dns, ['udp', 'udp6']).reduce(
    (sum, line) => sum + Number(line.trim().split(/\s+/).at(-1)),
    0,
  )
}

/** Lines of /proc/net about sockets that are bound to the port and have no peer. */
function boundTo(pid: number, port: number, tables = ['udp', 'udp6', 'tcp', 'tcp6']): string[] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return tables.flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .filter((line) => {
        const [, address = '', peer = '', state] = line.trim().split(/\s+/)
        return address.endsWith(local) && peer.endsWith(':0000') && (state === '07' || state === '0A')
      }),
  )
}

/** MiB. */
export function mostResident(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** Undefined for a descriptor that has just been closed. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
