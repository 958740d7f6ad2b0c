/** The spaces of the answer table that a source publishes to, one for each listener of its server block. */
import { errorMessage } from '../telemetry/error-text.ts'
import type { TableSink } from './capabilities/compiled-source.ts'

export interface TableTarget {
  readonly sink: TableSink
  /** Resolves when everything is in the space, or when it is no longer maintained. */
  readonly settled: PromiseWithResolvers<void>
}

/**
 * Calls each target. One that throws is given up: a full table no longer serves the space, and the chain answers all of
 * it.
 */
export function toEach<Target extends TableTarget>(
  targets: Set<Target>,
  call: (target: Target) => void,
  report: (text: string) => void,
): void {
  for (const target of targets) {
    try {
      call(target)
    } catch (error) {
      targets.delete(target)
      target.settled.resolve()
      report(
        `publishing to the answer table has stopped, its names are answered by the plugin chain: ${errorMessage(error)}`,
      )
    }
  }
}
