/** Logs failures of listing and watching a resource, and sets its availability. */
import type { Clock } from '../../scheduling/clock.ts'
import type { Logger } from '../../telemetry/log.ts'
import { createRateLimitedLog } from '../../telemetry/rate-limited-log.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { Resource } from '../model/types.ts'
import type { ApiFailure, FailureReason } from './failure.ts'
import { apiResources } from './resources.ts'

export interface WatchErrorReporter {
  /** `inRow`: failures since the last success, this one included. */
  failed(failure: ApiFailure, inRow: number): void
  over(): void
}

/** Every watch has these occasionally, even twice in a row: only the third in a row is logged. */
const passing: readonly FailureReason[] = ['broken', 'silent', 'expired', 'ahead', 'throttled']

export function createWatchErrorReporter(
  resource: Resource,
  model: ClusterModel,
  log: Logger,
  clock: Clock,
): WatchErrorReporter {
  const { group, plural } = apiResources[resource]
  const what = `watching ${resource}`
  const failures = createRateLimitedLog(what, log, clock)
  // Granting rights takes time: it is logged once, naming what to grant, however long it takes.
  const forbidden = createRateLimitedLog(what, log, clock, false)
  return {
    failed(failure, inRow) {
      if (failure.reason === 'forbidden') {
        const rule = `apiGroups: ["${group}"], resources: ["${plural}"], verbs: ["list", "watch"]`
        // The API server names the verb that failed, list or watch, but the missing rule is the same.
        forbidden.failed(
          `may not list and watch ${plural}: the ClusterRole needs the rule {${rule}}; ${failure.message}`,
          'forbidden',
        )
        // A synced resource is still served, so it stays synced.
        if (model.view.availability(resource) === 'pending') model.setAvailability(resource, 'forbidden')
        return
      }
      // The connection reports rejected credentials, once for all resources.
      if (failure.reason === 'unauthorized' || (passing.includes(failure.reason) && inRow < 3)) return
      failures.failed(`cannot watch ${resource}: ${failure.message}`)
    },
    over() {
      forbidden.over()
      failures.over()
    },
  }
}
