/** The process metrics of Prometheus' client libraries, with their names, and build information. */
import { readdirSync, readFileSync } from 'node:fs'
import type { MetricsRegistry } from './metrics.ts'

/** Registers `process_*`, filled at each scrape. On systems without /proc the metrics that need it are missing. */
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
  const maxVirtual = metrics.gauge('process_virtual_memory_max_bytes', 'Most virtual memory that it may have.', [])
  const received = metrics.counter(
    'process_network_receive_bytes_total',
    "Octets of IP packets that the process's network namespace (its pod) has received.",
    [],
  )
  const sent = metrics.counter(
    'process_network_transmit_bytes_total',
    "Octets of IP packets that the process's network namespace (its pod) has sent.",
    [],
  )
  return metrics.onCollect(() => {
    const { user, system } = process.cpuUsage()
    cpu.inc((user + system) / 1e6 - cpu.value)
    resident.set(process.memoryUsage.rss())
    if (process.platform !== 'linux') return
    virtual.with().set(1024 * numberAfter('/proc/self/status', 'VmSize:'))
    maxFiles.with().set(numberAfter('/proc/self/limits', 'Max open files'))
    maxVirtual.with().set(numberAfter('/proc/self/limits', 'Max address space', unlimited))
    const { InOctets = 0, OutOctets = 0 } = namedNumbers('/proc/self/net/netstat', 'IpExt:')
    received.with().inc(InOctets - received.with().value)
    sent.with().inc(OutOctets - sent.with().value)
    // One of them is the folder being read.
    openFiles.with().set(readdirSync('/proc/self/fd').length - 1)
  })
}

/** Publishes the running build. CoreDNS's dashboards show `version`; `goversion` is the runtime's. */
export function publishBuildInfo(metrics: MetricsRegistry, version: string): void {
  metrics
    .gauge('coredns_build_info', 'Always 1; the labels say which build runs.', ['version', 'revision', 'goversion'])
    .with(version, '', `node ${process.version}`)
    .set(1)
}

/** Publishes how many octets the process may use. Without a limit there is no series. */
export function publishMemoryLimit(metrics: MetricsRegistry, limit: number | undefined): void {
  const gauge = metrics.gauge(
    'slicedns_memory_limit_bytes',
    'Octets that the process may use: -memory-limit, or the limit of its cgroup.',
    [],
  )
  if (limit !== undefined) gauge.with().set(limit)
}

/** The value of Prometheus' client libraries for no limit: RLIM_INFINITY (getrlimit(2)). */
const unlimited = 2 ** 64

/**
 * The first number on the line of a /proc file that begins with `label`, or `otherwise`. /proc is in memory: reading it does not
 * block.
 */
function numberAfter(path: string, label: string, otherwise = Number.NaN): number {
  const line = readFileSync(path, 'utf8')
    .split('\n')
    .find((candidate) => candidate.startsWith(label))
  return Number(/\d+/.exec(line?.slice(label.length) ?? '')?.[0] ?? otherwise)
}

/** A table of /proc/net in two lines, names and numbers, both of which begin with `label`. */
function namedNumbers(path: string, label: string): Partial<Record<string, number>> {
  const [names = [], numbers = []] = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(label))
    .map((line) => line.slice(label.length).trim().split(' '))
  return Object.fromEntries(names.map((name, column) => [name, Number(numbers[column])]))
}
