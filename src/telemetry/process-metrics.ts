/** The process metrics of Prometheus' client libraries, under their names, and the build. */
import { readdirSync, readFileSync } from 'node:fs'
import type { MetricsRegistry } from './metrics.ts'

/** Registers `process_*` and fills them at each scrape. On systems without /proc those that come from it are missing. */
export function publishProcessMetrics(metrics: MetricsRegistry): { remove(): void } {
  const cpu = metrics.counter('process_cpu_seconds_total', 'User and system CPU time spent, in seconds.', []).with()
  const resident = metrics.gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', []).with()
  const started = metrics
    .gauge('process_start_time_seconds', 'Start time of the process since the Unix epoch in seconds.', [])
    .with()
  started.set(Math.round(Date.now() - process.uptime() * 1_000) / 1_000)
  const virtual = metrics.gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.', [])
  const openFiles = metrics.gauge('process_open_fds', 'Open file descriptors.', [])
  const maxFiles = metrics.gauge('process_max_fds', 'Most file descriptors that the process may open.', [])
  return metrics.onCollect(() => {
    const { user, system } = process.cpuUsage()
    cpu.inc((user + system) / 1e6 - cpu.value)
    resident.set(process.memoryUsage.rss())
    if (process.platform !== 'linux') return
    virtual.with().set(1024 * numberAfter('/proc/self/status', 'VmSize:'))
    maxFiles.with().set(numberAfter('/proc/self/limits', 'Max open files'))
    // One of them is the folder that is being read.
    openFiles.with().set(readdirSync('/proc/self/fd').length - 1)
  })
}

/** Says which build runs. CoreDNS's dashboards show `version`; `goversion` is the runtime's. */
export function publishBuildInfo(metrics: MetricsRegistry, version: string): void {
  metrics
    .gauge('coredns_build_info', 'Always 1; the labels say which build runs.', ['version', 'revision', 'goversion'])
    .with(version, '', `node ${process.version}`)
    .set(1)
}

/** The first number on the line of /proc that begins with `label`. /proc is memory: reading it does not wait. */
function numberAfter(path: string, label: string): number {
  const line = readFileSync(path, 'utf8')
    .split('\n')
    .find((candidate) => candidate.startsWith(label))
  return Number(/\d+/.exec(line?.slice(label.length) ?? '')?.[0] ?? Number.NaN)
}
