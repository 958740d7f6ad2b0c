/** Looks at /health, /ready and /metrics all the time, as a kubelet and a Prometheus in a great hurry would. */
import type { RunningServer } from '../support/server.ts'

export interface Watcher {
  /** Rejects when a page was ever refused or not 200, or a counter has gone down or away. */
  stop(): Promise<{ readonly looks: number }>
}

const pages = [
  ['health', '/health'],
  ['ready', '/ready'],
  ['metrics', '/metrics'],
] as const

export function watchPages(server: RunningServer): Watcher {
  const faults: string[] = []
  let looking = true
  let looks = 0
  const watching = pages.map(async ([port, path]) => {
    let before = new Map<string, number>()
    while (looking && faults.length < 10) {
      try {
        const { status, body } = await server.http(port, path)
        looks++
        if (status !== 200) faults.push(`${path} says ${status} ${body}`)
        if (port === 'metrics') {
          const now = counters(body)
          for (const [series, value] of before) {
            const later = now.get(series)
            if (later === undefined || later < value) faults.push(`${series} was ${value}, and is ${later}`)
          }
          before = now
        }
      } catch (error) {
        faults.push(`${path}: ${(error as Error).cause ?? error}`)
      }
    }
  })
  return {
    async stop() {
      looking = false
      await Promise.all(watching)
      if (faults.length > 0) throw new Error(faults.join('\n'))
      return { looks }
    },
  }
}

function counters(exposition: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const line of exposition.split('\n')) {
    const [, series, name, value] = /^(([a-z_]+)(?:\{.*\})?) (\S+)$/.exec(line) ?? []
    if (series && /_(total|count|bucket|sum)$/.test(name!)) found.set(series, Number(value))
  }
  return found
}
