/** Reports names that lead to more CNAMEs than a question may follow: counted each time, logged at most once a minute. */

import { queryLimits } from '../../plugin/budget.ts'
import type { Clock } from '../../scheduling/clock.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'
import type { ChaseLimit } from './cname-chase.ts'

export interface ChaseLimitReport {
  /** `name`: the query name. */
  reached(name: string, limits: ReadonlySet<ChaseLimit>): void
}

/** Milliseconds between two log lines: each question could cause one. */
const logInterval = 60_000

const reasons: Readonly<Record<ChaseLimit, string>> = {
  names: `they lead to more than ${queryLimits.names} names of the cluster`,
  lookups: `they lead to more than ${queryLimits.lookups} names outside of the cluster, or too many are being looked up`,
  octets: 'their records do not fit one message',
  deadline: `not all were resolved within ${queryLimits.time / 1000} s`,
}

export function createChaseLimitReport(log: Logger, metrics: MetricsRegistry, clock: Clock): ChaseLimitReport {
  const limited = metrics.counter(
    'slicedns_cname_chase_limited_total',
    'Queries whose CNAMEs were not all followed, by the bound that ended it: names, lookups, octets, deadline.',
    ['bound'],
  )
  // Shown from the start, so that `rate` and `increase` see the first event.
  for (const limit of Object.keys(reasons)) limited.with(limit)
  let loggedAt = Number.NEGATIVE_INFINITY
  return {
    reached(name, limits) {
      for (const limit of limits) limited.with(limit).inc()
      if (limits.size === 0 || clock.now() - loggedAt < logInterval) return
      loggedAt = clock.now()
      const why = [...limits].map((limit) => reasons[limit]).join(', and ')
      log.warning(`not all CNAMEs of ${name} were followed: ${why}`)
    },
  }
}
