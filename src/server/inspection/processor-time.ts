/** How busy each thread is, from its processor time. */
import type { ServerState } from '../../console/state.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { threadTime } from '../../scheduling/clock.ts'
import type { IngressLoad } from '../ingress.ts'

export interface ProcessorTime {
  sample(): void
  /** Of the time between the last two samples. */
  busy(): ServerState['threads']
}

export function createProcessorTime(clock: Clock, load: () => IngressLoad): ProcessorTime {
  let before = { at: clock.now(), times: new Map<string, number>() }
  let shares: ServerState['threads'] = []
  return {
    sample() {
      const at = clock.now()
      const times = new Map([['main', threadTime()], ...load().threads.map(({ name, busy }) => [name, busy] as const)])
      const share = (name: string, time: number) => {
        // A thread that was replaced begins at 0 again.
        const used = time - (before.times.get(name) ?? time)
        return at > before.at ? Math.min(1, Math.max(0, used / (at - before.at))) : 0
      }
      shares = [...times].map(([name, time]) => ({ name, busy: share(name, time) }))
      before = { at, times }
    },
    busy: () => shares,
  }
}
