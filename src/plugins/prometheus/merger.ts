import type { DataPlaneSample, HistogramSample } from '../../plugin/contract.ts'
import { createGrowth } from '../../plugin/growth.ts'
import { createQueryMetrics, type QueryCells, type QueryMetrics } from '../../plugin/query-metrics.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'

/** Adds the data plane's counts since the last call to the series of the chain. `named`: see Named. */
export type Merge = (samples: Iterable<DataPlaneSample>, named: Named) => void

/** The plugin that CoreDNS names for replies of this listener and zone; undefined where their queries are not counted. */
export type Named = (server: string, zone: string) => string | undefined

export function createMerger(metrics: MetricsRegistry): Merge {
  const queries = createQueryMetrics(metrics)
  const growth = createGrowth(metrics)

  return (samples, named) => {
    for (const [key, sample] of sumUp(samples)) {
      // Growth is recorded for blocks that are not counted, too: a `prometheus` that is added later counts from then on.
      const grown = growthOf(sample, (name, total) => growth(`${key} ${name}`, total))
      const plugin = named(sample.server, sample.zone)
      if (plugin !== undefined) add(queries, grown, plugin)
    }
  }
}

/** Several profiles can have the same labels (after a reload with another `bufsize`): their counts are one series. */
function sumUp(samples: Iterable<DataPlaneSample>): Map<string, DataPlaneSample> {
  const sums = new Map<string, DataPlaneSample>()
  for (const sample of samples) {
    const key = `${sample.server} ${sample.zone} ${sample.view} ${sample.plugin} ${sample.proto}`
    const before = sums.get(key)
    sums.set(key, before ? plus(before, sample) : sample)
  }
  return sums
}

function plus(a: DataPlaneSample, b: DataPlaneSample): DataPlaneSample {
  return {
    ...a,
    requests: plusMap(a.requests, b.requests),
    responses: plusMap(a.responses, b.responses),
    doRequests: a.doRequests + b.doRequests,
    requestSize: plusHistogram(a.requestSize, b.requestSize),
    responseSize: plusHistogram(a.responseSize, b.responseSize),
    duration: plusHistogram(a.duration, b.duration),
  }
}

function plusMap(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): Map<string, number> {
  const sum = new Map(a)
  for (const [key, count] of b) sum.set(key, (sum.get(key) ?? 0) + count)
  return sum
}

function plusHistogram(a: HistogramSample, b: HistogramSample): HistogramSample {
  return { counts: a.counts.map((count, bucket) => count + b.counts[bucket]), sum: a.sum + b.sum }
}

/** The sample with each total replaced by its growth. */
function growthOf(sample: DataPlaneSample, growth: (name: string, total: number) => number): DataPlaneSample {
  const grownMap = (name: string, totals: ReadonlyMap<string, number>) =>
    new Map([...totals].map(([key, total]) => [key, growth(`${name} ${key}`, total)]))
  const grownHistogram = (name: string, { counts, sum }: HistogramSample): HistogramSample => ({
    counts: counts.map((count, bucket) => growth(`${name} ${bucket}`, count)),
    sum: growth(`${name} sum`, sum),
  })
  return {
    ...sample,
    requests: grownMap('requests', sample.requests),
    responses: grownMap('responses', sample.responses),
    doRequests: growth('do', sample.doRequests),
    requestSize: grownHistogram('request size', sample.requestSize),
    responseSize: grownHistogram('response size', sample.responseSize),
    duration: grownHistogram('duration', sample.duration),
  }
}

function add(queries: QueryMetrics, sample: DataPlaneSample, named: string): void {
  const cells: QueryCells = queries.cells(sample.server, sample.zone, sample.view, sample.proto)
  // The key of a request count is the family (one digit) and the type label: `1AAAA`.
  for (const [key, count] of sample.requests) if (count > 0) cells.requests(key[0], key.slice(1)).inc(count)
  for (const [code, count] of sample.responses) {
    if (count === 0) continue
    cells.responses(code, named).inc(count)
    cells.written(code, sample.plugin).inc(count)
  }
  if (sample.doRequests > 0) cells.doRequests.inc(sample.doRequests)
  cells.requestSize.add(sample.requestSize.counts, sample.requestSize.sum)
  cells.responseSize.add(sample.responseSize.counts, sample.responseSize.sum)
  cells.duration.add(sample.duration.counts, sample.duration.sum)
}
