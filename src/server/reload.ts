/** Replaces the running configuration by one from the current Corefile. */

import type { Corefile } from '../corefile/index.ts'
import { ConfigError } from '../corefile/schema.ts'
import type { ReloadResult } from '../plugin/contract.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { BoundedWaits } from './bounded-waits.ts'
import type { RunningConfiguration } from './running.ts'

/**
 * Milliseconds that a reload waits for the new configuration to sync its cluster, while the old one answers: CoreDNS's
 * default of `startup_timeout`. After that names of a cluster that cannot be read are SERVFAIL, as at a start.
 */
const readyTimeout = 5_000
/** Milliseconds that a reload waits for the new configuration's names to be compiled; after that the chain answers the rest. */
const compileTimeout = 10_000
/** Milliseconds that a reload waits for the old configuration's queries before its plugins stop. */
const inFlightTimeout = 10_000

/** The steps of a reload, in this order. */
export interface ReloadSteps {
  readonly log: Logger
  readonly waits: BoundedWaits
  readonly closing: () => boolean
  /** The Corefile of the running configuration. */
  readonly running: () => Corefile
  readonly read: () => Corefile
  /** Sets the configuration up and publishes it beside the running one. */
  readonly start: (corefile: Corefile) => Promise<RunningConfiguration>
  /**
   * Switches the sockets to the new configuration; the old one keeps those of ports that the new one does not use. Rejects
   * with everything unchanged.
   */
  readonly listen: (next: RunningConfiguration) => Promise<void>
  /** Closes the sockets that the old configuration kept. */
  readonly unlisten: (old: RunningConfiguration, next: RunningConfiguration) => Promise<void>
  /** Makes the configuration the running one; returns the previous one. */
  readonly replace: (next: RunningConfiguration, corefile: Corefile) => RunningConfiguration
  /** Resolves when the configuration has no query left. */
  readonly answered: (old: RunningConfiguration) => Promise<void>
  readonly end: (configuration: RunningConfiguration) => Promise<void>
}

export function createReload(steps: ReloadSteps): (reason: string) => Promise<ReloadResult> {
  const { log, waits } = steps
  /** The last reload, and the one that has been requested but not begun. */
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
      // These two and the last line are CoreDNS's own: alerts look for them.
      log.info('Reloading')
      corefile = steps.read()
      // CoreDNS would load its built-in configuration instead, and REFUSE every name of the cluster.
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
      log.error(`Restart failed: ${errorMessage(error)}`)
      return { ok: false, error: errorMessage(error), ...(unchanged && { unchanged }) }
    }
    const old = steps.replace(next, corefile)
    // Queries of the old configuration may be forwarded to this server, on another port.
    await waits.wait(steps.answered(old), inFlightTimeout)
    await steps.unlisten(old, next)
    await waits.wait(steps.answered(old), inFlightTimeout)
    await steps.end(old)
    log.info('Reloading complete')
    return { ok: true }
  }

  return (reason) => {
    // A pending reload will read the Corefile as it is when it begins, so one serves all requests until then.
    waiting ??= last.then(() => {
      waiting = undefined
      return reload(reason)
    })
    last = waiting
    return waiting
  }
}

/** The message comes first, as CoreDNS's have no place. */
export function logWarnings(log: Logger, { warnings }: Corefile): void {
  for (const { message, at } of warnings) log.warning(at ? `${message} (${at.file}:${at.line}:${at.column})` : message)
}
