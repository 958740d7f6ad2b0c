/** Programs under measurement: pinned to a core, ended with the run, their CPU time and memory read from /proc. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { peer } from '../../test/support/peers.ts'
import { tied } from '../../test/support/tied.ts'

/** The server under test has this core for itself; generators, upstreams and the API server share the others. */
export const serverCore = '0'
export const allCores = `0-${cpus().length - 1}`
export const otherCores = cpus().length > 2 ? `1-${cpus().length - 1}` : cpus().length === 2 ? '1' : '0'

/** SLICEDNS_BENCH_REALTIME=1: what is measured, and what measures it, come before other work of the machine. */
export const serverPriority: readonly string[] = process.env.SLICEDNS_BENCH_REALTIME === '1' ? ['chrt', '-r', '1'] : []

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

export interface Program {
  readonly pid: number
  output(): string
  running(): boolean
  stop(): Promise<void>
}

export interface StartOptions {
  readonly cores: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

const running = new Set<ChildProcess>()

export function start(command: readonly string[], options: StartOptions): Program {
  const pinned = tied(peer('taskset') ? ['taskset', '-c', options.cores, ...command] : command)
  const child = spawn(pinned[0]!, pinned.slice(1), {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    // The end of it is what explains a failure; a chatty peer must not fill our memory.
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000)))
  }
  running.add(child)
  const exited = once(child, 'close').finally(() => running.delete(child))
  child.on('error', (error) => (output += error.message))
  return {
    pid: child.pid!,
    output: () => output,
    running: () => running.has(child),
    async stop() {
      child.kill('SIGTERM')
      const impatience = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await exited
      clearTimeout(impatience)
    },
  }
}

export interface CpuTime {
  /** Seconds since the process began, all its threads together. */
  readonly user: number
  readonly system: number
}

export function cpuTime(pid: number): CpuTime {
  return cpuTimeIn(`/proc/${pid}/stat`)
}

/** Seconds of each thread of the process since it began, user and system together, by the thread's ID. */
export function threadTimes(pid: number): ReadonlyMap<string, number> {
  const tasks = `/proc/${pid}/task`
  return new Map(
    readdirSync(tasks).map((id) => {
      const { user, system } = cpuTimeIn(`${tasks}/${id}/stat`)
      return [id, user + system]
    }),
  )
}

function cpuTimeIn(file: string): CpuTime {
  // The second field is the program's name in brackets and may hold blanks; utime and stime are fields 14 and 15.
  const fields = readFileSync(file, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')
  return { user: Number(fields[11]) / ticksPerSecond, system: Number(fields[12]) / ticksPerSecond }
}

/** MiB. */
export function residentMemory(pid: number): number {
  return statusField(pid, 'VmRSS') / 1024
}

/** The most that was resident since the last resetPeak, MiB. */
export function peakMemory(pid: number): number {
  return statusField(pid, 'VmHWM') / 1024
}

export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

function statusField(pid: number, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1])
}
