import type { ProcessState } from '../../plugin/contract.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'

/** How often the Corefile is checked, in milliseconds. */
export interface Pace {
  readonly interval: number
  /** The width of the range around the interval, so that replicas do not all reload in the same second. */
  readonly jitter: number
}

export interface Watcher {
  setPace(pace: Pace): void
  /** Call it when a configuration has begun to answer queries: shows its hash. */
  running(): void
}

/** Checks the Corefile, imports included, and asks for a reload when it has changed. */
export function createWatcher(
  process: Pick<ProcessState, 'configHash' | 'readConfigHash' | 'reload' | 'corefileUnreadable' | 'corefileRestored'>,
  metrics: MetricsRegistry,
  clock: Clock,
  log: Logger,
): { readonly value: Watcher; stop(): void } {
  const failures = metrics.counter('coredns_reload_failed_total', 'Reloads that failed.', []).with()
  const versions = metrics.gauge('coredns_reload_version_info', 'The hash of the Corefile that runs.', [
    'hash',
    'value',
  ])
  let timer: Timer | undefined
  let shownHash = ''
  /** A hash that failed to load: it is not tried again until the file changes. */
  let failed: string | undefined
  let unreadable: string | undefined
  let busy = false

  async function check(): Promise<void> {
    if (busy) return
    const hash = readHash()
    if (hash === process.configHash) {
      // A signal since the last check may have found another Corefile, and failed.
      process.corefileRestored()
      failed = undefined
    }
    if (hash === undefined || hash === process.configHash || hash === failed) return
    busy = true
    const result = await process.reload('Corefile changed')
    busy = false
    failed = result.ok ? undefined : hash
    if (result.ok) return
    failures.inc()
    log.error(`Corefile changed but reload failed: ${result.error}`)
  }

  /** The current hash of the file; undefined when it cannot be read or parsed, which is logged once. */
  function readHash(): string | undefined {
    try {
      const hash = process.readConfigHash()
      unreadable = undefined
      return hash
    } catch (error) {
      const reason = errorMessage(error)
      if (reason !== unreadable) {
        failures.inc()
        process.corefileUnreadable(reason)
        log.warning(`Corefile parse failed: ${reason}; the running configuration stays`)
      }
      unreadable = reason
      return undefined
    }
  }

  return {
    value: {
      setPace({ interval, jitter }) {
        timer?.cancel()
        timer = clock.every(interval + (Math.random() - 0.5) * jitter, () => void check())
      },
      running() {
        const hash = process.configHash
        if (hash === shownHash) return
        if (shownHash !== '') versions.forget('sha512', shownHash)
        versions.with('sha512', hash).set(1)
        shownHash = hash
        log.info(`Running configuration SHA512 = ${hash}`)
      },
    },
    stop() {
      timer?.cancel()
      if (shownHash !== '') versions.forget('sha512', shownHash)
    },
  }
}
