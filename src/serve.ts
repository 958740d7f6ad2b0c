/** `slicedns [-conf Corefile] …`: assembles a running server. */
import { existsSync } from 'node:fs'
import { collect } from './answer/counters.ts'
import { bannerTexts } from './banner.ts'
import { printExit } from './cli/args.ts'
import { parseServeFlags } from './cli/flags.ts'
import { standardIo } from './cli/output.ts'
import { type Corefile, defaultCorefile, loadCorefile, readStandardInput } from './corefile/index.ts'
import { listenLocally } from './local-socket/index.ts'
import { unblockReloadSignal } from './native-signals.ts'
import { writePidfile } from './pidfile.ts'
import { plugins } from './plugins/index.ts'
import { readProcessLimits } from './process-limits/index.ts'
import { systemClock } from './scheduling/clock.ts'
import type { Server } from './server/api.ts'
import { createDiagnosticsServer } from './server/diagnostics.ts'
import { drainLimit } from './server/drain.ts'
import { panicCounter } from './server/panics.ts'
import { startServer } from './server/server.ts'
import { registerTableMetrics } from './server/table-metrics.ts'
import { listenForSignals } from './signals.ts'
import type { UnservedReason } from './table/api.ts'
import { createTable } from './table/index.ts'
import { errorMessage, errorStack } from './telemetry/error-text.ts'
import type { Logger } from './telemetry/log.ts'
import { formatEntry, type LogEntry } from './telemetry/log-format.ts'
import { createLogger } from './telemetry/logger.ts'
import type { CounterCell } from './telemetry/metrics.ts'
import { publishBuildInfo, publishMemoryLimit } from './telemetry/process-metrics.ts'
import { createMetrics } from './telemetry/registry.ts'
import { createTransport } from './transport/index.ts'
import { version } from './version.ts'

/** Milliseconds that plugins and sockets may take to stop after the drain. */
const stopLimit = 2_000

const unservedText: Readonly<Record<UnservedReason, string>> = {
  memory:
    'the answer table has no more memory: the plugins answer every query of the listeners that need it, more slowly. Give the process more, or serve fewer names',
  profiles:
    'the answer table has had 65,535 pairs of zone and plugin: the plugins answer every query of listeners that have others, more slowly. Restart, or serve fewer zones',
}

export async function serve(args: readonly string[]): Promise<void> {
  const flags = parseServeFlags(args)
  if (flags.kind === 'exit') {
    process.exitCode = printExit(flags, standardIo())
    return
  }
  const log = createLogger({ format: flags.logFormat })
  const record = (level: LogEntry['level'], text: string): string =>
    formatEntry.json({ level, plugin: '', text, time: systemClock.wall() })
  const isJson = flags.logFormat === 'json'
  const metrics = createMetrics()
  publishBuildInfo(metrics, version)
  const limits = readProcessLimits({ memoryLimit: flags.memoryLimit })
  publishMemoryLimit(metrics, limits.memory.source === 'default' ? undefined : limits.memory.limit)
  // The other half of the share is for the replies that `cache` itself keeps.
  const writer = createTable({
    maxCachedBytes: limits.memory.cache / 2,
    onUnserved: (reason) => log.warning(unservedText[reason]),
  })
  registerTableMetrics(metrics, writer)
  const readCorefile = (): Corefile => {
    if (flags.conf !== undefined) return loadCorefile(flags.conf)
    return existsSync('Corefile') ? loadCorefile('Corefile') : defaultCorefile(flags.port)
  }
  const fatal = (text: string): never => {
    process.stdout.write(isJson ? record('fatal', text) : `[FATAL] ${text}\n`)
    process.exit(1)
  }

  // Before there is a server: process 1 of a container gets no signal that it has no handler for.
  const signals = listenForSignals(log)
  unblockReloadSignal(log)
  let server: Server
  try {
    if (flags.conf === 'stdin') await readStandardInput()
    server = await startServer({
      readCorefile,
      plugins,
      lenient: flags.lenientPlugins,
      version: `slicedns-${version}`,
      defaultPort: flags.port,
      log,
      metrics,
      clock: systemClock,
      writer,
      dataPlane: { collect: () => collect(writer) },
      limits,
      openIngress: (onMiss, onAnswered, onRelayed) =>
        createTransport({
          table: writer.handle,
          addReader: () => writer.addReader(),
          onMiss,
          onAnswered,
          onRelayed,
          log,
          metrics,
          processLimits: limits,
        }),
      fatal,
    })
  } catch (error) {
    process.stderr.write(isJson ? record('fatal', errorMessage(error)) : `${errorMessage(error)}\n`)
    process.exit(1)
  }

  const diagnostics = createDiagnosticsServer(server.inspection)
  listenLocally(diagnostics.net).catch((error: unknown) =>
    log.warning(`slicedns explain cannot reach this process: ${errorMessage(error)}`),
  )
  diagnostics.net.unref()
  surviveExceptions(log, panicCounter(metrics))
  const failedReloads = metrics.counter('coredns_reload_failed_total', 'Reloads that failed.', []).with()
  const reload = async (signal: string): Promise<void> => {
    const result = await server.reload(signal)
    if (result.ok) return
    failedReloads.inc()
    log.error(`${signal}: reload failed, the running configuration stays: ${result.error}`)
  }
  signals.handle({
    reload: (signal) => void reload(signal),
    async shutdown() {
      await server.shutdown()
      diagnostics.net.close()
      diagnostics.closeAll()
    },
    shutdownLimit: () => Math.max(server.current().lameduck, drainLimit) + stopLimit,
  })
  if (flags.pidfile !== undefined) writePidfile(flags.pidfile, log)
  if (!flags.quiet)
    for (const text of bannerTexts(server, { examples: process.stdout.isTTY && !isJson }))
      process.stdout.write(isJson ? record('info', text) : `${text}\n`)
}

/**
 * An exception outside any query (a timer, a socket's event) must not take the cluster's DNS down: it is logged with its
 * stack, counted where people have an alert for it, and the server goes on.
 */
function surviveExceptions(log: Logger, panics: CounterCell): void {
  const survive = (error: unknown): void => {
    panics.inc()
    log.error(`unexpected exception, please report it: ${errorStack(error)}`)
  }
  process.on('uncaughtException', survive)
  process.on('unhandledRejection', survive)
}
