/** `slicedns [-conf Corefile] …`: assembles the rooms into a running server, and obeys signals. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { collect } from './answer/counters.ts'
import { createResponder, missText } from './answer/index.ts'
import { parseServeFlags } from './cli/flags.ts'
import { type Corefile, defaultCorefile, loadCorefile } from './corefile/index.ts'
import { ConfigError } from './corefile/schema.ts'
import { plugins } from './plugins/index.ts'
import { readProcessLimits } from './process-limits/index.ts'
import { systemClock } from './scheduling/clock.ts'
import { explain, listenForExplain } from './server/explain.ts'
import { panicCounter } from './server/panics.ts'
import { createTableProbe } from './server/probe.ts'
import type { Server } from './server/server.ts'
import { startServer } from './server/server.ts'
import { registerTableMetrics } from './server/table-metrics.ts'
import { createTable } from './table/index.ts'
import { errorMessage, errorStack } from './telemetry/error-text.ts'
import type { Logger } from './telemetry/log.ts'
import { createLogger } from './telemetry/logger.ts'
import type { CounterCell } from './telemetry/metrics.ts'
import { publishBuildInfo } from './telemetry/process-metrics.ts'
import { createMetrics } from './telemetry/registry.ts'
import { createTransport } from './transport/index.ts'
import { version } from './version.ts'

export async function serve(args: readonly string[]): Promise<void> {
  const flags = parseServeFlags(args)
  if (flags.kind === 'exit') {
    ;(flags.code === 0 ? process.stdout : process.stderr).write(flags.text)
    process.exitCode = flags.code
    return
  }
  const log = createLogger()
  const metrics = createMetrics()
  publishBuildInfo(metrics, version)
  const limits = readProcessLimits()
  const writer = createTable()
  registerTableMetrics(metrics, writer)
  const readCorefile = (): Corefile => {
    if (flags.conf !== undefined) return loadCorefile(flags.conf)
    return existsSync('Corefile') ? loadCorefile('Corefile') : defaultCorefile(flags.port)
  }
  const fatal = (text: string): never => {
    process.stdout.write(`[FATAL] ${text}\n`)
    process.exit(1)
  }

  // Before there is a server: of process 1 of a container the system takes no signal that has no handler.
  const signals = listenForSignals(flags.pidfile)
  let server: Server
  try {
    server = await startServer({
      readCorefile,
      plugins,
      defaultPort: flags.port,
      log,
      metrics,
      clock: systemClock,
      writer,
      dataPlane: { collect: () => collect(writer) },
      limits,
      openIngress: (onMiss, onAnswered) =>
        createTransport({
          table: writer.handle,
          addReader: () => writer.addReader(),
          onMiss,
          onAnswered,
          log,
          metrics,
        }),
      fatal,
    })
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError || errorMessage(error)}\n`)
    process.exit(1)
  }

  const reader = writer.addReader()
  const responder = createResponder(writer.handle, reader.slot)
  const probe = createTableProbe(responder, () => missText(responder))
  const explainer = listenForExplain(
    process.platform === 'linux'
      ? `\0slicedns-${process.pid}`
      : `${process.env.TMPDIR ?? '/tmp'}/slicedns-${process.pid}.sock`,
    (name, type) => explain(server, probe, name, type),
    log,
  )
  surviveExceptions(log, panicCounter(metrics))
  const failedReloads = metrics.counter('coredns_reload_failed_total', 'Reloads that failed.', []).with()
  const reload = async (signal: string): Promise<void> => {
    const result = await server.reload(signal)
    if (result.ok) return
    failedReloads.inc()
    log.error(`${signal}: reload failed, the running configuration stays: ${result.error}`)
  }
  signals.handleSignals({
    reload: (signal) => void reload(signal),
    async end() {
      await server.shutdown()
      explainer.close()
    },
  })
  if (flags.pidfile !== undefined) writePidfile(flags.pidfile, log)
  if (!flags.quiet) printBanner(server)
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

/** What signals ask for. */
interface SignalHandlers {
  reload(signal: string): void
  end(): Promise<void>
}

/** Until someone obeys, a signal to end ends the process at once, and one to reload is what the start does anyway. */
function listenForSignals(pidfile: string | undefined): { handleSignals(server: SignalHandlers): void } {
  let obedient: SignalHandlers | undefined
  let ending = false
  const end = async (): Promise<void> => {
    // A second signal means that a person will not wait.
    if (ending) process.exit(2)
    ending = true
    if (obedient && pidfile !== undefined) rmSync(pidfile, { force: true })
    await obedient?.end()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, end)
  for (const signal of ['SIGUSR1', 'SIGHUP']) process.on(signal, () => obedient?.reload(signal))
  return {
    handleSignals(server) {
      obedient = server
    },
  }
}

function writePidfile(path: string, log: { error(text: string): void }): void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 })
  } catch (error) {
    log.error(`Could not write the pidfile ${path}: ${errorMessage(error)}`)
  }
}

/** Zone lines as CoreDNS prints them, the version, and for a server that nobody knows yet what to try. */
function printBanner(server: Server): void {
  const { configuration } = server.current()
  const lines: string[] = []
  for (const listener of configuration.listeners) {
    const zones = listener.blocks.flatMap((block) => block.zones).sort()
    for (const zone of zones) lines.push(`${zone}:${listener.port}${listener.address && ` on ${listener.address}`}`)
  }
  lines.push(
    `slicedns-${version}`,
    `${process.platform}/${process.arch}, node ${process.version}, udp by ${server.ingress.udp}`,
  )
  const first = configuration.listeners[0]
  const examples = configuration.blocks.flatMap((block) =>
    block.instances.flatMap(({ instance }) => instance.examples?.() ?? []),
  )
  if (first)
    for (const example of examples) {
      const port = first.port === 53 ? '' : ` -p ${first.port}`
      lines.push(`try: dig @${first.address || '127.0.0.1'}${port} ${example}`)
    }
  process.stdout.write(`${lines.join('\n')}\n`)
}
