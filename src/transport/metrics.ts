/** The transport's own metrics. Dashboards of CoreDNS know none of them. */
import type { CounterCell, GaugeCell, MetricsRegistry } from '../telemetry/metrics.ts'

export interface TransportMetrics {
  readonly sendDrops: CounterCell
  readonly receiveDrops: CounterCell
  readonly missQueueOverflow: CounterCell
  readonly answerFailures: CounterCell
  readonly threadRestarts: CounterCell
  readonly logDropped: CounterCell
  readonly waitingRefused: CounterCell
  readonly tcpConnections: GaugeCell
  /** Connections closed, by what there was too much of. */
  readonly tcpEvictions: Readonly<Record<'connections' | 'input' | 'output', CounterCell>>
  readonly tcpOversized: CounterCell
  /** Calls `collect` before each scrape, to move what threads and the kernel have counted into the cells. */
  onCollect(collect: () => void): { remove(): void }
}

export function registerMetrics(registry: MetricsRegistry): TransportMetrics {
  const counter = (name: string, help: string) => registry.counter(name, help, []).with()
  const evictions = registry.counter(
    'slicedns_tcp_evicted_connections_total',
    'TCP connections closed because there were too many, or because unanswered queries or unread replies took too much.',
    ['reason'],
  )
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
    waitingRefused: counter(
      'slicedns_waiting_queries_refused_total',
      'Queries answered SERVFAIL because those waiting for the plugin chain took all memory that they may take.',
    ),
    tcpConnections: registry.gauge('slicedns_tcp_connections', 'Open TCP connections of DNS clients.', []).with(),
    tcpEvictions: {
      connections: evictions.with('connections'),
      input: evictions.with('input'),
      output: evictions.with('output'),
    },
    tcpOversized: counter(
      'slicedns_tcp_oversized_requests_total',
      'Requests over TCP answered FORMERR because they were larger than 4,096 octets.',
    ),
    onCollect: (collect) => registry.onCollect(collect),
  }
}
