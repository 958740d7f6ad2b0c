/**
 * Runtime flags for the server that only a new process image can have. The container image's entry point and package.json's
 * scripts pass them directly, which saves the second start. Runs on Node 20.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cgroupMemoryLimit } from './process-limits/cgroup.ts'
import { readText } from './process-limits/index.ts'
import { parseMemoryLimit } from './process-limits/memory.ts'

/** Limits garbage of the young generation to 8 MiB instead of 37. */
const semiSpace = '--max-semi-space-size=2'

/**
 * Keeps SIGUSR1 blocked from the first instruction on, so that it cannot open the inspector: native-signals.ts unblocks it once
 * the server's handler is installed. That needs koffi; without it, launch.ts's own handler closes most of the gap.
 */
const noInspector = '--disable-sigusr1'

/**
 * V8 would use 262 MiB of heap in a pod of 170 MiB and be killed before it collects garbage; the closer it is to its limit, the
 * sooner it collects. The rest is for the runtime itself, UDP threads, the answer table and buffers (docs/limits.md): 85 MiB
 * in that pod.
 */
const heapShare = 0.5

/**
 * For glibc: one arena for all threads, so that memory freed by one is available to the next. Otherwise each of V8's threads
 * keeps its own, 30 MiB in total after a start with a large cluster.
 */
export const serverEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' }

const mebibyte = 2 ** 20

export function serverFlags(args: readonly string[]): string[] {
  const limit = flaggedMemoryLimit(args) ?? cgroupMemoryLimit(readText)
  const heap = limit === undefined ? [] : [`--max-old-space-size=${Math.floor((limit * heapShare) / mebibyte)}`]
  return [...(canUnblockSignals() ? [noInspector] : []), semiSpace, ...heap]
}

/** Whether this process already has the flags. A `-memory-limit` unknown to the entry point requires new ones. */
export function isServing(execArgv: readonly string[], args: readonly string[]): boolean {
  const has = (flag: string) => execArgv.some((given) => given.startsWith(flag))
  return has('--max-semi-space-size=') && (flaggedMemoryLimit(args) === undefined || has('--max-old-space-size='))
}

/** Octets; undefined without the flag, or with a value that the server will reject. */
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
