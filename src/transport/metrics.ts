/** The transport's own metrics, which CoreDNS does not have, and CoreDNS's of DNS over HTTPS. */
import type { CounterCell, GaugeCell, MetricsRegistry } from '../telemetry/metrics.ts'

export interface TransportMetrics {
  readonly sendDrops: CounterCell
  readonly receiveDrops: CounterCell
  readonly missQueueOverflow: CounterCell
  readonly shed: CounterCell
  readonly admissionsClosed: CounterCell
  readonly cutReplies: CounterCell
  readonly answerFailures: CounterCell
  readonly threadRestarts: CounterCell
  readonly logDropped: CounterCell
  readonly waitingRefused: CounterCell
  readonly relayed: CounterCell
  readonly relayShared: CounterCell
  readonly relayHandedOver: CounterCell
  readonly relayStrays: CounterCell
  readonly relayFull: CounterCell
  readonly relayUnkept: CounterCell
  readonly tcpConnections: GaugeCell
  /** Connections closed, by the resource that ran out. */
  readonly tcpEvictions: Readonly<Record<'connections' | 'input' | 'output', CounterCell>>
  readonly tcpOversized: CounterCell
  /** CoreDNS's metric, for `https://` listeners. `server`: as in all metrics. */
  readonly httpsResponses: (server: string, status: number) => CounterCell
  /** Calls `collect` before each scrape, to move the counts of threads and of the kernel into the cells. */
  onCollect(collect: () => void): { remove(): void }
}

export function registerMetrics(registry: MetricsRegistry): TransportMetrics {
  const counter = (name: string, help: string) => registry.counter(name, help, []).with()
  const evictions = registry.counter(
    'slicedns_tcp_evicted_connections_total',
    'TCP connections closed because there were too many, or because unanswered queries or unread replies took too much.',
    ['reason'],
  )
  const responses = registry.counter(
    'coredns_dns_https_responses_total',
    'Responses of DNS over HTTPS, by HTTP status.',
    ['server', 'status'],
  )
  return {
    sendDrops: counter(
      'slicedns_udp_send_drops_total',
      'UDP replies that the system refused to send: a full send buffer, or no route to the client.',
    ),
    receiveDrops: counter(
      'slicedns_udp_receive_queue_drops_total',
      'UDP queries that the kernel dropped because the socket already held as many as its buffer takes, or lets in only a share of outside names.',
    ),
    missQueueOverflow: counter(
      'slicedns_miss_queue_overflow_total',
      'UDP queries answered SERVFAIL, or dropped where PROXY headers are read, because too many were waiting for the plugin chain.',
    ),
    admissionsClosed: counter(
      'slicedns_udp_admissions_closed_total',
      'Times that a UDP socket began to drop queries for names outside before they were queued, because its thread could not refuse all of them.',
    ),
    cutReplies: counter(
      'slicedns_udp_cut_replies_total',
      'UDP replies with TC while a thread was behind with large replies, and none had more than 1,232 octets.',
    ),
    shed: counter(
      'slicedns_udp_shed_total',
      'UDP queries for names outside the answer table answered SERVFAIL, or dropped with shed, because the thread was behind.',
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
      'Queries answered from the table that are missing in log and dnstap, because more came than they take.',
    ),
    waitingRefused: counter(
      'slicedns_waiting_queries_refused_total',
      'Queries answered SERVFAIL, or dropped by shed, because those waiting for the plugin chain took all memory that they may take.',
    ),
    relayed: counter('slicedns_relayed_total', "Queries that UDP threads have answered with an upstream's answer."),
    relayShared: counter(
      'slicedns_relay_shared_total',
      'Queries that waited for the answer to the same question of another client.',
    ),
    relayHandedOver: counter(
      'slicedns_relay_handed_over_total',
      'Queries that the plugin chain got after an upstream was asked: no answer yet, an error, or an unusual answer.',
    ),
    relayStrays: counter(
      'slicedns_relay_strays_total',
      'Datagrams from upstreams that answer no question under way: late, or forged.',
    ),
    relayFull: counter(
      'slicedns_relay_full_total',
      'Queries that the plugin chain got because a UDP thread had too many under way.',
    ),
    relayUnkept: counter(
      'slicedns_relay_unkept_total',
      'Relayed answers that are not cached, because the main thread was behind.',
    ),
    tcpConnections: registry.gauge('slicedns_tcp_connections', 'Open TCP connections of DNS clients.', []).with(),
    tcpEvictions: {
      connections: evictions.with('connections'),
      input: evictions.with('input'),
      output: evictions.with('output'),
    },
    tcpOversized: counter(
      'slicedns_tcp_oversized_requests_total',
      'Requests over connections answered FORMERR, or with an HTTP error, because they were larger than 4,096 octets.',
    ),
    httpsResponses: (server, status) => responses.with(server, String(status)),
    onCollect: (collect) => registry.onCollect(collect),
  }
}
