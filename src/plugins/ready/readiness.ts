import type { MetricsRegistry } from '../../telemetry/metrics.ts'

/** A plugin that reports whether it is ready. */
export interface Reporter {
  readonly name: string
  readonly instance: { ready?(): boolean }
}

/** What one address answers at /ready, for all server blocks whose `ready` names that address. */
export interface Readiness {
  report(): { readonly ready: boolean; readonly text: string }
  /** `continuously`: reporters are asked each time; otherwise only until they are ready. */
  join(reporters: readonly Reporter[], continuously: boolean): Member
  /** From now on: `Shutting down`. */
  shutDown(): void
}

export interface Member {
  /** The configuration of this member answers queries now. */
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
): { readonly value: Readiness; stop(): void } {
  const groups = new Set<Group>()
  let shuttingDown = false
  const gauge = metrics.gauge('slicedns_ready', 'Whether /ready at this address says 200.', ['address'])
  const collecting = metrics.onCollect(() => gauge.with(address).set(report().ready ? 1 : 0))

  /** While a reload starts the next configuration, the one that answers queries decides; at first start all do. */
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

  function report(): { readonly ready: boolean; readonly text: string } {
    if (shuttingDown) return { ready: false, text: 'Shutting down' }
    const names = new Set(deciding().flatMap(unreadyNames))
    return names.size === 0 ? { ready: true, text: 'OK' } : { ready: false, text: [...names].sort().join(',') }
  }

  return {
    value: {
      report,
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
