/** The life of the server: start, reload, drain, stop. */
import type { Corefile } from '../corefile/index.ts'
import { ConfigError } from '../corefile/schema.ts'
import type { DataPlaneFacts, Plugin, ProcessState, ReloadResult } from '../plugin/contract.ts'
import { createQueryMetrics } from '../plugin/query-metrics.ts'
import type { ProcessLimits } from '../process-limits/index.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { TableWriter } from '../table/api.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import { configure } from './configuration.ts'
import { createDispatcher, type Dispatcher } from './dispatch.ts'
import type { AnsweredHandler, Ingress, Miss, MissHandler } from './ingress.ts'
import { panicCounter } from './panics.ts'
import { createSharedValues } from './process-state.ts'
import { notifyObservers } from './query-log.ts'
import { createQuestionBudgets, type QuestionBudgets } from './question-budget.ts'
import { type RunningConfiguration, run } from './running.ts'

/** How long a reload waits for the new configuration's names to be compiled; then the chain answers what is missing. */
const compileTimeout = 10_000
/** How long an old configuration's queries in flight are waited for before its plugins stop. */
const inFlightTimeout = 10_000
/** Milliseconds that shutdown goes on while queries come (Kubernetes kills after 30 s by default). */
export const drainLimit = 20_000
/** Shutdown ends when no query has come for this long. */
const quietPeriod = 1_000

export interface ServerOptions {
  /** Where to read the Corefile, each time anew. */
  readonly readCorefile: () => Corefile
  readonly plugins: readonly Plugin[]
  /** The server's name and version, for plugins that tell it. */
  readonly version: string
  /** Port of keys that name none. */
  readonly defaultPort: number
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock: Clock
  readonly writer: TableWriter
  readonly dataPlane: DataPlaneFacts
  readonly limits: ProcessLimits
  readonly openIngress: (onMiss: MissHandler, onAnswered: AnsweredHandler) => Ingress
  /** Called by ProcessState.fatal. */
  readonly fatal: (text: string) => never
}

export interface Server {
  readonly ingress: Ingress
  readonly dispatcher: Dispatcher
  readonly budgets: QuestionBudgets
  /** The configuration that answers now. */
  readonly current: () => RunningConfiguration
  reload(reason: string): Promise<ReloadResult>
  /** Drains (lameduck, then until it is quiet) and stops. */
  shutdown(): Promise<void>
}

