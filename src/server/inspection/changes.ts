/** The latest changes of answers, over all clusters, while they are followed. */
import type { AnswerChange } from '../../console/state.ts'
import type { ClusterReport } from '../../plugin/capabilities/reports.ts'

/** Changes kept. */
const most = 100

export interface Changes {
  /** Follows exactly these clusters from now on. */
  follow(reports: readonly ClusterReport[]): void
  /** The newest first. */
  list(): readonly AnswerChange[]
}

export function createChanges(): Changes {
  let kept: readonly AnswerChange[] = []
  const followed = new Map<ClusterReport, { stop(): void }>()

  function changed(change: AnswerChange): void {
    kept = [change, ...kept.slice(0, most - 1)]
  }

  return {
    follow(reports) {
      for (const [report, subscription] of followed) {
        if (reports.includes(report)) continue
        subscription.stop()
        followed.delete(report)
      }
      for (const report of reports) if (!followed.has(report)) followed.set(report, report.follow(changed))
    },
    list: () => kept,
  }
}
