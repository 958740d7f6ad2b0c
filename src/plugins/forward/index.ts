import { resolve } from 'node:path'
import type { SecureContext } from 'node:tls'
import { readRegularFile } from '../../corefile/regular-file.ts'
import { loadLibc } from '../../libc/libc.ts'
import { explainLines } from '../../plugin/capabilities/explain.ts'
import { everyClass } from '../../plugin/capabilities/listening.ts'
import { metadataScope, metadataSource } from '../../plugin/capabilities/metadata.ts'
import { ownNames } from '../../plugin/capabilities/own-names.ts'
import { type RelayTarget, relayTarget } from '../../plugin/capabilities/relay.ts'
import { replySource } from '../../plugin/capabilities/reply-source.ts'
import { upstreamReports } from '../../plugin/capabilities/reports.ts'
import { provide } from '../../plugin/capability.ts'
import type { FileReading, Held, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { createNotedMetadata } from '../../plugin/noted-metadata.ts'
import type { Query } from '../../plugin/query.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { type ClientCertificates, readClientCertificates } from '../../upstream/client-certificates.ts'
import { endpointText } from '../../upstream/connection.ts'
import { createInbox, type Inbox } from '../../upstream/inbox.ts'
import { createKeptSockets, type KeptSockets } from '../../upstream/kept-sockets.ts'
import { createPlaces, type Places } from '../../upstream/places.ts'
import { relayGrowth } from '../../upstream/shared-state.ts'
import { createUpstream, type UpstreamTarget } from '../../upstream/upstream.ts'
import { recoveries } from '../cache/capability.ts'
import { type EndedExchange, exchangeObserver, failuresAreKept as failuresAreKeptCapability } from './capability.ts'
import { createFailuresInTable } from './failures-in-table.ts'
import { createForward, type Forward } from './forward.ts'
import { forwardChain } from './forward-chain.ts'
import { constantMetrics, createForwardMetrics, type ForwardMetrics } from './metrics.ts'
import { createUpstreamReports } from './report.ts'
import { createServerList, type ServerList, type ServerListOptions } from './servers.ts'
import { type ForwardSettings, schema } from './settings.ts'
import { readNameservers } from './targets.ts'

export const forward: Plugin<readonly ForwardSettings[]> = {
  name: 'forward',
  schema,
  registerMetrics: (metrics) => void constantMetrics(metrics),
  readFiles,
  setup: setUp,
}

/** Milliseconds between two checks whether the last queries have been answered. */
const drainInterval = 20
/** Milliseconds that a stopped `forward` waits for its queries: the longest that any query has. */
const drainTimeout = 5000

function setUp(all: readonly ForwardSettings[], setup: Setup): Instance {
  const metrics = createForwardMetrics(setup.metrics)
  const { clock } = setup
  const places = acquirePlaces(setup, metrics)
  const kept = acquireSockets(setup)
  const inbox = createInbox(clock, kept?.value.unread ?? (() => () => false))
  let keepers: readonly ((name: string) => boolean)[] = []
  let exchangeObservers: readonly ((exchange: EndedExchange) => void)[] = []
  const failuresAreKept = (name: string): boolean => keepers.some((keeps) => keeps(name))
  const observers = () => exchangeObservers
  const used = createNotedMetadata('forward/upstream')
  let hasMetadata = false
  const onAnswered = (query: Query, upstream: string): void => {
    if (hasMetadata) used.note(query, upstream)
  }
  const inTable = createFailuresInTable(clock)
  const forwards = all.map((settings) => {
    const servers = openServers(settings, setup, metrics, inbox, kept?.value)
    const keeping = { failuresAreKept, onFailureKept: inTable.put }
    return createForward({
      ...keeping,
      settings,
      servers,
      clock,
      metrics,
      places: places.value,
      inbox,
      observers,
      onAnswered,
    })
  })
  const recovered = (): number => forwards.reduce((sum, each) => sum + each.recoveries(), 0)
  return {
    handler: forwardChain(forwards),
    provides: [
      provide(everyClass, true),
      provide(explainLines, ({ name }) => explain(forwards, name)),
      provide(upstreamReports, createUpstreamReports(forwards)),
      provide(recoveries, recovered),
      provide(replySource, inTable),
      provide(relayTarget, targetOf(forwards, kept?.value)),
      provide(metadataSource, used),
      provide(ownNames, (names) => {
        for (const { servers } of forwards) servers.follow(names)
      }),
    ],
    async start() {
      hasMetadata = setup.block.capability(metadataScope) !== undefined
      exchangeObservers = setup.block.capabilities(exchangeObserver).map(({ value }) => value)
      // Noted first, because an observer may read the metadata of the exchange.
      if (hasMetadata && exchangeObservers.length > 0)
        exchangeObservers = [({ query, upstream }) => used.note(query, endpointText(upstream)), ...exchangeObservers]
      keepers = setup.block.capabilities(failuresAreKeptCapability).map(({ value }) => value)
      await Promise.all(forwards.map(({ servers }) => servers.start()))
    },
    async stop() {
      await drained(forwards, setup)
      for (const { servers } of forwards) servers.stop()
      places.release()
      kept?.release()
    },
  }
}

/** A name goes to the first `forward` that matches it; one that `except` lists goes to the next. */
function targetOf(forwards: readonly Forward[], sockets: KeptSockets | undefined): RelayTarget {
  return {
    sockets,
    zones: forwards.flatMap(({ settings }) => [settings.from, ...settings.except]),
    // If `except` lists FROM itself, only the name FROM is forwarded, none below it: the chain handles that.
    forwardOf: (zone) =>
      forwards.some(({ settings: { from, except } }) => except.includes(from))
        ? { reason: 'its FROM is in its except' }
        : (forwards.find((each) => each.matches(zone))?.relay() ?? { reason: 'it leaves the name to the next plugin' }),
    watch(changed) {
      const watches = forwards.map(({ servers }) => servers.watch(changed))
      return {
        remove() {
          for (const watch of watches) watch.remove()
        },
      }
    },
  }
}

/** Waits until no query waits for an upstream, and ends those that remain after five seconds. */
async function drained(forwards: readonly Forward[], { clock }: Setup): Promise<void> {
  const deadline = clock.now() + drainTimeout
  while (forwards.some(({ running }) => running > 0) && clock.now() < deadline) {
    await new Promise<void>((wake) => {
      clock.after(drainInterval, wake)
    })
  }
  for (const each of forwards) each.abort()
}

/** Bounds the exchanges of the whole process, whatever its Corefile. */
function acquirePlaces({ process, clock }: Setup, metrics: ForwardMetrics): Held<Places> {
  const { upstreamExchanges, memory } = process.limits
  return process.acquire('upstream places', () => ({
    value: createPlaces({
      clock,
      exchanges: upstreamExchanges,
      octets: memory.waitingQueries / copiesOfMessage,
      onRefused: metrics.refused,
    }),
    stop: () => undefined,
  }))
}

/** A waiting message is held as the request, as the message for the upstream, and as a frame of its connection. */
const copiesOfMessage = 4
/** The share of all waiting octets that one upstream may hold. */
const shareOfUpstream = 1 / 2

/** The main thread's UDP sockets to upstreams, of the whole process; undefined without the system's calls for them. */
function acquireSockets({ process, clock }: Setup): Held<KeptSockets> | undefined {
  try {
    const native = loadLibc()
    const { keptSockets } = process.limits.descriptors
    return process.acquire('upstream sockets', () => {
      const value = createKeptSockets({ native, clock, mostSockets: keptSockets })
      return { value, stop: value.close }
    })
  } catch {
    return undefined
  }
}

function openServers(
  settings: ForwardSettings,
  setup: Setup,
  metrics: ForwardMetrics,
  inbox: Inbox,
  kept: KeptSockets | undefined,
): ServerList {
  const certificates = readCertificates(settings, setup)
  const options = {
    health: { ...settings.healthCheck, maxFails: settings.maxFails },
    expire: settings.expire,
    maxAge: settings.maxAge,
    maxIdle: settings.maxIdle,
    source: settings.source,
    forceTcp: settings.forceTcp,
    dohMethod: settings.dohMethod,
    mostOctets: (setup.process.limits.memory.waitingQueries / copiesOfMessage) * shareOfUpstream,
  }
  const shape = JSON.stringify([options, certificates.digest])
  const hold = (written: UpstreamTarget) => {
    const secure = written.protocol !== 'dns'
    const target = secure && settings.tlsServerName ? { ...written, serverName: settings.tlsServerName } : written
    // Equal servers with equal options are one upstream for all blocks, which keeps its health and connections across
    // reloads.
    return setup.process.acquire(`upstream ${JSON.stringify(target)} ${shape}`, () => {
      const context = acquireContext(certificates, setup)
      const upstream = createUpstream(target, {
        ...options,
        clock: setup.clock,
        kept,
        inbox,
        secureContext: context.value,
        metrics: metrics.upstream,
      })
      const { relay, to } = upstream
      const counting = relay && metrics.relayed(to, relayGrowth(relay.shared))
      return {
        value: upstream,
        stop() {
          counting?.remove()
          upstream.close()
          context.release()
        },
      }
    })
  }
  const list = readServers(settings, setup, hold)
  const pending = settings.to.some((target) => target.kind === 'host')
  if (list.current.length === 0 && !pending) setup.fail(noUpstream, settings.at)
  return list
}

const noUpstream = 'forward has no upstream: the files list no nameserver'

function readFiles(all: readonly ForwardSettings[], reading: FileReading): void {
  for (const settings of all) {
    readCertificates(settings, reading)
    const servers = settings.to.filter(
      (target) => target.kind !== 'file' || readList(target, settings, reading).length > 0,
    )
    if (servers.length === 0) reading.fail(noUpstream, settings.at)
  }
}

function readList(
  file: Parameters<typeof readNameservers>[0],
  { at }: ForwardSettings,
  { fail }: FileReading,
): readonly UpstreamTarget[] {
  try {
    return readNameservers(file)
  } catch (error) {
    return fail(errorMessage(error), at)
  }
}

function readServers(settings: ForwardSettings, setup: Setup, hold: ServerListOptions['hold']): ServerList {
  const { clock, log } = setup
  try {
    return createServerList({ targets: settings.to, resolvers: settings.resolvers, hold, clock, log })
  } catch (error) {
    return setup.fail(errorMessage(error), settings.at)
  }
}

function readCertificates({ tls, at }: ForwardSettings, setup: FileReading): ClientCertificates {
  try {
    return readClientCertificates(tls, (path) => readRegularFile(resolve(setup.block.root, path)))
  } catch (error) {
    return setup.fail(`tls: ${errorMessage(error)}`, at)
  }
}

/** One context for all upstreams with these certificates, because the system's CAs take some two mebibytes in each. */
function acquireContext({ digest, create }: ClientCertificates, { process }: Setup): Held<() => SecureContext> {
  return process.acquire(`upstream certificates ${digest}`, () => {
    let context: SecureContext | undefined
    return {
      value() {
        context ??= create()
        return context
      },
      stop: () => undefined,
    }
  })
}

function explain(forwards: readonly Forward[], name: string): string[] {
  const found = forwards.find((each) => each.matches(name))
  if (!found) return []
  const { settings, servers } = found
  const states = servers.current.map(({ to, health }) => `${to} (${health.down ? 'down' : 'up'})`)
  return [`forwards to ${states.join(', ') || 'no upstream (none is resolved yet)'}, policy ${settings.policy}`]
}
