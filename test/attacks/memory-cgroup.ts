/** A cgroup of the machine's memory controller (cgroups(7)), version 2 or 1, with a limit at which the kernel kills. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFile, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface MemoryCgroup {
  /** Octets. */
  readonly limit: number
  /** Command before another one's own, which then runs inside. */
  readonly under: readonly string[]
  /** The most that was used so far, in octets, page cache included. */
  peak(): number
  /** Takes back the pages of files again and again, as a full node does, and leaves little room for more than there is. */
  squeeze(): { release(): void }
  /** Processes that the kernel has killed for want of memory. */
  kills(): number
  /** Once every process inside has ended. */
  remove(): void
}

interface Version {
  readonly root: string
  readonly limit: string
  readonly peak: string
  /** The file with the line `oom_kill N`. */
  readonly events: string
  /** What may be used for the time being: beyond it the kernel takes back before it gives (version 1 has the limit alone). */
  readonly high: string
  /** In memory.stat: octets that cannot be taken back without a swap. */
  readonly anonymous: string
  /** Written, it takes back what it can. */
  readonly reclaim: readonly [file: string, value: string]
}

const versions: readonly Version[] = [
  {
    root: '/sys/fs/cgroup',
    limit: 'memory.max',
    peak: 'memory.peak',
    events: 'memory.events',
    high: 'memory.high',
    anonymous: 'anon',
    reclaim: ['memory.reclaim', '1G'],
  },
  {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
    high: 'memory.limit_in_bytes',
    anonymous: 'rss',
    reclaim: ['memory.force_empty', '0'],
  },
]

let made = 0

/** Octets beside what cannot be taken back: the code that runs, and what a flood takes. */
const room = 64 * 2 ** 20
/** Milliseconds. */
const reclaimEvery = 100

/** Makes one, or says why this machine does not let us. */
export function createMemoryCgroup(limit: number): MemoryCgroup | { readonly refused: string } {
  const reasons: string[] = []
  for (const version of versions) {
    const folder = join(version.root, `slicedns-attack-${process.pid}-${++made}`)
    try {
      if (!existsSync(join(version.root, 'cgroup.procs'))) throw new Error('is not mounted')
      mkdirSync(folder)
    } catch (error) {
      reasons.push(`${version.root}: ${(error as Error).message}`)
      continue
    }
    try {
      if (!existsSync(join(folder, version.limit))) throw new Error('has no memory controller')
      writeFileSync(join(folder, version.limit), String(limit))
      return cgroupAt(folder, version, limit)
    } catch (error) {
      rmdirSync(folder)
      reasons.push(`${version.root}: ${(error as Error).message}`)
    }
  }
  return { refused: reasons.join('; ') }
}

function cgroupAt(folder: string, version: Version, limit: number): MemoryCgroup {
  const read = (file: string) => readFileSync(join(folder, file), 'utf8')
  return {
    limit,
    under: ['sh', '-c', `echo $$ > ${join(folder, 'cgroup.procs')} && exec "$@"`, 'sh'],
    peak: () => Number(read(version.peak)),
    squeeze() {
      const { anonymous, high, reclaim } = version
      const held = Number(new RegExp(`^${anonymous} (\\d+)$`, 'm').exec(read('memory.stat'))?.[1])
      writeFileSync(join(folder, high), String(Math.min(limit, held + room)))
      const timer = setInterval(() => {
        // EAGAIN: there was less to take back than asked for.
        writeFile(join(folder, reclaim[0]), reclaim[1], () => undefined)
      }, reclaimEvery)
      return {
        release() {
          clearInterval(timer)
          writeFileSync(join(folder, high), String(limit))
        },
      }
    },
    kills: () => Number(/^oom_kill (\d+)$/m.exec(read(version.events))?.[1] ?? 0),
    remove: () => rmdirSync(folder),
  }
}
