/** What the server shows of itself: the figures that it counts, and what its plugins report. */
import { hostname } from 'node:os'
import { createResponder, LOCAL, missText } from '../../answer/index.ts'
import type { Inspection } from '../../console/inspection.ts'
import type { ConsoleState, ServerState } from '../../console/state.ts'
import type { DataPlaneFacts, ReloadResult } from '../../plugin/contract.ts'
import type { ProcessLimits } from '../../process-limits/index.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import type { TableWriter } from '../../table/api.ts'
import { explain } from '../explain.ts'
import type { Miss } from '../ingress.ts'
import { createTableProbe, type TableProbe } from '../probe.ts'
import type { Server } from '../server.ts'
import { serverStatus } from '../status.ts'
import { createChainCounts } from './chain-counts.ts'
import { createProcessorTime } from './processor-time.ts'
import { createTraffic } from './traffic.ts'

const second = 1_000
/** Milliseconds between two looks while somebody looks, and while figures are only kept for who may look. */
const interval = { looking: second, kept: 10 * second }
/** Milliseconds after which nobody looks any more. */
const patience = 60 * second
/** Milliseconds between the two looks that the first rates are taken from. */
const firstInterval = 500

export interface InspectionOptions {
  /** Undefined until it has started. */
  readonly server: () => Server | undefined
  readonly version: string
  readonly clock: Clock
  readonly writer: TableWriter
  readonly dataPlane: DataPlaneFacts
  readonly limits: ProcessLimits
}

/** The server's side of an Inspection. */
export interface ServerInspection extends Inspection {
  /** A query that the chain was asked, with its reply: it is counted while somebody looks. */
  answered(miss: Miss, reply: Uint8Array | undefined): void
  reloaded(result: ReloadResult): void
}

export function createInspection(options: InspectionOptions): ServerInspection {
  const { clock } = options
  const version = options.version.replace(/^slicedns-/, '')
  const chain = createChainCounts()
  const load = () => running().ingress.load()
  const traffic = createTraffic({
    clock,
    dataPlane: options.dataPlane.collect,
    relayed: () => load().relayed,
    chain,
  })
  const processorTime = createProcessorTime(clock, load)
  let probe: TableProbe | undefined
  let attending = 0
  let lookedAt = Number.NEGATIVE_INFINITY
  let timer: { readonly milliseconds: number; readonly timer: Timer } | undefined
  let lastReload: ServerState['lastReload']
  let made: { readonly at: number; readonly state: ConsoleState } | undefined

  function running(): Server {
    const server = options.server()
    if (!server) throw new Error('the server has not started yet')
    return server
  }

  const isLooking = (): boolean => clock.now() - lookedAt < patience

  /** Counts as often as is needed, or not at all. */
  function pace(): void {
    const milliseconds = isLooking() ? interval.looking : attending > 0 ? interval.kept : 0
    if (timer?.milliseconds === milliseconds || (!timer && milliseconds === 0)) return
    timer?.timer.cancel()
    if (milliseconds === 0) traffic.restart()
    timer = milliseconds === 0 ? undefined : { milliseconds, timer: clock.every(milliseconds, sample) }
  }

  function sample(): void {
    if (options.server()) {
      traffic.sample()
      processorTime.sample()
    }
    pace()
  }

  function serverState(): ServerState {
    const { sources: _, ...status } = serverStatus(running(), version)
    const { limit, source } = options.limits.memory
    return {
      ...status,
      host: hostname(),
      ...(lastReload && { lastReload }),
      memory: { resident: process.memoryUsage.rss(), ...(source !== 'default' && { limit }) },
      threads: processorTime.busy(),
    }
  }

  function makeState(): ConsoleState {
    return {
      time: clock.wall(),
      server: serverState(),
      api: [],
      traffic: traffic.state(),
      top: {
        window: 0,
        sampled: 1,
        names: [],
        nxdomain: [],
        servfail: [],
        clients: [],
        searchPath: { queries: 0, wasted: 0, share: 0, examples: [] },
      },
      services: { total: 0, more: 0, list: [] },
      splits: [],
      holds: { waiting: 0, list: [] },
      problems: [],
      upstreams: [],
      cache: [],
      changes: [],
    }
  }

  function openProbe(): TableProbe {
    const responder = createResponder(options.writer.handle, LOCAL)
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
        sample()
        await new Promise<void>((resolve) => void clock.after(firstInterval, resolve))
        sample()
      }
      if (!made || clock.now() - made.at >= interval.looking / 2) made = { at: clock.now(), state: makeState() }
      return made.state
    },
    service: () => undefined,
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
    answered(miss, reply) {
      if (timer) chain.count(miss, reply, (clock.now() - miss.receivedAt) / second)
    },
    reloaded(result) {
      lastReload = { time: clock.wall(), ok: result.ok, ...(!result.ok && { error: result.error }) }
    },
  }
}
