/** CoreDNS's metrics of queries (`coredns_dns_*`): one definition for the chain, the data plane and the server. */
import { rcodeName, typeName } from '../dns/codes.ts'
import type { CounterCell, HistogramCell, MetricsRegistry } from '../telemetry/metrics.ts'
import { durationBuckets, labelledTypes, otherType, sizeBuckets } from '../telemetry/query-buckets.ts'
import { type Outcome, protocolOf, type Query } from './query.ts'
import { messageOctets } from './size.ts'

const labelled: ReadonlySet<string> = new Set(labelledTypes)

function typeLabel(type: number): string {
  const name = typeName(type)
  return labelled.has(name) ? name : otherType
}

const familyLabel = (address: string): '1' | '2' => (address.includes(':') ? '2' : '1')

/** The zone label of queries that no server block takes. */
const droppedZone = 'dropped'

/** The plugin that wrote a reply, and the one that CoreDNS would name. */
interface Writer {
  readonly plugin: string
  readonly named: string
}

const nobody: Writer = { plugin: '', named: '' }

/** The cells of one (server, zone, view, proto). */
export interface QueryCells {
  readonly duration: HistogramCell
  readonly requestSize: HistogramCell
  readonly responseSize: HistogramCell
  readonly doRequests: CounterCell
  requests(family: string, type: string): CounterCell
  /** `named`: the plugin that CoreDNS would name (src/plugins/prometheus/named-plugin.ts). */
  responses(rcode: string, named: string): CounterCell
  /** `plugin` wrote the reply. */
  written(rcode: string, plugin: string): CounterCell
}

export interface QueryMetrics {
  cells(server: string, zone: string, view: string, proto: 'udp' | 'tcp'): QueryCells
  /** Counts a query and its outcome. `seconds` since it was received. `named`: as in QueryCells.responses. */
  count(query: Query, outcome: Outcome, seconds: number, named: string): void
  /** The same for a query that no server block takes. */
  countDropped(query: Query, rcode: number, seconds: number): void
}

/** Registers the families; again for the same registry gives the same ones. */
export function createQueryMetrics(metrics: MetricsRegistry): QueryMetrics {
  const families = registerFamilies(metrics)
  const bound = new Map<string, QueryCells>()

  function cells(server: string, zone: string, view: string, proto: 'udp' | 'tcp'): QueryCells {
    const key = `${server} ${zone} ${view} ${proto}`
    let found = bound.get(key)
    if (!found) {
      found = bindCells(families, server, zone, view, proto)
      bound.set(key, found)
    }
    return found
  }

  function countIn(query: Query, zone: string, code: number, writer: Writer, octets: number, seconds: number): void {
    const at = cells(query.server, zone, query.view, protocolOf(query.transport))
    at.requests(familyLabel(query.client.address), typeLabel(query.qtype)).inc()
    const rcode = rcodeName(code)
    at.responses(rcode, writer.named).inc()
    at.written(rcode, writer.plugin).inc()
    at.requestSize.observe(messageOctets(query.request))
    at.responseSize.observe(octets)
    at.duration.observe(seconds)
    if (query.request.edns?.dnssecOk) at.doRequests.inc()
  }

  return {
    cells,
    count(query, outcome, seconds, named) {
      if (outcome.kind === 'reply') {
        const { message, plugin } = outcome
        countIn(query, query.zone, message.rcode, { plugin, named }, messageOctets(message), seconds)
      } else {
        // Nothing was written: no size, and no plugin that wrote. A dropped query counts as NOERROR.
        countIn(query, query.zone, outcome.kind === 'rcode' ? outcome.rcode : 0, nobody, 0, seconds)
      }
    },
    countDropped: (query, rcode, seconds) => countIn(query, droppedZone, rcode, nobody, 0, seconds),
  }
}

type Families = ReturnType<typeof registerFamilies>

function registerFamilies(metrics: MetricsRegistry) {
  const listener = ['server', 'zone', 'view'] as const
  return {
    requests: metrics.counter('coredns_dns_requests_total', 'Queries received.', [
      ...listener,
      'proto',
      'family',
      'type',
    ]),
    duration: metrics.histogram(
      'coredns_dns_request_duration_seconds',
      'Seconds from receiving a query to its reply.',
      listener,
      durationBuckets,
    ),
    requestSize: metrics.histogram(
      'coredns_dns_request_size_bytes',
      'Octets of queries, without name compression.',
      [...listener, 'proto'],
      sizeBuckets,
    ),
    responseSize: metrics.histogram(
      'coredns_dns_response_size_bytes',
      'Octets of replies as they were written, before truncation.',
      [...listener, 'proto'],
      sizeBuckets,
    ),
    doRequests: metrics.counter('coredns_dns_do_requests_total', 'Queries that ask for DNSSEC records (DO).', listener),
    responses: metrics.counter('coredns_dns_responses_total', 'Replies by rcode and by the plugin behind prometheus.', [
      ...listener,
      'rcode',
      'plugin',
    ]),
    written: metrics.counter('slicedns_responses_total', 'Replies by rcode and by the plugin that wrote them.', [
      ...listener,
      'rcode',
      'plugin',
    ]),
  }
}

function bindCells(families: Families, server: string, zone: string, view: string, proto: 'udp' | 'tcp'): QueryCells {
  const requests = new Map<string, CounterCell>()
  const responses = new Map<string, CounterCell>()
  const written = new Map<string, CounterCell>()
  return {
    duration: families.duration.with(server, zone, view),
    requestSize: families.requestSize.with(server, zone, view, proto),
    responseSize: families.responseSize.with(server, zone, view, proto),
    get doRequests() {
      // Bound when first counted: a series that stays at zero says nothing.
      return families.doRequests.with(server, zone, view)
    },
    requests: (family, type) =>
      remembered(requests, family + type, () => families.requests.with(server, zone, view, proto, family, type)),
    responses: (rcode, named) =>
      remembered(responses, `${rcode} ${named}`, () => families.responses.with(server, zone, view, rcode, named)),
    written: (rcode, plugin) =>
      remembered(written, `${rcode} ${plugin}`, () => families.written.with(server, zone, view, rcode, plugin)),
  }
}

function remembered<Value>(values: Map<string, Value>, key: string, make: () => Value): Value {
  let value = values.get(key)
  if (value === undefined) {
    value = make()
    values.set(key, value)
  }
  return value
}
