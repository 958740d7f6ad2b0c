/** The servers that are compared, each on the server's core, each told to serve the same. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findRuntime } from '../../src/runtime.js'
import { dig } from '../../test/support/dig.ts'
import { peer } from '../../test/support/peers.ts'
import { freePorts, type Ports } from '../../test/support/server.ts'
import { until } from '../../test/support/until.ts'
import { cpuTime, otherCores, type Program, serverCore, serverPriority, start } from './process.ts'

const root = join(import.meta.dirname, '../..')

export interface Server extends Program {
  readonly name: string
  readonly ports: Ports
}

/** What is compared by default; `coredns` only where it is installed. */
export const serverKinds = ['slicedns threads', 'slicedns dgram', 'coredns'] as const
export type ServerKind = (typeof serverKinds)[number]

export const installed = (kind: ServerKind): boolean => kind !== 'coredns' || peer('coredns') !== undefined

export interface ServerSettings {
  /** The Corefile for these ports. */
  readonly corefile: (ports: Ports) => string
  /** Cores; default: the server's own. */
  readonly cores?: string
  /** Files beside the Corefile, by name: their text in parts. */
  readonly files?: Readonly<Record<string, readonly string[]>>
}

/** unbound as a forwarder: one thread, and as many queries at a time as the others take. */
export async function startUnbound(upstream: number, cache: boolean): Promise<Server> {
  const ports = await freePorts()
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-unbound-'))
  const file = join(folder, 'unbound.conf')
  writeFileSync(
    file,
    `server:
  interface: 127.0.0.1@${ports.dns}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  num-queries-per-thread: 4096
  outgoing-range: 8192
  do-not-query-localhost: no
  module-config: "iterator"
  so-reuseport: yes
  ${cache ? '' : 'cache-max-ttl: 0\n  msg-cache-size: 0\n  rrset-cache-size: 0'}
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${upstream}
remote-control:
  control-enable: no
`,
  )
  const program = start([...serverPriority, peer('unbound') ?? 'unbound', '-d', '-c', file], { cores: serverCore })
  return {
    ...program,
    name: 'unbound',
    ports,
    async stop() {
      await program.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Starts it; resolves as soon as the process runs. */
export async function startServer(kind: ServerKind, settings: ServerSettings): Promise<Server> {
  const ports = await freePorts()
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-bench-'))
  const file = join(folder, 'Corefile')
  writeFileSync(file, settings.corefile(ports))
  for (const [name, parts] of Object.entries(settings.files ?? {})) writeFileSync(join(folder, name), parts.join(''))
  const command = kind === 'coredns' ? [peer('coredns')!] : shipped()
  const program = start([...serverPriority, ...command, '-conf', file], {
    cores: settings.cores ?? serverCore,
    env: kind === 'slicedns dgram' ? { SLICEDNS_UDP: 'dgram' } : {},
    cwd: folder,
  })
  return {
    ...program,
    name: kind,
    ports,
    async stop() {
      await program.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Waits until the server gives `name type` an answer, and gives the milliseconds waited. */
export async function untilAnswering(server: Server, name: string, type: string): Promise<void> {
  await until(
    async () => {
      const reply = await dig(name, type, { port: server.ports.dns })
      if (reply.answer.length === 0)
        throw new Error(`${server.name}: ${name} ${type} is ${reply.rcode}\n${server.output()}`)
    },
    { within: 120_000, unless: () => (server.running() ? undefined : `${server.name} has ended`) },
  )
}

/** Seconds of processor time in a fifth of a second that a server with nothing to do stays below. */
const idle = 0.02

/** Waits until the server has done what comes after /ready (compiling thousands of names) and nobody sees from outside. */
export async function untilIdle({ name, pid, running }: Server): Promise<void> {
  const used = (): number => {
    const { user, system } = cpuTime(pid)
    return user + system
  }
  let before = Number.NEGATIVE_INFINITY
  await until(
    () => {
      const now = used()
      const spent = now - before
      before = now
      if (spent > idle) throw new Error(`${name} is still at work`)
    },
    { within: 120_000, every: 200, unless: () => (running() ? undefined : `${name} has ended`) },
  )
}

/** Waits until /ready says that the whole cluster has been read, so that no measurement has the reading in it. */
export async function untilReady(server: Server): Promise<void> {
  await until(
    async () => {
      const { status } = await fetch(`http://127.0.0.1:${server.ports.ready}/ready`)
      if (status !== 200) throw new Error(`${server.name}: /ready says ${status}\n${server.output()}`)
    },
    { within: 120_000, unless: () => (server.running() ? undefined : `${server.name} has ended`) },
  )
}

/** The built server as its users start it. */
function shipped(): string[] {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const built = join(root, bin.slicedns)
  if (!existsSync(built)) throw new Error(`${built} is not there: run \`npm run build\` first`)
  return [findRuntime().file, built]
}

export const echoAvailable = peer('gcc') !== undefined

/** bench/echo.c on the server's core: sends each datagram back, longer by `growth` octets. */
export async function startEcho(growth: number): Promise<Pick<Server, 'pid' | 'ports' | 'stop'>> {
  const ports = await freePorts()
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-echo-'))
  const binary = join(folder, 'echo')
  execFileSync('gcc', ['-O2', '-o', binary, join(root, 'bench/echo.c')])
  const program = start([binary, String(ports.dns), String(growth)], { cores: serverCore })
  await until(() => {
    // In hexadecimal, as /proc lists bound sockets.
    const port = `:${ports.dns.toString(16).toUpperCase().padStart(4, '0')} `
    if (!readFileSync('/proc/net/udp', 'latin1').includes(port)) throw new Error(`no echo yet:\n${program.output()}`)
  })
  return {
    ...program,
    ports,
    async stop() {
      await program.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

/** An authoritative server with one wildcard, for forwarding to: any name under example. has an address. */
export async function startUpstream(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const { dns: port } = await freePorts()
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-upstream-'))
  writeFileSync(
    join(folder, 'example.zone'),
    '$TTL 300\n@ SOA ns.example. host.example. 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n* A 192.0.2.2\n',
  )
  writeFileSync(
    join(folder, 'knot.conf'),
    [
      `server:\n  listen: 127.0.0.1@${port}\n  rundir: ${folder}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1`,
      `database:\n  storage: ${folder}/db`,
      `template:\n  - id: default\n    storage: ${folder}\n    zonefile-sync: -1\n    journal-content: none`,
      'zone:\n  - domain: example.\n    file: example.zone\n',
    ].join('\n'),
  )
  const program = start([...serverPriority, peer('knotd') ?? 'knotd', '-c', join(folder, 'knot.conf')], {
    cores: otherCores,
  })
  await until(async () => {
    const reply = await dig('a.example.', 'A', { port })
    if (reply.answer.length === 0) throw new Error(`the upstream does not answer:\n${program.output()}`)
  })
  return {
    port,
    async stop() {
      await program.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