/** Resolves when the sockets answer. Rejects with ConfigError or the reason that a plugin or a socket gave. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { log, writer } = options
  const shared = createSharedValues(log)
  const budgets = createQuestionBudgets(options.clock, options.metrics)
  const dispatcher = createDispatcher({
    log,
    panics: panicCounter(options.metrics),
    clock: options.clock,
    queryMetrics: createQueryMetrics(options.metrics),
    budgets,
  })
  let corefile = options.readCorefile()
  tellWarnings(log, corefile)
  /** The last reload, and the one among them that has not begun. */
  let reloading: Promise<unknown> = Promise.resolve()
  let waiting: Promise<ReloadResult> | undefined
  /** What a reload waits for, to be given up at shutdown. */
  const waits = new Set<() => void>()
  let closing = false

  const processState: ProcessState = {
    acquire: shared.acquire,
    reload,
    version: options.version,
    get configHash() {
      return corefile.hash
    },
    readConfigHash: () => options.readCorefile().hash,
    fatal: options.fatal,
    dataPlane: options.dataPlane,
    limits: options.limits,
  }
  const configureWith = (file: Corefile) => configure(file, { ...options, process: processState })

  const inFlight = createInFlight()
  let running = await run(await configureWith(corefile), writer, log)
  /** Every configuration that queries may still belong to: the running one, the next one, those that end. */
  const live = new Set([running])

  function onMiss(miss: Miss): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const owner = ownerOf(miss.listener.space)
    const plan = owner?.planOf(miss.listener.space)
    if (!owner || !plan) return undefined
    const reply = dispatcher.answer(miss, plan)
    if (!(reply instanceof Promise)) return reply
    inFlight.enter(owner)
    return reply.finally(() => inFlight.leave(owner))
  }

  /** A query is answered by the configuration that it came in under, even if that has been replaced since. */
  function ownerOf(space: number): RunningConfiguration | undefined {
    for (const candidate of live) if (candidate.planOf(space)) return candidate
    return undefined
  }

  const onAnswered: AnsweredHandler = (query, space, profileId) => {
    const { plugin, server } = writer.profileOf(profileId)
    // A thread may publish the last answers of an old configuration after its end: the new one's observers get them.
    const successor = () => running.configuration.listeners.find((plan) => plan.server === server)
    const plan = ownerOf(space)?.planOf(space) ?? successor()
    if (!plan) return false
    notifyObservers(query, plan, plugin, log)
    return true
  }

  const ingress = options.openIngress(onMiss, onAnswered)
  try {
    await ingress.apply(running.listeners)
  } catch (error) {
    await running.stop()
    await ingress.close()
    throw error
  }
  running.serving()

  async function reload(reason: string): Promise<ReloadResult> {
    // A reload that has not begun reads the Corefile when it begins, so it serves all requests until then.
    waiting ??= reloading.then(() => {
      waiting = undefined
      return replaceConfiguration(reason)
    })
    reloading = waiting
    return waiting
  }

  async function replaceConfiguration(reason: string): Promise<ReloadResult> {
    let next: RunningConfiguration | undefined
    try {
      refuseWhenClosing()
      log.info(`${reason}: Reloading`)
      const file = options.readCorefile()
      // CoreDNS would take its built-in configuration instead, and REFUSE the whole cluster.
      if (file.builtIn && !corefile.builtIn)
        throw new ConfigError(`${corefile.file} is gone, or has no server block any more`, undefined)
      tellWarnings(log, file)
      next = await run(await configureWith(file), writer, log)
      live.add(next)
      await patiently(next.settled, compileTimeout)
      refuseWhenClosing()
      await ingress.apply(next.listeners)
      corefile = file
    } catch (error) {
      if (next) await end(next)
      return { ok: false, error: errorMessage(error) }
    }
    const old = running
    running = next
    running.serving()
    if (closing) running.drain()
    await patiently(inFlight.none(old), inFlightTimeout)
    await end(old)
    log.info('Reloading complete')
    return { ok: true }
  }

  /** Waits for the work, but not past its limit (ms) or the shutdown. Leaves nothing behind: reloads may be many. */
  function patiently(work: Promise<void>, limit: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        waits.delete(done)
        resolve()
      }
      const timer = options.clock.after(limit, done)
      waits.add(done)
      work.then(done, done)
      if (closing) done()
    })
  }

  function refuseWhenClosing(): void {
    if (closing) throw new Error('shutting down')
  }

  async function end(configuration: RunningConfiguration): Promise<void> {
    ingress.flushQueryLog()
    live.delete(configuration)
    await configuration.stop()
  }

  return {
    ingress,
    dispatcher,
    budgets,
    current: () => running,
    reload,
    async shutdown() {
      closing = true
      for (const done of [...waits]) done()
      running.drain()
      await quiet(options.clock, ingress, running.lameduck)
      // What has not been answered by now has had its time, whatever it waits for.
      budgets.endAll()
      await ingress.close()
      await running.stop()
      await shared.settled()
    },
  }
}

function tellWarnings(log: Logger, { warnings }: Corefile): void {
  for (const { message, at } of warnings) log.warning(at ? `${at.file}:${at.line}:${at.column} - ${message}` : message)
}

/** Waits out the lameduck period, and then until no query has come for a while. */
async function quiet(clock: Clock, ingress: Ingress, lameduck: number): Promise<void> {
  const start = clock.now()
  await elapsed(clock, lameduck)
  const deadline = start + Math.max(lameduck, drainLimit)
  for (;;) {
    const wait = Math.min(ingress.lastQueryAt() + quietPeriod, deadline) - clock.now()
    if (wait <= 0) return
    await elapsed(clock, wait)
  }
}

function elapsed(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(milliseconds, resolve)
  })
}

/** Counts queries under way per configuration. */
function createInFlight() {
  const counts = new Map<RunningConfiguration, number>()
  const waiting = new Map<RunningConfiguration, () => void>()
  return {
    enter(owner: RunningConfiguration) {
      counts.set(owner, (counts.get(owner) ?? 0) + 1)
    },
    leave(owner: RunningConfiguration) {
      const left = (counts.get(owner) ?? 1) - 1
      if (left > 0) {
        counts.set(owner, left)
        return
      }
      counts.delete(owner)
      waiting.get(owner)?.()
      waiting.delete(owner)
    },
    none(owner: RunningConfiguration): Promise<void> {
      if (!counts.has(owner)) return Promise.resolve()
      return new Promise((resolve) => waiting.set(owner, resolve))
    },
  }
}
