/** The parts of the state that clusters report. Thousands of services are read in slices of work. */
import type { ConsoleState } from '../../console/state.ts'
import type { ClusterReport, ServicesReport } from '../../plugin/capabilities/reports.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'

export type ClusterStates = Pick<ConsoleState, 'services' | 'splits' | 'holds' | 'problems'>

/** `picked`: how often a variant of a split was selected, by the split's name and the variant's tag. */
export type ReadClusters = (
  reports: readonly ClusterReport[],
  picked: (name: string, tag: number) => number,
) => Promise<ClusterStates>

export function createClusterStates(clock: Clock): ReadClusters {
  const scheduler = createCooperativeScheduler(clock)

  async function finish<Result>(work: Iterator<void, Result>): Promise<Result> {
    scheduler.begin()
    for (;;) {
      const step = work.next()
      if (step.done) return step.value
      if (scheduler.due) await scheduler.rest()
    }
  }

  return async (reports, picked) => {
    const read: ServicesReport[] = []
    for (const report of reports) read.push(await finish(report.services(picked)))
    const held = reports.map((report) => report.held())
    return {
      services: {
        total: read.reduce((sum, { services }) => sum + services.total, 0),
        more: read.reduce((sum, { services }) => sum + services.more, 0),
        list: read.flatMap(({ services }) => services.list),
      },
      splits: read.flatMap(({ splits }) => splits),
      holds: {
        waiting: held.reduce((sum, { waiting }) => sum + waiting, 0),
        list: held.flatMap(({ list }) => list),
      },
      problems: reports.flatMap((report) => report.problems()),
    }
  }
}
