/** The transport's own metrics. Dashboards of CoreDNS know none of them. */
import type { CounterCell, GaugeCell, MetricsRegistry } from '../telemetry/metrics.ts'

export interface TransportMetrics {
  readonly sendDrops: CounterCell
  readonly receiveDrops: CounterCell
  readonly missQueueOverflow: CounterCell
  readonly answerFailures: CounterCell
  readonly threadRestarts: CounterCell
  readonly logDropped: CounterCell
  readonly tcpConnections: GaugeCell
  readonly tcpRejected: CounterCell
  /** Calls `collect` before each scrape, to move what threads and the kernel have counted into the cells. */
  onCollect(collect: () => void): { remove(): void }
}

export function registerMetrics(registry: MetricsRegistry): TransportMetrics {
  const counter = (name: string, help: string) => registry.counter(name, help, []).with()
  return {
    sendDrops: counter(
      'slicedns_udp_send_drops_total',
      'UDP replies that the system refused to send: a full send buffer, or no route to the client.',
    ),
    receiveDrops: counter(
      'slicedns_udp_receive_queue_drops_total',
      'UDP queries that the kernel dropped because the socket already held as many as its buffer takes.',
    ),
    missQueueOverflow: counter(
      'slicedns_miss_queue_overflow_total',
      'UDP queries answered SERVFAIL because too many were already waiting for the plugin chain.',
    ),
    answerFailures: counter(
      'slicedns_answer_failures_total',
      'Queries whose table lookup threw, so that the plugin chain was asked instead. Each is a bug.',
    ),
    threadRestarts: counter(
      'slicedns_udp_thread_restarts_total',
      'UDP threads that died and were replaced on the same sockets.',
    ),
    logDropped: counter(
      'slicedns_log_dropped_total',
      'Queries answered from the table that are not in the query log, because more came than it takes.',
    ),
    tcpConnections: registry.gauge('slicedns_tcp_connections', 'Open TCP connections of DNS clients.', []).with(),
    tcpRejected: counter(
      'slicedns_tcp_rejected_connections_total',
      'TCP connections closed on arrival because too many were open, in all or from that client.',
    ),
    onCollect: (collect) => registry.onCollect(collect),
  }
}
