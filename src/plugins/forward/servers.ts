/**
 * The upstreams of one `forward`. Files are read again when they change, and host names are resolved again. Those in a
 * zone of this server are looked up so often that a Service that is created, moved or deleted is followed within a
 * second.
 */
import { stat } from 'node:fs/promises'
import type { OwnNames } from '../../plugin/capabilities/own-names.ts'
import type { Held } from '../../plugin/contract.ts'
import { ownAddresses } from '../../plugin/own-addresses.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'
import { questionTimeout } from '../../upstream/exchange.ts'
import type { Upstream, UpstreamTarget } from '../../upstream/upstream.ts'
import { type Families, ownFamilies, reachable } from './families.ts'
import { foreignAddresses } from './host-addresses.ts'
import { maxTargets } from './settings.ts'
import { readNameservers, type UpstreamAddress } from './targets.ts'

export interface ServerList {
  /** In the order of the TO words, each server once. */
  readonly current: readonly Upstream[]
  start(): Promise<void>
  /** Looks up names of this server's own zones there from now on. */
  follow(names: OwnNames): void
  /** Calls `changed` when `current` changes. */
  watch(changed: () => void): { remove(): void }
  /** Releases every server. */
  stop(): void
}

export interface ServerListOptions {
  readonly targets: readonly UpstreamAddress[]
  readonly resolvers: readonly string[]
  /** Acquires an upstream, which other blocks may share. */
  readonly hold: (target: UpstreamTarget) => Held<Upstream>
  readonly clock: Clock
  readonly log: Logger
  /** The address families of the machine. Default: those of its interfaces. */
  readonly families?: () => Families
}

const second = 1000
/** Changes of a file are seen within five seconds: the kubelet and others rewrite resolv.conf under a running pod. */
const fileInterval = 3 * second
const hostInterval = 30 * second
/** A lookup in our own zones only reads the model. */
const ownInterval = second / 2
/** The start waits no longer for a name: its zone gets SERVFAIL until the name resolves. */
const startTimeout = second / 2

/** One TO word and its current servers. */
interface Source {
  readonly target: UpstreamAddress
  servers: readonly UpstreamTarget[]
  /** Identifies the file's content when it was last read. */
  version: string
  /** The problem logged last: it is not logged again until it changes. */
  loggedProblem: string
  /** The host name is in a zone of this server. */
  isOwn: boolean
}

type HostAddress = Extract<UpstreamAddress, { kind: 'host' }>

