/** The life of the server: start, reload, drain, stop. */
import type { Corefile } from '../corefile/index.ts'
import type { DataPlaneFacts, Plugin, ProcessState, ReloadResult } from '../plugin/contract.ts'
import type { AnsweredQuery } from '../plugin/observer.ts'
import { createQueryMetrics } from '../plugin/query-metrics.ts'
import type { ProcessLimits } from '../process-limits/index.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { TableWriter } from '../table/api.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import type { Server } from './api.ts'
import { createBoundedWaits } from './bounded-waits.ts'
import { configure } from './configuration.ts'
import { createDispatcher } from './dispatch.ts'
import { startDrain } from './drain.ts'
import { createDrainingQueries } from './draining-queries.ts'
import { createInFlight } from './in-flight.ts'
import type { AnsweredHandler, Ingress, Listener, Miss, MissHandler, Relayed, RelayedHandler } from './ingress.ts'
import { createInspection } from './inspection/index.ts'
import { offerOwnNames } from './own-names.ts'
import { panicCounter } from './panics.ts'
import { createSharedValues } from './process-state.ts'
import { notifyObservers } from './query-log.ts'
import { createQuestionBudgets } from './question-budget.ts'
import { keepRelayed } from './relayed.ts'
import { createReload, logWarnings } from './reload.ts'
import { createReloadRecord } from './reload-record.ts'
import { type RunningConfiguration, run } from './running.ts'

export interface ServerOptions {
  /** Reads the Corefile as it is now: at the start and at each reload. */
  readonly readCorefile: () => Corefile
  readonly plugins: readonly Plugin[]
  /** Ignore directives that slicedns does not have, if that changes no answer (`-lenient-plugins`). */
  readonly lenient?: boolean
  /** The server's name and version, for plugins that report it. */
  readonly version: string
  /** Port of keys without one. */
  readonly defaultPort: number
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock: Clock
  readonly writer: TableWriter
  readonly dataPlane: DataPlaneFacts
  readonly limits: ProcessLimits
  readonly openIngress: (onMiss: MissHandler, onAnswered: AnsweredHandler, onRelayed: RelayedHandler) => Ingress
  /** Backs ProcessState.fatal. */
  readonly fatal: (text: string) => never
}

/** The listeners of ports that the next configuration does not use. */
function givenUp(old: RunningConfiguration, next: RunningConfiguration): readonly Listener[] {
  const ports = new Set(next.listeners.map(({ port }) => port))
  return old.listeners.filter(({ port }) => !ports.has(port))
}

