/** What must hold of the metrics whatever happens: none is negative, no counter goes back, and no thread runs in circles. */
import type { RunningServer } from '../support/server.ts'

export interface MetricsWatch {
  look(): Promise<void>
  /** The server has much to do on purpose: its processor time until the next look says nothing. */
  excuseLoad(): void
}

interface Seen {
  readonly pid: number
  readonly at: number
  readonly values: ReadonlyMap<string, number>
}

const sample = /^(?<series>[a-zA-Z_:][\w:]*(?:\{.*\})?) (?<value>\S+)$/
/** Of one processor, for as long as from one look to the next: what is asked here takes a tenth. */
const mostBusy = 0.9
/** Milliseconds between two looks from which on its processor time says something. */
const longEnough = 2_000

/** A process that takes another's place begins anew. */
export function watchMetrics(server: () => RunningServer, fail: (text: string) => void): MetricsWatch {
  let seen: Seen | undefined
  let isLoaded = false

  function compare(before: Seen, now: Seen, counters: ReadonlySet<string>): void {
    for (const [series, value] of now.values) {
      const earlier = before.values.get(series)
      if (earlier === undefined || value >= earlier || !counters.has(nameOf(series))) continue
      fail(`the counter ${series} went from ${earlier} to ${value}`)
    }
    const used = (at: Seen): number => at.values.get('process_cpu_seconds_total') ?? 0
    const passed = now.at - before.at
    const busy = ((used(now) - used(before)) * 1_000) / passed
    if (passed >= longEnough && busy > mostBusy && !isLoaded)
      fail(`${busy.toFixed(2)} of a processor are busy for ${Math.round(passed)} ms`)
  }

  return {
    async look() {
      const { pid } = server()
      const { body } = await server().http('metrics', '/metrics')
      const counters = new Set<string>()
      const values = new Map<string, number>()
      for (const line of body.split('\n')) {
        const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
        if (type === 'counter') counters.add(name!)
        if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) counters.add(`${name}_${part}`)
        const { series, value } = sample.exec(line)?.groups ?? {}
        if (series === undefined) continue
        values.set(series, Number(value))
        if (Number(value) < 0) fail(`${series} is ${value}`)
      }
      const now: Seen = { pid, at: performance.now(), values }
      if (seen?.pid === pid) compare(seen, now, counters)
      seen = now
      isLoaded = false
    },
    excuseLoad() {
      isLoaded = true
    },
  }
}

const nameOf = (series: string): string => series.replace(/\{.*/, '')
