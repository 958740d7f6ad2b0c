/** The memory limit that the kernel enforces on this process's cgroup (cgroups(7)). */

/** Returns a file's text, or undefined if it cannot be read. */
export type ReadText = (path: string) => string | undefined

/** A cgroup file system that accounts for this process's memory. */
interface Mount {
  /** The cgroup at the mount point: `/`, or the container's own. */
  readonly root: string
  readonly point: string
  readonly file: 'memory.max' | 'memory.limit_in_bytes'
}

/**
 * Octets that this process may use: the lowest limit of its cgroup and its ancestors, as far as the mount shows them;
 * undefined without one. Versions 1 and 2 are both read if a machine mounts both.
 */
export function cgroupMemoryLimit(read: ReadText): number | undefined {
  const mounts = mountsIn(read('/proc/self/mountinfo') ?? '')
  const limits = mounts.flatMap((mount) => limitsBelow(mount, read))
  return limits.length === 0 ? undefined : Math.min(...limits)
}

function mountsIn(mountinfo: string): Mount[] {
  const mounts: Mount[] = []
  for (const line of mountinfo.split('\n')) {
    // proc_pid_mountinfo(5): ID PARENT DEVICE ROOT POINT OPTIONS [TAGS] - TYPE SOURCE SUPER-OPTIONS
    const [before, after = ''] = line.split(' - ')
    const [, , , root, point] = before.split(' ')
    const [type, , superOptions = ''] = after.split(' ')
    if (type === 'cgroup2') mounts.push({ root, point, file: 'memory.max' })
    else if (type === 'cgroup' && superOptions.split(',').includes('memory'))
      mounts.push({ root, point, file: 'memory.limit_in_bytes' })
  }
  return mounts
}

function limitsBelow({ root, point, file }: Mount, read: ReadText): number[] {
  const path = ownCgroup(read('/proc/self/cgroup') ?? '', file)
  if (path === undefined) return []
  // In a container the path may be the host's although the mount shows only the container's own cgroup.
  const inside = root === '/' ? path : path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : '/'
  const parts = inside.split('/').filter((part) => part !== '' && part !== '..')
  const limits: number[] = []
  for (let depth = parts.length; depth >= 0; depth--) {
    const limit = limitIn(read([point, ...parts.slice(0, depth), file].join('/')))
    if (limit !== undefined) limits.push(limit)
  }
  return limits
}

/** The path of this process in /proc/self/cgroup: from the line `0::PATH`, or `N:memory:PATH` in version 1. */
function ownCgroup(text: string, file: Mount['file']): string | undefined {
  for (const line of text.split('\n')) {
    const [hierarchy, controllers, ...path] = line.split(':')
    const matches = file === 'memory.max' ? hierarchy === '0' : controllers?.split(',').includes('memory')
    if (matches) return path.join(':')
  }
  return undefined
}

/** Version 2 writes `max` for no limit, version 1 a number near 2^63. */
function limitIn(text: string | undefined): number | undefined {
  const octets = Number(text?.trim() || Number.NaN)
  return octets > 0 && octets < 2 ** 53 ? octets : undefined
}
