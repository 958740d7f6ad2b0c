import type { Clock } from '../../scheduling/clock.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'

/** A plugin that reports whether it is ready. */
export interface Reporter {
  readonly name: string
  readonly instance: { ready?(): boolean }
}

interface Report {
  readonly ready: boolean
  readonly text: string
}

/** The state of /ready at one address, for all server blocks whose `ready` has that address. */
export interface Readiness {
  /** The answer to a probe. Logs the plugins that are not ready. */
  answer(): Report
  /** `continuously`: reporters are asked each time; otherwise only until they are ready. */
  join(reporters: readonly Reporter[], continuously: boolean): Member
  /** Answers `Shutting down` from now on. */
  shutDown(): void
}

export interface Member {
  /** Call it when the member's configuration answers queries. */
  serve(): void
  leave(): void
}

interface Group {
  serving: boolean
  readonly continuously: boolean
  readonly unready: Set<Reporter>
}

/** `address` is the label of the metric. */
export function createReadiness(
  metrics: MetricsRegistry,
  address: string,
  onUnready: (names: string) => void,
): { readonly value: Readiness; stop(): void } {
  const groups = new Set<Group>()
  let shuttingDown = false
  const gauge = metrics.gauge('slicedns_ready', 'Whether /ready at this address says 200.', ['address'])
  const collecting = metrics.onCollect(() => gauge.with(address).set(report().ready ? 1 : 0))

  /**
   * The groups that decide: during a reload those of the configuration that answers queries, at the first start all.
   */
  function deciding(): Group[] {
    const serving = [...groups].filter((group) => group.serving)
    return serving.length > 0 ? serving : [...groups]
  }

  function unreadyNames(group: Group): string[] {
    const names: string[] = []
    for (const reporter of group.unready) {
      if (!reporter.instance.ready?.()) names.push(reporter.name)
      else if (!group.continuously) group.unready.delete(reporter)
    }
    return names
  }

  function report(): Report {
    if (shuttingDown) return { ready: false, text: 'Shutting down' }
    const names = new Set(deciding().flatMap(unreadyNames))
    return names.size === 0 ? { ready: true, text: 'OK' } : { ready: false, text: [...names].sort().join(',') }
  }

  return {
    value: {
      answer() {
        const found = report()
        if (!found.ready && !shuttingDown) onUnready(found.text)
        return found
      },
      join(reporters, continuously) {
        const group: Group = { serving: false, continuously, unready: new Set(reporters) }
        groups.add(group)
        return {
          serve() {
            group.serving = true
          },
          leave: () => void groups.delete(group),
        }
      },
      shutDown() {
        shuttingDown = true
      },
    },
    stop() {
      collecting.remove()
      gauge.forget(address)
    },
  }
}

/** Milliseconds between two lines: whoever reaches the address could fill the log. */
const pauseOfLog = 1000

/** CoreDNS's line for a probe that finds plugins unready. */
export function logUnready(log: Logger, clock: Clock): (names: string) => void {
  let last = Number.NEGATIVE_INFINITY
  return (names) => {
    if (clock.now() - last < pauseOfLog) return
    last = clock.now()
    log.info(`Plugins not ready: "${names}"`)
  }
}
