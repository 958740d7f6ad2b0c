/** Queries by rcode, path and protocol, and their latency: totals become rates, kept for an hour in fixed memory. */
import type { HistoryPoint, Latency, TrafficState } from '../../console/state.ts'
import { rcodeName } from '../../dns/codes.ts'
import type { DataPlaneSample } from '../../plugin/contract.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { durationBuckets } from '../../telemetry/query-buckets.ts'
import type { ChainCounts } from './chain-counts.ts'
import { quantile } from './quantile.ts'

const second = 1_000
/** Milliseconds over which rates are computed. */
const rateWindow = 5 * second
const latencyWindow = 60 * second
const pointInterval = 10 * second
const hour = 3_600 * second
/** An hour, and the minute before it. */
const mostPoints = (hour + latencyWindow) / pointInterval

/** Counts since the process began. */
interface Totals {
  /** Milliseconds of the monotonic clock. */
  readonly at: number
  readonly rcodes: ReadonlyMap<string, number>
  readonly protocols: ReadonlyMap<string, number>
  readonly dataPlane: number
  readonly relayed: number
  readonly chain: number
  readonly durations: Float64Array
}

/** Ten seconds of history. */
interface Point {
  readonly time: number
  /** Milliseconds of the monotonic clock. */
  readonly at: number
  readonly seconds: number
  readonly queries: number
  readonly failures: number
  readonly durations: Float64Array
}

export interface TrafficSources {
  readonly clock: Clock
  readonly dataPlane: () => Iterable<DataPlaneSample>
  /** Replies of the data plane that came from an upstream. */
  readonly relayed: () => number
  readonly chain: ChainCounts
}

export interface Traffic {
  /** Samples the totals: once a second while somebody looks, otherwise every ten seconds. */
  sample(): void
  /** Milliseconds since the second-last sample; Infinity before there are two. */
  age(): number
  state(): TrafficState
  /** Discards the samples: what follows comes after a gap. */
  restart(): void
}

export function createTraffic(sources: TrafficSources): Traffic {
  const { clock } = sources
  /** The samples of the last minute, oldest first. */
  let samples: Totals[] = []
  let points: Point[] = []
  let pointBegan: Totals | undefined

  function sample(): void {
    const now = totalsOf(sources)
    samples.push(now)
    while (samples.length > 2 && samples[1].at <= now.at - latencyWindow) samples.shift()
    pointBegan ??= now
    if (now.at - pointBegan.at < pointInterval) return
    points.push(pointOf(pointBegan, now, clock.wall()))
    if (points.length > mostPoints) points.shift()
    pointBegan = now
  }

  return {
    sample,
    age: () => (samples.length < 2 ? Number.POSITIVE_INFINITY : clock.now() - samples.at(-1)!.at),
    restart() {
      samples = []
      points = []
      pointBegan = undefined
    },
    state() {
      const now = samples.at(-1) ?? totalsOf(sources)
      const before = samples.findLast(({ at }) => at <= now.at - rateWindow) ?? samples[0] ?? now
      const seconds = (now.at - before.at) / second
      const rate = (total: number, earlier: number) => (seconds > 0 ? Math.max(0, total - earlier) / seconds : 0)
      const relay = rate(now.relayed, before.relayed)
      const chain = rate(now.chain, before.chain)
      const table = Math.max(0, rate(now.dataPlane, before.dataPlane) - relay)
      const past = hourAgo(points, clock.now())
      return {
        queries: table + relay + chain,
        rcodes: ratesOf(now.rcodes, before.rcodes, rate),
        paths: { table, relay, chain },
        protocols: ratesOf(now.protocols, before.protocols, rate),
        latency: latencyOf(difference(now.durations, (samples[0] ?? now).durations)),
        ...(past && { hourAgo: past }),
        history: points.slice(-hour / pointInterval).map(shown),
      }
    },
  }
}

function totalsOf({ clock, dataPlane, relayed, chain }: TrafficSources): Totals {
  const rcodes = new Map<string, number>()
  const protocols = new Map<string, number>()
  const durations = chain.durations.slice()
  let ofChain = 0
  let ofDataPlane = 0
  for (const [code, count] of chain.rcodes.entries()) {
    if (count > 0) rcodes.set(rcodeName(code), count)
    ofChain += count
  }
  for (const [protocol, count] of chain.protocols) protocols.set(protocol, count)
  for (const { responses, server, proto, duration } of dataPlane()) {
    let replies = 0
    for (const [code, count] of responses) {
      rcodes.set(code, (rcodes.get(code) ?? 0) + count)
      replies += count
    }
    const scheme = server.slice(0, server.indexOf(':'))
    const protocol = scheme === 'dns' ? proto : scheme
    protocols.set(protocol, (protocols.get(protocol) ?? 0) + replies)
    ofDataPlane += replies
    for (const [bucket, count] of duration.counts.entries()) durations[bucket] += count
  }
  return { at: clock.now(), rcodes, protocols, dataPlane: ofDataPlane, relayed: relayed(), chain: ofChain, durations }
}

function ratesOf(
  now: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
  rate: (total: number, earlier: number) => number,
): Record<string, number> {
  const rates = [...now].map(([key, total]) => [key, rate(total, before.get(key) ?? 0)] as const)
  return Object.fromEntries(rates.filter(([, each]) => each > 0))
}

/** A total that shrank (its profile is gone) counts as unchanged. */
function difference(now: Float64Array, before: Float64Array): Float64Array {
  return now.map((count, bucket) => Math.max(0, count - before[bucket]))
}

const latencyOf = (durations: Float64Array): Latency => ({
  p50: quantile(0.5, durations),
  p99: quantile(0.99, durations),
})

function pointOf(began: Totals, now: Totals, time: number): Point {
  const grown = (code: string) => Math.max(0, (now.rcodes.get(code) ?? 0) - (began.rcodes.get(code) ?? 0))
  const sum = (codes: readonly string[]) => codes.reduce((all, code) => all + grown(code), 0)
  const codes = [...now.rcodes.keys()]
  const failed = codes.filter((code) => code !== 'NOERROR' && code !== 'NXDOMAIN')
  return {
    time,
    at: now.at,
    seconds: (now.at - began.at) / second,
    queries: sum(codes),
    failures: sum(failed),
    durations: difference(now.durations, began.durations),
  }
}

const shown = ({ time, seconds, queries, failures, durations }: Point): HistoryPoint => ({
  time,
  queries: queries / seconds,
  failures: failures / seconds,
  ...latencyOf(durations),
})

/** The minute that ended an hour ago; undefined if it was not recorded. */
function hourAgo(points: readonly Point[], now: number): TrafficState['hourAgo'] {
  const minute = points.filter(({ at }) => at <= now - hour && at > now - hour - latencyWindow)
  if (minute.length === 0) return undefined
  const durations = new Float64Array(durationBuckets.length + 1)
  for (const point of minute) for (const [bucket, count] of point.durations.entries()) durations[bucket] += count
  const seconds = minute.reduce((all, point) => all + point.seconds, 0)
  return { queries: minute.reduce((all, point) => all + point.queries, 0) / seconds, ...latencyOf(durations) }
}
