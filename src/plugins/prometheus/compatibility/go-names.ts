/**
 * Metrics of the Go runtime that dashboards and alerts for CoreDNS use, with the nearest value of Node.js. Each help
 * text says what is counted. Metrics without a counterpart (spans, stacks, objects, pauses) are left out.
 */
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { MetricsRegistry } from '../../../telemetry/metrics.ts'

export function fillGoNames(metrics: MetricsRegistry): void {
  const heap = getHeapStatistics()
  const threads = threadCount()
  metrics.gauge('go_info', 'The runtime, which is Node.js.', ['version']).with(`node ${process.version}`).set(1)
  metrics
    .gauge(
      'go_goroutines',
      'Sockets, timers and requests that the event loop waits for, and threads: where Go has a goroutine for each.',
      [],
    )
    .with()
    .set(process.getActiveResourcesInfo().length + threads)
  metrics.gauge('go_threads', 'Threads of the process.', []).with().set(threads)
  metrics
    .gauge('go_sched_gomaxprocs_threads', 'Processors that the process may use.', [])
    .with()
    .set(availableParallelism())
  metrics
    .gauge('go_memstats_alloc_bytes', "Octets of objects on the main thread's heap.", [])
    .with()
    .set(heap.used_heap_size)
  metrics
    .counter('go_memstats_alloc_bytes_total', "Octets allocated on the main thread's heap since the start.", [])
    .with()
    .inc(heap.total_allocated_bytes)
  metrics
    .gauge('go_memstats_heap_alloc_bytes', "Octets of objects on the main thread's heap.", [])
    .with()
    .set(heap.used_heap_size)
  metrics
    .gauge('go_memstats_heap_inuse_bytes', "Octets of objects on the main thread's heap.", [])
    .with()
    .set(heap.used_heap_size)
  metrics
    .gauge('go_memstats_heap_idle_bytes', "Octets of the main thread's heap without objects.", [])
    .with()
    .set(heap.total_heap_size - heap.used_heap_size)
  metrics
    .gauge('go_memstats_heap_sys_bytes', "Octets that the main thread's heap takes.", [])
    .with()
    .set(heap.total_heap_size)
  metrics
    .gauge('go_memstats_sys_bytes', 'Resident memory of the process, the answer table included.', [])
    .with()
    .set(process.memoryUsage.rss())
}

/** Reading /proc does not block. On other systems only this thread is known. */
function threadCount(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/task').length : 1
}
