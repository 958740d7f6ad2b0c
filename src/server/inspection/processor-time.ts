/** Utilisation of each thread, from its processor time. */
import type { ServerState } from '../../console/state.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { readThreadTimes } from '../../telemetry/thread-metrics.ts'

export interface ProcessorTime {
  sample(): void
  /** Shares of the time between the last two samples. */
  busy(): ServerState['threads']
}

export function createProcessorTime(clock: Clock): ProcessorTime {
  let before = { at: clock.now(), seconds: new Map<string, number>() }
  let shares: ServerState['threads'] = []
  return {
    sample() {
      const at = clock.now()
      const seconds = new Map<string, number>()
      for (const { name, seconds: used } of readThreadTimes()) seconds.set(name, (seconds.get(name) ?? 0) + used)
      const share = (name: string, used: number): number => {
        // A replacement thread starts at 0.
        const more = Math.max(0, used - (before.seconds.get(name) ?? used))
        return at > before.at ? Math.min(1, (more * 1_000) / (at - before.at)) : 0
      }
      // Threads of the Node.js runtime work on behalf of the others.
      const own = [...seconds].filter(([name]) => name !== 'other')
      shares = own.map(([name, used]) => ({ name, busy: share(name, used) }))
      before = { at, seconds }
    },
    busy: () => shares,
  }
}
