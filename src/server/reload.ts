/** Replacing the running configuration by one from the Corefile as it is now. */

import type { Corefile } from '../corefile/index.ts'
import { ConfigError } from '../corefile/schema.ts'
import type { ReloadResult } from '../plugin/contract.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { BoundedWaits } from './bounded-waits.ts'
import type { RunningConfiguration } from './running.ts'

/**
 * Milliseconds that a reload waits for the new configuration to know its cluster, while the old one answers: CoreDNS's
 * default of `startup_timeout`. Then names of a cluster that cannot be read are SERVFAIL, as at a start.
 */
const readyTimeout = 5_000
/** Milliseconds that a reload waits for the new configuration's names to be compiled; then the chain answers the rest. */
const compileTimeout = 10_000
/** Milliseconds that a reload waits for the old configuration's queries before its plugins stop. */
const inFlightTimeout = 10_000

/** What a reload does to the server, in this order. */
export interface ReloadSteps {
  readonly log: Logger
  readonly waits: BoundedWaits
  readonly closing: () => boolean
  /** The Corefile that runs. */
  readonly running: () => Corefile
  readonly read: () => Corefile
  /** Sets the configuration up and publishes it, beside the running one. */
  readonly start: (corefile: Corefile) => Promise<RunningConfiguration>
  /**
   * Makes the sockets its own, and leaves the running one those of ports that it does not use. Rejects with everything as
   * before.
   */
  readonly listen: (next: RunningConfiguration) => Promise<void>
  /** Closes the sockets that were left to the old one. */
  readonly unlisten: (old: RunningConfiguration, next: RunningConfiguration) => Promise<void>
  /** From now on it answers; returns the one that did. */
  readonly replace: (next: RunningConfiguration, corefile: Corefile) => RunningConfiguration
  /** Resolves when the configuration has no query left. */
  readonly answered: (old: RunningConfiguration) => Promise<void>
  readonly end: (configuration: RunningConfiguration) => Promise<void>
}

export function createReload(steps: ReloadSteps): (reason: string) => Promise<ReloadResult> {
  const { log, waits } = steps
  /** The last reload, and the one among them that has not begun. */
  let last: Promise<unknown> = Promise.resolve()
  let waiting: Promise<ReloadResult> | undefined

  function refuseWhenClosing(): void {
    if (steps.closing()) throw new Error('shutting down')
  }

  async function reload(reason: string): Promise<ReloadResult> {
    let next: RunningConfiguration | undefined
    let corefile: Corefile | undefined
    try {
      refuseWhenClosing()
      log.info(`${reason}: Reloading`)
      corefile = steps.read()
      // CoreDNS would take its built-in configuration instead, and REFUSE the whole cluster.
      if (corefile.builtIn && !steps.running().builtIn)
        throw new ConfigError(`${steps.running().file} is gone, or has no server block any more`, undefined)
      logWarnings(log, corefile)
      next = await steps.start(corefile)
      await waits.until(next.ready, readyTimeout)
      await waits.wait(next.settled, compileTimeout)
      refuseWhenClosing()
      await steps.listen(next)
    } catch (error) {
      if (next) await steps.end(next)
      const unchanged = corefile?.hash === steps.running().hash
      return { ok: false, error: errorMessage(error), ...(unchanged && { unchanged }) }
    }
    const old = steps.replace(next, corefile)
    // Its queries may be forwarded to itself, on another port.
    await waits.wait(steps.answered(old), inFlightTimeout)
    await steps.unlisten(old, next)
    await waits.wait(steps.answered(old), inFlightTimeout)
    await steps.end(old)
    log.info('Reloading complete')
    return { ok: true }
  }

  return (reason) => {
    // One that has not begun reads the Corefile as it is then: it serves all who ask meanwhile.
    waiting ??= last.then(() => {
      waiting = undefined
      return reload(reason)
    })
    last = waiting
    return waiting
  }
}

export function logWarnings(log: Logger, { warnings }: Corefile): void {
  for (const { message, at } of warnings) log.warning(at ? `${at.file}:${at.line}:${at.column} - ${message}` : message)
}
