import { rcodeName } from '../../dns/codes.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'
import { durationBuckets } from '../../telemetry/query-buckets.ts'

export interface GrpcMetrics {
  answered(to: string, rcode: number, seconds: number): void
  silent(to: string): void
}

export function createGrpcMetrics(registry: MetricsRegistry): GrpcMetrics {
  const requests = registry.counter('coredns_grpc_requests_total', 'Queries answered by each upstream.', ['to'])
  const responses = registry.counter('coredns_grpc_responses_total', 'Answers of each upstream by rcode.', [
    'rcode',
    'to',
  ])
  const durations = registry.histogram(
    'coredns_grpc_request_duration_seconds',
    'Seconds from asking an upstream to its answer.',
    ['to'],
    durationBuckets,
  )
  const silent = registry.counter(
    'slicedns_grpc_silent_connections_total',
    'Connections given up because the upstream fell silent.',
    ['to'],
  )
  return {
    silent: (to) => silent.with(to).inc(),
    answered(to, rcode, seconds) {
      requests.with(to).inc()
      responses.with(rcodeName(rcode), to).inc()
      durations.with(to).observe(seconds)
    },
  }
}
