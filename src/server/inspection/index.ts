/**
 * What the server reports about itself: its own figures, and the reports of its plugins. While nobody looks nothing is
 * counted and no plugin is asked.
 */
import { hostname } from 'node:os'
import { createResponder, LOCAL, missText } from '../../answer/index.ts'
import type { Inspection } from '../../console/inspection.ts'
import type { ConsoleState, ServerState } from '../../console/state.ts'
import type { BlockPlugin, DataPlaneFacts } from '../../plugin/contract.ts'
import type { ProcessLimits } from '../../process-limits/index.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import type { TableWriter } from '../../table/api.ts'
import type { Server } from '../api.ts'
import { explain } from '../explain.ts'
import type { Miss } from '../ingress.ts'
import { createTableProbe, type TableProbe } from '../probe.ts'
import { serverStatus } from '../status.ts'
import { createChainCounts } from './chain-counts.ts'
import { createChanges } from './changes.ts'
import { createClusterStates } from './cluster-states.ts'
import { createProcessorTime } from './processor-time.ts'
import { clustersOf, createReportedRates, sourceState } from './reports.ts'
import { createTop } from './top.ts'
import { createTraffic } from './traffic.ts'

const second = 1_000
/** Milliseconds between two samples: while somebody looks, and while figures are only kept for later. */
const interval = { looking: second, kept: 10 * second }
/** Milliseconds without a request after which nobody is looking any more. */
const lookLasts = 60 * second
/** Milliseconds between the first two samples, which give the first rates. */
const firstInterval = 500

export interface InspectionOptions {
  /** Undefined before the server has started. */
  readonly server: () => Server | undefined
  readonly version: string
  readonly clock: Clock
  readonly writer: TableWriter
  readonly dataPlane: DataPlaneFacts
  readonly limits: ProcessLimits
}

/** The server's side of an Inspection. */
export interface ServerInspection extends Inspection {
  /** Tells that the server has started: counting begins for those who already look or keep figures. */
  started(): void
  /** Counts a query answered by the chain, with its reply, while somebody looks. */
  answered(miss: Miss, reply: Uint8Array | undefined): void
  /** Starts counting clients from zero. The result gives the twenty clients with most queries since then, as estimates. */
  drain(): () => readonly AskingClient[]
}

export interface AskingClient {
  readonly address: string
  readonly queries: number
}

export function createInspection(options: InspectionOptions): ServerInspection {
  const { clock, writer } = options
  const version = options.version.replace(/^slicedns-/, '')
  const chain = createChainCounts()
  const traffic = createTraffic({
    clock,
    dataPlane: options.dataPlane.collect,
    relayed: () => running().ingress.relayed(),
    chain,
  })
  const processorTime = createProcessorTime(clock)
  const rates = createReportedRates(clock)
  const changes = createChanges()
  const top = createTop(writer.handle, clock)
  const readClusters = createClusterStates(clock)
  let probe: TableProbe | undefined
  let attending = 0
  let lookedAt = Number.NEGATIVE_INFINITY
  let timer: { readonly milliseconds: number; readonly timer: Timer } | undefined
  let made: { readonly at: number; readonly state: Promise<ConsoleState> } | undefined

  function running(): Server {
    const server = options.server()
    if (!server) throw new Error('the server has not started yet')
    return server
  }

  const plugins = (): readonly BlockPlugin[] =>
    running()
      .current()
      .configuration.blocks.flatMap((block) => block.plugins)

  /** Adjusts the sampling interval to who looks, or stops sampling. */
  function pace(): void {
    const isLooking = clock.now() - lookedAt < lookLasts
    const milliseconds = isLooking ? interval.looking : attending > 0 ? interval.kept : 0
    if (timer?.milliseconds === milliseconds || (!timer && milliseconds === 0)) return
    timer?.timer.cancel()
    const isFirst = timer === undefined
    timer = milliseconds === 0 ? undefined : { milliseconds, timer: clock.every(milliseconds, sample) }
    if (timer && isFirst) look()
    if (timer) return
    traffic.restart()
    top.stop()
    changes.follow([])
  }

  function look(): void {
    if (!options.server()) return
    const clusters = clustersOf(plugins()).map(({ report }) => report)
    top.advance(clusters)
    changes.follow(clusters)
    traffic.sample()
    processorTime.sample()
    rates.sample(plugins())
  }

  function sample(): void {
    look()
    pace()
  }

  function serverState(): ServerState {
    const { sources: _, ...status } = serverStatus(running(), version)
    const { limit, source } = options.limits.memory
    return {
      ...status,
      host: hostname(),
      memory: { resident: process.memoryUsage.rss(), ...(source !== 'default' && { limit }) },
      threads: processorTime.busy(),
    }
  }

  async function makeState(): Promise<ConsoleState> {
    const clusters = clustersOf(plugins())
    const { state, picked } = top.read(clusters.map(({ report }) => report))
    return {
      time: clock.wall(),
      server: serverState(),
      api: clusters.map(sourceState),
      traffic: traffic.state(),
      top: state,
      ...(await readClusters(
        clusters.map(({ report }) => report),
        picked,
      )),
      upstreams: rates.upstreams(),
      cache: rates.cache(),
      changes: changes.list(),
    }
  }

  function openProbe(): TableProbe {
    const responder = createResponder(writer.handle, LOCAL)
    return createTableProbe(responder, () => missText(responder))
  }

  return {
    async explain(name, type) {
      probe ??= openProbe()
      return explain(running(), probe, name, type)
    },
    status: () => serverStatus(running(), version),
    async state() {
      running()
      lookedAt = clock.now()
      pace()
      if (traffic.age() > 2 * interval.looking) {
        look()
        await new Promise<void>((resolve) => void clock.after(firstInterval, resolve))
        look()
      }
      if (!made || clock.now() - made.at >= interval.looking / 2) made = { at: clock.now(), state: makeState() }
      return made.state
    },
    service(namespace, name) {
      for (const { report } of clustersOf(plugins())) {
        const endpoints = report.endpoints(namespace, name)
        if (endpoints) return endpoints
      }
      return undefined
    },
    attend() {
      attending++
      pace()
      return {
        release() {
          attending--
          pace()
        },
      }
    },
    started() {
      if (timer) look()
    },
    answered(miss, reply) {
      if (!timer || !reply || reply.length < 12) return
      chain.count(miss, reply, (clock.now() - miss.receivedAt) / second)
      top.count(miss, reply)
    },
    drain() {
      top.stop()
      attending++
      pace()
      look()
      return () => {
        const { window, clients } = top.read([]).state
        return clients.map(({ key, rate }) => ({ address: key, queries: Math.round(rate * window) }))
      }
    },
  }
}