/** Throws if a file cannot be read: at the start the files must exist. */
export function createServerList(options: ServerListOptions): ServerList {
  const { clock, log } = options
  const sources = options.targets.map(createSource)
  const timers: Timer[] = []
  let held = new Map<string, Held<Upstream>>()
  const leaving = new Set<Held<Upstream>>()
  let current: readonly Upstream[] = []
  const watchers = new Set<() => void>()
  const families = options.families ?? ownFamilies
  let own: OwnNames | undefined
  let stopped = false

  function apply(): void {
    if (stopped) return
    const next = new Map<string, Held<Upstream>>()
    const all = sources.flatMap((source) => source.servers)
    const wanted = reachable(all, families()).slice(0, maxTargets)
    for (const server of wanted) {
      const key = JSON.stringify(server)
      if (!next.has(key)) next.set(key, held.get(key) ?? options.hold(server))
    }
    if (isSame(next, held)) return
    const dropped = [...held].filter(([key]) => !next.has(key))
    held = next
    current = [...next.values()].map((each) => each.value)
    for (const changed of watchers) changed()
    for (const [, each] of dropped) releaseLater(each)
  }

  /** Queries sent to it may still be answered. */
  function releaseLater(server: Held<Upstream>): void {
    leaving.add(server)
    const release = (): void => {
      if (leaving.delete(server)) server.release()
    }
    clock.after(questionTimeout, release)
  }

  async function watchFile(source: Source, target: Extract<UpstreamAddress, { kind: 'file' }>): Promise<void> {
    try {
      const { mtimeMs, ino, size } = await stat(target.path)
      const version = `${mtimeMs} ${ino} ${size}`
      if (version === source.version) return
      const servers = readNameservers(target)
      source.version = version
      if (servers.length === 0)
        return logProblem(source, `${target.path} has no nameserver; keeping the previous nameservers`)
      source.loggedProblem = ''
      if (JSON.stringify(servers) === JSON.stringify(source.servers)) return
      source.servers = servers
      apply()
      log.info(`${target.path} changed: forwarding to ${servers.map((server) => server.address).join(', ')}`)
    } catch (error) {
      logProblem(source, `cannot read ${target.path}: ${errorMessage(error)}; keeping the previous nameservers`)
    }
  }

  async function resolveHost(source: Source, target: HostAddress): Promise<void> {
    try {
      const found = own && (await ownAddresses(target.host, own))
      source.isOwn = found !== undefined
      if (found === 'unavailable') throw new Error('its zone cannot answer yet')
      const addresses = found ?? (await foreignAddresses(target.host, options.resolvers))
      // The system's resolver is slow: by now the name may be known to be in our own zones, which take precedence.
      if (found !== undefined || !source.isOwn) take(source, target, addresses)
    } catch (error) {
      logProblem(source, `cannot resolve upstream ${target.host}: ${errorMessage(error)}`)
    }
  }

  /**
   * A name of our own zones that no longer has an address has no server: its old addresses may belong to others by now.
   */
  function take(source: Source, target: HostAddress, addresses: readonly string[]): void {
    const { protocol, port } = target
    const serverName = protocol === 'dns' ? '' : target.host
    const servers = addresses.map((address) => ({ protocol, address, port, serverName }))
    if (servers.length === 0) logProblem(source, `cannot resolve upstream ${target.host}: it has no address`)
    else source.loggedProblem = ''
    if (JSON.stringify(servers) === JSON.stringify(source.servers)) return
    source.servers = servers
    apply()
    if (servers.length > 0) log.info(`upstream ${target.host} has the addresses ${addresses.join(', ')}`)
  }

  /** Resolves the host names that `which` selects. */
  function resolveHosts(which: (source: Source) => boolean): Promise<unknown> {
    return Promise.all(
      sources.map((source) =>
        source.target.kind === 'host' && which(source) ? resolveHost(source, source.target) : undefined,
      ),
    )
  }

  function logProblem(source: Source, problem: string): void {
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
      for (const source of sources) {
        const { target } = source
        if (target.kind === 'file') timers.push(clock.every(fileInterval, () => void watchFile(source, target)))
      }
      // An interface may come up later.
      timers.push(clock.every(fileInterval, apply))
      if (!sources.some(({ target }) => target.kind === 'host')) return
      timers.push(clock.every(hostInterval, () => void resolveHosts(() => true)))
      await Promise.race([resolveHosts(() => true), new Promise<void>((wake) => void clock.after(startTimeout, wake))])
    },
    follow(names) {
      if (!sources.some(({ target }) => target.kind === 'host')) return
      own = names
      void resolveHosts(() => true)
      timers.push(clock.every(ownInterval, () => void resolveHosts(({ isOwn }) => isOwn)))
    },
    stop() {
      stopped = true
      for (const timer of timers) timer.cancel()
      for (const each of [...held.values(), ...leaving]) each.release()
      held.clear()
      leaving.clear()
    },
  }
}

function createSource(target: UpstreamAddress): Source {
  const servers = target.kind === 'server' ? [target.server] : target.kind === 'file' ? readNameservers(target) : []
  return { target, servers, version: '', loggedProblem: '', isOwn: false }
}

/** Whether both have the same servers in the same order. */
function isSame(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): boolean {
  const keys = [...other.keys()]
  return one.size === keys.length && [...one.keys()].every((key, at) => key === keys[at])
}
