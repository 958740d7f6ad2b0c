/** Reports the state of `forward`'s upstreams to `console` and `slicedns top`. */
import type { UpstreamReport } from '../../plugin/capabilities/reports.ts'
import { relayGrowth } from '../../upstream/shared-state.ts'
import type { Upstream } from '../../upstream/upstream.ts'
import type { Forward } from './forward.ts'

/** Answers that UDP threads got from an upstream, since the first report. */
interface Relayed {
  readonly growth: ReturnType<typeof relayGrowth>
  count: number
  seconds: number
}

export function createUpstreamReports(forwards: readonly Forward[]): () => readonly UpstreamReport[] {
  const relayed = new WeakMap<Upstream, Relayed>()

  function relayedBy(upstream: Upstream): { readonly count: number; readonly seconds: number } {
    if (!upstream.relay) return { count: 0, seconds: 0 }
    const known = relayed.get(upstream) ?? { growth: relayGrowth(upstream.relay.shared), count: 0, seconds: 0 }
    relayed.set(upstream, known)
    for (const { counts, sum } of known.growth().answers) {
      known.count += counts.reduce((all, count) => all + count, 0)
      known.seconds += sum
    }
    return known
  }

  return () =>
    forwards.flatMap((forward) =>
      forward.servers.current.map((upstream) => {
        const { to, health, answers } = upstream
        const threads = relayedBy(upstream)
        return {
          from: forward.settings.from,
          to,
          healthy: !health.down,
          fails: health.fails,
          underWay: forward.running + forward.ofThreads(),
          queries: answers.count + threads.count,
          seconds: answers.seconds + threads.seconds,
        }
      }),
    )
}
