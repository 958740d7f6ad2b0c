/** The upstreams of one `forward`. Files are read again when they change; host names are resolved again. */
import { Resolver } from 'node:dns/promises'
import { stat } from 'node:fs/promises'
import type { Held } from '../../plugin/contract.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { Upstream, UpstreamTarget } from '../../upstream/upstream.ts'
import { mostTargets } from './settings.ts'
import { systemAddresses } from './system-names.ts'
import { readNameservers, type UpstreamAddress } from './targets.ts'

export interface ServerList {
  /** In the order of the TO words, each server once. */
  readonly current: readonly Upstream[]
  start(): Promise<void>
  /** Calls `changed` when `current` is another list. */
  watch(changed: () => void): { remove(): void }
  /** Releases every server. */
  stop(): void
}

export interface ServerListOptions {
  readonly targets: readonly UpstreamAddress[]
  readonly resolvers: readonly string[]
  /** Takes hold of a server, which may be in use elsewhere too. */
  readonly hold: (target: UpstreamTarget) => Held<Upstream>
  readonly clock: Clock
  readonly log: Logger
}

const second = 1000
/** A changed file counts within five seconds: kubelet and others rewrite resolv.conf under a running pod. */
const fileInterval = 3 * second
const hostInterval = 30 * second

/** One TO word and the servers that it means now. */
interface Source {
  readonly target: UpstreamAddress
  servers: readonly UpstreamTarget[]
  /** Identifies the file's content when it was last read. */
  version: string
  /** The problem logged last: it is not logged again until it changes. */
  loggedProblem: string
}

/** Throws what reading a file throws: at the start the files must be there. */
export function createServerList(options: ServerListOptions): ServerList {
  const { clock, log } = options
  const sources = options.targets.map(createSource)
  const timers: Timer[] = []
  let held = new Map<string, Held<Upstream>>()
  let current: readonly Upstream[] = []
  const watchers = new Set<() => void>()
  let stopped = false

  function apply(): void {
    if (stopped) return
    const next = new Map<string, Held<Upstream>>()
    const wanted = sources.flatMap((source) => source.servers).slice(0, mostTargets)
    for (const server of wanted) {
      const key = JSON.stringify(server)
      if (!next.has(key)) next.set(key, held.get(key) ?? options.hold(server))
    }
    const dropped = [...held].filter(([key]) => !next.has(key))
    held = next
    current = [...next.values()].map((each) => each.value)
    for (const changed of watchers) changed()
    for (const [, each] of dropped) each.release()
  }

  async function watchFile(source: Source, target: Extract<UpstreamAddress, { kind: 'file' }>): Promise<void> {
    try {
      const { mtimeMs, ino, size } = await stat(target.path)
      const version = `${mtimeMs} ${ino} ${size}`
      if (version === source.version) return
      const servers = readNameservers(target)
      source.version = version
      if (servers.length === 0)
        return complain(source, `${target.path} has no nameserver; the previous nameservers stay in use`)
      source.loggedProblem = ''
      if (JSON.stringify(servers) === JSON.stringify(source.servers)) return
      source.servers = servers
      apply()
      log.info(`${target.path} changed: forwarding to ${servers.map((server) => server.address).join(', ')}`)
    } catch (error) {
      complain(source, `cannot read ${target.path}: ${errorMessage(error)}; the previous nameservers stay in use`)
    }
  }

  async function resolveHost(source: Source, target: Extract<UpstreamAddress, { kind: 'host' }>): Promise<void> {
    try {
      const addresses = await addressesOf(target.host, options.resolvers)
      const serverName = target.protocol === 'dns' ? '' : target.host
      source.loggedProblem = ''
      source.servers = addresses.map((address) => ({ ...target, address, serverName }) as const).map(toServer)
      apply()
    } catch (error) {
      complain(source, `cannot resolve upstream ${target.host}: ${errorMessage(error)}`)
    }
  }

  function complain(source: Source, problem: string): void {
    if (source.loggedProblem !== problem) log.warning(problem)
    source.loggedProblem = problem
  }

  apply()
  return {
    get current() {
      return current
    },
    watch(changed) {
      watchers.add(changed)
      return { remove: () => void watchers.delete(changed) }
    },
    async start() {
      const first: Promise<void>[] = []
      for (const source of sources) {
        const { target } = source
        if (target.kind === 'file') timers.push(clock.every(fileInterval, () => void watchFile(source, target)))
        if (target.kind !== 'host') continue
        first.push(resolveHost(source, target))
        timers.push(clock.every(hostInterval, () => void resolveHost(source, target)))
      }
      await Promise.all(first)
    },
    stop() {
      stopped = true
      for (const timer of timers) timer.cancel()
      for (const each of held.values()) each.release()
      held.clear()
    },
  }
}

function createSource(target: UpstreamAddress): Source {
  const servers = target.kind === 'server' ? [target.server] : target.kind === 'file' ? readNameservers(target) : []
  return { target, servers, version: '', loggedProblem: '' }
}

const toServer = ({ protocol, address, port, serverName }: UpstreamTarget): UpstreamTarget => ({
  protocol,
  address,
  port,
  serverName,
})

async function addressesOf(host: string, resolvers: readonly string[]): Promise<readonly string[]> {
  if (resolvers.length === 0) return systemAddresses(host)
  const resolver = new Resolver({ timeout: 2 * second, tries: 2 })
  resolver.setServers(resolvers)
  const families = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  const addresses = families.flatMap((family) => (family.status === 'fulfilled' ? family.value : []))
  if (addresses.length > 0) return addresses
  const [ipv4] = families
  throw ipv4.status === 'rejected' ? ipv4.reason : new Error('no addresses')
}
