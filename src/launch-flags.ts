/**
 * The flags of the runtime that the server needs, and that only a new process image can have. The image's entry point
 * and package.json's scripts give them themselves, which saves the second start. Runs on Node 20.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cgroupMemoryLimit } from './process-limits/cgroup.ts'
import { readText } from './process-limits/index.ts'
import { parseMemoryLimit } from './process-limits/memory.ts'

/** Young garbage then stays at 8 MiB instead of 37. */
const semiSpace = '--max-semi-space-size=2'

/**
 * SIGUSR1 stays blocked from the first instruction on, and cannot open the inspector: signals.ts unblocks it when our
 * handler stands. That needs koffi; without it, launch.ts's own handler closes most of the gap.
 */
const noInspector = '--disable-sigusr1'

/**
 * V8 would take 262 MiB of heap in a pod of 170 MiB, and so be killed before it collects garbage; the nearer it is to its
 * limit, the sooner it collects. The rest is for the runtime itself, UDP threads, the answer table and buffers
 * (docs/limits.md): 85 MiB in that pod.
 */
const heapShare = 0.5

/**
 * Of the C library: one arena for all threads, so that what one of them frees is there for the next. Each thread of V8's
 * otherwise keeps its own, 30 MiB in all after a start with a large cluster.
 */
export const serverEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' }

const mebibyte = 2 ** 20

export function serverFlags(args: readonly string[]): string[] {
  const limit = flaggedMemoryLimit(args) ?? cgroupMemoryLimit(readText)
  const heap = limit === undefined ? [] : [`--max-old-space-size=${Math.floor((limit * heapShare) / mebibyte)}`]
  return [...(canUnblockSignals() ? [noInspector] : []), semiSpace, ...heap]
}

/** Whether this process already has the flags. A `-memory-limit` that the entry point does not know asks for new ones. */
export function isServing(execArgv: readonly string[], args: readonly string[]): boolean {
  const has = (flag: string) => execArgv.some((given) => given.startsWith(flag))
  return has('--max-semi-space-size=') && (flaggedMemoryLimit(args) === undefined || has('--max-old-space-size='))
}

/** Octets; undefined without the flag, or with a value that the server will refuse. */
function flaggedMemoryLimit(args: readonly string[]): number | undefined {
  const at = args.findIndex((arg) => /^--?memory-limit(=|$)/.test(arg))
  if (at < 0) return undefined
  const [, value = args[at + 1] ?? ''] = args[at].split('=')
  try {
    return parseMemoryLimit(value)
  } catch {
    return undefined
  }
}

function canUnblockSignals(): boolean {
  if (process.platform !== 'linux') return false
  // Where it nearly always is, in a checkout and beside dist/ alike: resolving it costs 2 ms of the start.
  if (existsSync(new URL('../node_modules/koffi/package.json', import.meta.url))) return true
  try {
    createRequire(import.meta.url).resolve('koffi')
    return true
  } catch {
    return false
  }
}