/** Resolves when the sockets answer. Rejects with ConfigError, or with the error of a plugin or socket. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { log, writer, clock, metrics } = options
  const shared = createSharedValues(log)
  const budgets = createQuestionBudgets(clock, metrics)
  const queryMetrics = createQueryMetrics(metrics)
  for (const plugin of options.plugins) plugin.registerMetrics?.(metrics)
  const dispatcher = createDispatcher({ log, panics: panicCounter(metrics), clock, queryMetrics, budgets })
  const drainingQueries = createDrainingQueries(metrics)
  const waits = createBoundedWaits(clock)
  const inFlight = createInFlight()
  let server: Server | undefined
  const reloads = createReloadRecord(metrics, clock)
  const inspection = createInspection({ ...options, server: () => server })
  let corefile = options.readCorefile()
  logWarnings(log, corefile)
  let closing = false

  const processState: ProcessState = {
    acquire: shared.acquire,
    reload: (reason) => reload(reason),
    get configHash() {
      return corefile.hash
    },
    readConfigHash: () => options.readCorefile().hash,
    corefileUnreadable: reloads.unreadable,
    corefileRestored: reloads.restored,
    fatal: options.fatal,
    dataPlane: options.dataPlane,
    limits: options.limits,
    inspection,
    version: options.version,
  }

  async function start(file: Corefile): Promise<RunningConfiguration> {
    return run(await configure(file, { ...options, process: processState }), writer, log)
  }

  const ingress = options.openIngress(onMiss, onAnswered, onRelayed)
  let running: RunningConfiguration
  try {
    running = await start(corefile)
  } catch (error) {
    await ingress.close()
    throw error
  }
  /** Every configuration that may still have queries: the running one, the next one, and those being stopped. */
  const live = new Set([running])

  /** A query is answered by the configuration under which it arrived, even if that has been replaced since. */
  function ownerOf(space: number): RunningConfiguration | undefined {
    for (const candidate of live) if (candidate.planOf(space)) return candidate
    return undefined
  }

  function onMiss(miss: Miss): ReturnType<MissHandler> {
    const owner = ownerOf(miss.listener.space)
    const plan = owner?.planOf(miss.listener.space)
    if (!owner || !plan) return undefined
    const reply = dispatcher.answer(miss, plan)
    if (!(reply instanceof Promise)) return counted(miss, reply)
    inFlight.enter(owner)
    return reply.then((octets) => counted(miss, octets)).finally(() => inFlight.leave(owner))
  }

  function counted(miss: Miss, reply: Uint8Array | undefined): Uint8Array | undefined {
    inspection.answered(miss, reply)
    return reply
  }

  function serve(): void {
    offerOwnNames(running.configuration.listeners, dispatcher, clock)
    running.serving()
  }

  function onAnswered(query: AnsweredQuery, space: number, profileId: number): boolean {
    const { plugin, server } = writer.profileOf(profileId)
    // A thread may publish an old configuration's last answers after its end: the successor's observers get them.
    const successor = () => running.configuration.listeners.find((plan) => plan.server === server)
    const plan = ownerOf(space)?.planOf(space) ?? successor()
    if (!plan) return false
    notifyObservers(query, plan, plugin, log)
    return true
  }

  function onRelayed(relayed: Relayed): void {
    const { space } = relayed.listener
    const plan = ownerOf(space)?.planOf(space)
    if (!plan) return
    try {
      keepRelayed(relayed, plan, budgets)
    } catch (error) {
      log.error(`a relayed reply is not kept: ${errorMessage(error)}`)
    }
  }

  async function end(configuration: RunningConfiguration): Promise<void> {
    ingress.flushQueryLog()
    live.delete(configuration)
    await configuration.stop()
  }

  const reloadOnce = createReload({
    log,
    waits,
    closing: () => closing,
    running: () => corefile,
    read: options.readCorefile,
    async start(file) {
      const next = await start(file)
      live.add(next)
      return next
    },
    listen: (next) => ingress.apply([...next.listeners, ...givenUp(running, next)]),
    async unlisten(old, next) {
      if (!closing && givenUp(old, next).length > 0) await ingress.apply(next.listeners)
    },
    replace(next, file) {
      const old = running
      running = next
      corefile = file
      serve()
      if (closing) running.drain()
      return old
    },
    answered: inFlight.none,
    end,
  })

  async function reload(reason: string): Promise<ReloadResult> {
    const result = await reloadOnce(reason)
    reloads.ended(result)
    return result
  }

  try {
    await ingress.apply(running.listeners)
  } catch (error) {
    await running.stop()
    await ingress.close()
    throw error
  }
  serve()

  server = {
    ingress,
    dispatcher,
    budgets,
    inspection,
    current: () => running,
    corefile: () => corefile,
    lastReload: reloads.last,
    reload,
    async shutdown() {
      closing = true
      waits.giveUp()
      running.drain()
      drainingQueries.drain(inspection.drain())
      const drain = startDrain(clock, ingress, running.lameduck)
      await drain.quiet()
      // Closing waits for the remaining questions; those still open at the deadline are ended.
      const deadline = drain.atDeadline(budgets.endAll)
      await ingress.close()
      deadline.cancel()
      budgets.endAll()
      await running.stop()
      await shared.settled()
    },
  }
  inspection.started()
  return server
}
