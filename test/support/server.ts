/** Runs the server as its users do: as a process, with a Corefile, on real sockets. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findRuntime } from '../../src/runtime.js'
import { type DigOptions, type DigReply, dig } from './dig.ts'
import { freePort } from './ports.ts'
import { tied } from './tied.ts'
import { until } from './until.ts'

const root = join(import.meta.dirname, '../..')
/** The runtime that ships, whatever runs the tests. */
export const runtime = findRuntime().file
/** The command as shipped (`npm run build` makes it). */
export const builtServer = join(root, JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).bin.slicedns)

export interface Ports {
  readonly dns: number
  readonly health: number
  readonly ready: number
  readonly metrics: number
  /** One more, for whatever else a test listens on. */
  readonly other: number
}

export interface ServerOptions {
  /** The Corefile, written for these ports. */
  readonly corefile: (ports: Ports) => string
  /** Further arguments, after `-conf`. */
  readonly args?: readonly string[]
  /** Added to an otherwise small environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Command before the server's own: `['taskset', '-c', '0']`. */
  readonly under?: readonly string[]
  /** Other ways of starting it than the built server on the shipped runtime; the arguments follow. */
  readonly command?: readonly string[]
  /** What counts as started: `banner` (its sockets answer), `ready` (/ready says so), `nothing`. Default: banner. */
  readonly waitFor?: 'banner' | 'ready' | 'nothing'
  readonly ports?: Ports
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface RunningServer {
  readonly ports: Ports
  readonly folder: string
  readonly corefile: string
  readonly process: ChildProcess
  /** The pid of the process that serves, as -pidfile has it. */
  readonly pid: number
  readonly exited: Promise<Exit>
  /** Everything printed so far, stdout and stderr in the order of arrival. */
  output(): string
  /** Waits until the output from `since` on (default: all of it) matches. */
  printed(pattern: RegExp, since?: number): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
  /** Ends it and gives how it ended; kills it when that takes over 40 s. Safe to call twice. */
  stop(signal?: NodeJS.Signals): Promise<Exit>
  dig(name: string, type: string, options?: Partial<DigOptions>): Promise<DigReply>
  /** Status and body; rejects when nobody listens. */
  http(port: keyof Ports, path: string): Promise<{ readonly status: number; readonly body: string }>
  /** Resident memory of the serving process, MiB. */
  residentMemory(): number
}

export async function freePorts(): Promise<Ports> {
  const [dns, health, ready, metrics, other] = await Promise.all(Array.from({ length: 5 }, freePort))
  return { dns: dns!, health: health!, ready: ready!, metrics: metrics!, other: other! }
}

/** Starts the server and waits as asked. Whoever starts it stops it: `after(() => server.stop())`. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  if (options.command === undefined && !existsSync(builtServer)) {
    throw new Error(`${builtServer} is not there: run \`npm run build\` first`)
  }
  const ports = options.ports ?? (await freePorts())
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-test-'))
  const corefile = join(folder, 'Corefile')
  const pidfile = join(folder, 'pid')
  writeFileSync(corefile, options.corefile(ports))
  const command = tied([
    ...(options.under ?? []),
    ...(options.command ?? [runtime, builtServer]),
    '-conf',
    corefile,
    '-pidfile',
    pidfile,
    ...(options.args ?? []),
  ])
  const child = spawn(command[0]!, command.slice(1), {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const server = watch(child, ports, folder, corefile, pidfile)
  try {
    if (options.waitFor !== 'nothing') await server.printed(/^slicedns-\d/m)
    if (options.waitFor === 'ready') await untilReady(server)
  } catch (error) {
    await server.stop('SIGKILL')
    throw error
  }
  return server
}

/** Waits for 200 on /ready. */
export async function untilReady(server: RunningServer): Promise<void> {
  await until(async () => {
    const { status, body } = await server.http('ready', '/ready')
    if (status !== 200) throw new Error(`/ready says ${status} ${body}; the server printed:\n${server.output()}`)
  })
}

function watch(child: ChildProcess, ports: Ports, folder: string, corefile: string, pidfile: string): RunningServer {
  let output = ''
  let exit: Exit | undefined
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const exited = new Promise<Exit>((resolve) => {
    child.on('error', (error) => (output += `cannot start: ${error.message}\n`))
    child.on('close', (code, signal) => {
      exit = { code, signal }
      rmSync(folder, { recursive: true, force: true })
      resolve(exit)
    })
  })
  const servingPid = () => (existsSync(pidfile) ? Number(readFileSync(pidfile, 'utf8')) : child.pid!)
  const send = (signal: NodeJS.Signals) => {
    try {
      process.kill(servingPid(), signal)
    } catch {
      // It has ended just now.
    }
  }
  return {
    ports,
    folder,
    corefile,
    process: child,
    exited,
    get pid() {
      return servingPid()
    },
    output: () => output,
    printed: (pattern, since = 0) =>
      until(
        () => {
          const match = pattern.exec(output.slice(since))
          if (!match) throw new Error(`the server has not printed ${pattern}:\n${output}`)
          return match
        },
        { unless: () => exit && `the server has ended (${exit.signal ?? `exit code ${exit.code}`})` },
      ),
    signal: send,
    async stop(signal = 'SIGTERM') {
      if (exit) return exit
      send(signal)
      const kill = setTimeout(() => send('SIGKILL'), 40_000)
      const how = await exited
      clearTimeout(kill)
      return how
    },
    dig: (name, type, more) => dig(name, type, { port: ports.dns, ...more }),
    async http(port, path) {
      const response = await fetch(`http://127.0.0.1:${ports[port]}${path}`, {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(5000),
      })
      return { status: response.status, body: await response.text() }
    },
    residentMemory() {
      const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${servingPid()}/status`, 'utf8'))?.[1]
      return Number(kilobytes) / 1024
    },
  }
}
