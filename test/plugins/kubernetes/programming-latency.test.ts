/** The programming latency that `kubernetes` counts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice, Service } from '../../../src/k8s/model/types.ts'
import {
  changeTimeAnnotation,
  measureProgrammingLatency,
} from '../../../src/plugins/kubernetes/publish/programming-latency.ts'
import { createMetrics } from '../../../src/telemetry/registry.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

test('a change that is noted for later than now takes no time: the sum of durations never becomes less', async () => {
  const metrics = createMetrics()
  const clock = createFakeClock({ wall: 1_796_000_000_000 })
  const latency = measureProgrammingLatency(metrics, clock)
  const changedAt = (milliseconds: number) =>
    ({ annotations: { [changeTimeAnnotation]: new Date(milliseconds).toISOString() } }) as unknown as EndpointSlice
  latency.published({ headless: true } as Service, [changedAt(clock.wall() - 2_000)])
  latency.published({ headless: true } as Service, [changedAt(clock.wall() + 3_600_000)])
  const text = await metrics.text()
  assert.match(text, /^coredns_kubernetes_dns_programming_duration_seconds_sum\{.*\} 2$/m)
  assert.match(text, /^coredns_kubernetes_dns_programming_duration_seconds_count\{.*\} 2$/m)
})
