/** Processor time of each thread: how close it is to its limit, for example for autoscaling. */
import { readdirSync, readFileSync } from 'node:fs'
import { type Clock, systemClock } from '../scheduling/clock.ts'
import type { MetricsRegistry } from './metrics.ts'

/** A thread of the process by its number, with its name and its processor time in seconds. */
export interface ThreadTime {
  readonly id: number
  /** `main`, `udp 0`, …; `other` for threads of the runtime. */
  readonly name: string
  readonly seconds: number
}

/** Ticks of /proc per second: USER_HZ, which is 100 wherever Node.js runs. */
const ticksPerSecond = 100

/** Minimum milliseconds over which a ratio is computed: with only a few ticks it would fluctuate. */
const shortestWindow = 10_000

/** Registers the threads' processor time, and its share over the last 10 s or more. Linux only. */
export function publishThreadMetrics(
  metrics: MetricsRegistry,
  { clock = systemClock, read = readThreadTimes }: { readonly clock?: Clock; readonly read?: () => ThreadTime[] } = {},
): { remove(): void } {
  const total = metrics.counter('slicedns_thread_cpu_seconds_total', 'Processor time of the threads.', ['thread'])
  const ratio = metrics.gauge(
    'slicedns_thread_busy_ratio',
    'Processor time of a thread as a part of the time since a scrape that is at least 10 s ago.',
    ['thread'],
  )
  const seen = new Map<number, number>()
  let [older, newer] = [snapshot(), snapshot()]

  function snapshot(): { readonly at: number; readonly seconds: ReadonlyMap<string, number> } {
    for (const { id, name, seconds } of read()) {
      const before = seen.get(id) ?? 0
      seen.set(id, seconds)
      // A number may be reused for another thread.
      total.with(name).inc(seconds < before ? seconds : seconds - before)
    }
    const totals = metrics.counters('slicedns_thread_cpu_seconds_total')
    return { at: clock.now(), seconds: new Map(totals.map(({ labels, totals: { value } }) => [labels.thread!, value])) }
  }

  return metrics.onCollect(() => {
    const now = snapshot()
    if (now.at - newer.at >= shortestWindow) [older, newer] = [newer, now]
    const elapsed = (now.at - older.at) / 1_000
    for (const [thread, seconds] of now.seconds)
      ratio.with(thread).set(elapsed > 0 ? Math.min(1, (seconds - (older.seconds.get(thread) ?? 0)) / elapsed) : 0)
  })
}

/** /proc is in memory: reading it does not block. */
export function readThreadTimes(): ThreadTime[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/task').flatMap((id) => {
    const stat = readStat(id)
    if (stat === undefined) return []
    // proc_pid_stat(5): ID (NAME) and 50 numbers, of which the 14th and 15th are the ticks of user and system time.
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const numbers = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const seconds = (Number(numbers[11]) + Number(numbers[12])) / ticksPerSecond
    return [
      { id: Number(id), name: Number(id) === process.pid ? 'main' : /^udp \d+$/.test(name) ? name : 'other', seconds },
    ]
  })
}

/** Undefined for a thread that has just ended. */
function readStat(id: string): string | undefined {
  try {
    return readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
  } catch {
    return undefined
  }
}
