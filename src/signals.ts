/**
 * The process's signals, as in CoreDNS: SIGTERM and SIGINT drain and end it, a second SIGINT ends it at once, SIGQUIT ends it at
 * once, SIGUSR1 and SIGHUP reload. The log lines are CoreDNS's, because log rules match them.
 */
import { durationText } from './corefile/read.ts'
import { endAfter } from './native-signals.ts'
import { errorMessage } from './telemetry/error-text.ts'
import type { Logger } from './telemetry/log.ts'

export interface SignalHandlers {
  reload(signal: string): void
  /** Drains and stops the server. */
  shutdown(): Promise<void>
  /** Milliseconds after which the process ends although `shutdown` has not finished. */
  shutdownLimit(): number
}

/** Exit code. */
const forced = 2
/** Milliseconds in which a second SIGINT is the same key: a terminal sends it to npm, too, which passes it on (`npm start`). */
const sameKey = 250
/** Seconds after the limit at which the kernel ends the process, should the main thread be too busy to do it itself. */
const graceOfAlarm = 2

/**
 * Installs the handlers. Until `handle` is called there is no server yet: a signal to end ends the process at once, and
 * one to reload is ignored, since the start reads the Corefile anyway.
 */
export function listenForSignals(log: Logger): { handle(handlers: SignalHandlers): void } {
  let handlers: SignalHandlers | undefined
  let shuttingDown = false
  /** When the first SIGINT came. */
  let interruptedAt: number | undefined

  async function shutDown(signal: string): Promise<void> {
    if (shuttingDown) return
    shuttingDown = true
    if (handlers) await drain(signal, handlers, log)
    process.exit(0)
  }

  process.on('SIGTERM', () => {
    // Some container runtimes send it twice: the second one must not cut the drain short.
    if (!shuttingDown) log.info('SIGTERM: Shutting down servers then terminating')
    void shutDown('SIGTERM')
  })
  process.on('SIGINT', () => {
    if (interruptedAt !== undefined) {
      if (performance.now() - interruptedAt < sameKey) return
      log.info('SIGINT: Force quit')
      process.exit(forced)
    }
    interruptedAt = performance.now()
    log.info('SIGINT: Shutting down')
    void shutDown('SIGINT')
  })
  process.on('SIGQUIT', () => {
    log.info('SIGQUIT: Quitting process immediately')
    process.exit(0)
  })
  process.on('SIGUSR2', () => {
    log.error('SIGUSR2: upgrading in place is not supported: replace the process; SIGUSR1 reloads the Corefile')
  })
  for (const signal of ['SIGUSR1', 'SIGHUP']) process.on(signal, () => handlers?.reload(signal))
  return {
    handle(installed) {
      handlers = installed
    },
  }
}

/** Resolves when the server has stopped or its time is up. Never rejects. */
async function drain(signal: string, handlers: SignalHandlers, log: Logger): Promise<void> {
  const started = performance.now()
  const limit = handlers.shutdownLimit()
  endAfter(Math.ceil(limit / 1000) + graceOfAlarm)
  const took = () => durationText(Math.round(performance.now() - started))
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      log.warning(`${signal}: Terminating after ${took()} although the servers have not stopped`)
      resolve()
    }, limit)
    handlers
      .shutdown()
      .then(
        () => log.info(`${signal}: Servers stopped after ${took()}`),
        (error: unknown) => log.error(`${signal}: stopping the servers failed: ${errorMessage(error)}`),
      )
      .finally(() => {
        clearTimeout(timer)
        resolve()
      })
  })
}
