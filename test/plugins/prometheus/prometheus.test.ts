import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { request } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { DataPlaneSample } from '../../../src/plugin/contract.ts'
import { prometheus } from '../../../src/plugins/prometheus/index.ts'
import { durationBuckets, sizeBuckets } from '../../../src/telemetry/query-buckets.ts'
import {
  ask,
  createPluginHarness,
  failing,
  handle,
  type PluginHarness,
  replying,
  setUp,
} from '../../support/plugin-harness.ts'
import { freePort } from '../../support/ports.ts'
import { until } from '../../support/until.ts'

/** Samples of the families that begin with `prefix`, without buckets. */
async function series(harness: PluginHarness, prefix: string): Promise<string[]> {
  const lines = (await harness.metrics.text()).split('\n')
  return lines.filter((line) => line.startsWith(prefix) && !line.includes('_bucket{'))
}

async function started(text: string, harness: PluginHarness, block: Parameters<typeof setUp>[3] = {}) {
  const instance = setUp(prometheus, text, harness, block)
  await instance.start?.()
  return instance
}

async function withPrometheus(use: (harness: PluginHarness, port: number) => Promise<void>) {
  const harness = createPluginHarness()
  const port = await freePort()
  const instance = await started(`prometheus 127.0.0.1:${port}`, harness)
  try {
    await use(harness, port)
  } finally {
    await instance.stop?.()
    await harness.settled()
  }
}

describe('the queries that prometheus counts', () => {
  it('prometheus counts the queries of its block with CoreDNS’s names and labels', async () => {
    const harness = createPluginHarness()
    const instance = setUp(prometheus, 'prometheus', harness)
    harness.clock.advance(5)
    handle(instance, ask('w.org. A', { edns: { dnssecOk: true } }), replying({ answer: ['w.org. 5 IN A 192.0.2.1'] }))
    handle(instance, ask('w.org. TYPE4711', { client: '::1', transport: 'tls' }), failing(2))
    handle(instance, ask('x.org. TXT'), () => ({ kind: 'drop', plugin: 'acl' }))
    assert.deepEqual(await series(harness, 'coredns_dns_'), [
      'coredns_dns_do_requests_total{server="dns://:53",view="",zone="."} 1',
      'coredns_dns_request_duration_seconds_sum{server="dns://:53",view="",zone="."} 0.015',
      'coredns_dns_request_duration_seconds_count{server="dns://:53",view="",zone="."} 3',
      'coredns_dns_request_size_bytes_sum{proto="udp",server="dns://:53",view="",zone="."} 57',
      'coredns_dns_request_size_bytes_count{proto="udp",server="dns://:53",view="",zone="."} 2',
      'coredns_dns_request_size_bytes_sum{proto="tcp",server="dns://:53",view="",zone="."} 23',
      'coredns_dns_request_size_bytes_count{proto="tcp",server="dns://:53",view="",zone="."} 1',
      'coredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="A",view="",zone="."} 1',
      'coredns_dns_requests_total{family="2",proto="tcp",server="dns://:53",type="other",view="",zone="."} 1',
      'coredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="TXT",view="",zone="."} 1',
      'coredns_dns_response_size_bytes_sum{proto="udp",server="dns://:53",view="",zone="."} 44',
      'coredns_dns_response_size_bytes_count{proto="udp",server="dns://:53",view="",zone="."} 2',
      'coredns_dns_response_size_bytes_sum{proto="tcp",server="dns://:53",view="",zone="."} 0',
      'coredns_dns_response_size_bytes_count{proto="tcp",server="dns://:53",view="",zone="."} 1',
      'coredns_dns_responses_total{plugin="next",rcode="NOERROR",server="dns://:53",view="",zone="."} 1',
      'coredns_dns_responses_total{plugin="",rcode="SERVFAIL",server="dns://:53",view="",zone="."} 1',
      'coredns_dns_responses_total{plugin="",rcode="NOERROR",server="dns://:53",view="",zone="."} 1',
    ])
  })

  it('prometheus counts the queries of its block in CoreDNS’s buckets', async () => {
    const harness = createPluginHarness()
    handle(setUp(prometheus, 'prometheus', harness), ask('a. A'), replying())
    const bounds = (name: string, text: string) =>
      [...text.matchAll(new RegExp(`^coredns_dns_${name}_bucket{.*le="(.*)"}`, 'gm'))]
        .map(([, bound]) => bound)
        .join(' ')
    const text = await harness.metrics.text()
    assert.equal(
      bounds('request_size_bytes', text),
      '0 100 200 300 400 511 1023 2047 4095 8291 16000 32000 48000 64000 +Inf',
    )
    assert.equal(
      bounds('request_duration_seconds', text),
      '0.00025 0.0005 0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192 +Inf',
    )
  })

  it('prometheus goes on counting after a reload', async () => {
    const harness = createPluginHarness()
    for (let configuration = 0; configuration < 2; configuration++)
      handle(setUp(prometheus, 'prometheus', harness), ask('a. A'), replying())
    assert.deepEqual(await series(harness, 'coredns_dns_requests_total'), [
      'coredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="A",view="",zone="."} 2',
    ])
  })
})

describe('the counters of the data plane in prometheus', () => {
  const sample = (times: number, more: Partial<DataPlaneSample> = {}): DataPlaneSample => ({
    server: 'dns://:53',
    zone: '.',
    view: '',
    plugin: 'kubernetes',
    proto: 'udp',
    requests: new Map([
      ['1A', times],
      ['2AAAA', times],
    ]),
    responses: new Map([['NXDOMAIN', 2 * times]]),
    doRequests: times,
    requestSize: { counts: sizeBuckets.map(() => 0).concat(2 * times), sum: 80 * times },
    responseSize: { counts: sizeBuckets.map(() => 0).concat(2 * times), sum: 200 * times },
    duration: { counts: durationBuckets.map(() => 0).concat(2 * times), sum: 0.5 * times },
    ...more,
  })
  const requests = (type: string, family: number, count: number) =>
    `coredns_dns_requests_total{family="${family}",proto="udp",server="dns://:53",type="${type}",view="",zone="."} ${count}`

  it('prometheus adds what the data plane has counted to the same series, so that sums are right', () =>
    withPrometheus(async (harness) => {
      handle(setUp(prometheus, 'prometheus', harness), ask('a. A'), replying())
      harness.samples = [sample(10)]
      const expected = [requests('A', 1, 11), requests('AAAA', 2, 10)]
      assert.deepEqual(await series(harness, 'coredns_dns_requests_total'), expected)
      assert.deepEqual(await series(harness, 'coredns_dns_requests_total'), expected, 'a second scrape adds nothing')
      harness.samples = [sample(15)]
      assert.deepEqual(await series(harness, 'coredns_dns_requests_total'), [
        requests('A', 1, 16),
        requests('AAAA', 2, 15),
      ])
      assert.deepEqual((await series(harness, 'coredns_dns_responses_total')).sort(), [
        'coredns_dns_responses_total{plugin="next",rcode="NOERROR",server="dns://:53",view="",zone="."} 1',
        'coredns_dns_responses_total{plugin="next",rcode="NXDOMAIN",server="dns://:53",view="",zone="."} 30',
      ])
      assert.deepEqual((await series(harness, 'slicedns_responses_total')).sort(), [
        'slicedns_responses_total{plugin="kubernetes",rcode="NXDOMAIN",server="dns://:53",view="",zone="."} 30',
        'slicedns_responses_total{plugin="test",rcode="NOERROR",server="dns://:53",view="",zone="."} 1',
      ])
      const total = (name: string) => series(harness, name).then(([line]) => Number(line.split(' ').at(-1)))
      assert.equal(await total('coredns_dns_request_duration_seconds_count'), 31)
      assert.equal(await total('coredns_dns_response_size_bytes_sum'), 3_019)
    }))

  it('prometheus adds what the data plane has counted once for classes with the same labels, also when one of them goes', () =>
    withPrometheus(async (harness) => {
      harness.samples = [sample(10), sample(5)]
      assert.equal((await series(harness, 'coredns_dns_requests_total'))[0], requests('A', 1, 15))
      harness.samples = [sample(10)]
      assert.equal((await series(harness, 'coredns_dns_requests_total'))[0], requests('A', 1, 15))
      harness.samples = [sample(12)]
      assert.equal((await series(harness, 'coredns_dns_requests_total'))[0], requests('A', 1, 17))
    }))

  it('prometheus adds what the data plane has counted for blocks that name prometheus, and from then on', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const first = await started(`prometheus 127.0.0.1:${port}`, harness, { zones: ['a.org.'] })
    harness.samples = [sample(10), sample(10, { zone: 'a.org.' })]
    assert.deepEqual(await series(harness, 'coredns_dns_do_requests_total'), [
      'coredns_dns_do_requests_total{server="dns://:53",view="",zone="a.org."} 10',
    ])
    const second = await started(`prometheus 127.0.0.1:${port}`, harness)
    await first.stop?.()
    harness.samples = [sample(11), sample(11, { zone: 'a.org.' })]
    assert.deepEqual((await series(harness, 'coredns_dns_do_requests_total')).sort(), [
      'coredns_dns_do_requests_total{server="dns://:53",view="",zone="."} 1',
      'coredns_dns_do_requests_total{server="dns://:53",view="",zone="a.org."} 10',
    ])
    await second.stop?.()
    await harness.settled()
  })

  it('prometheus loses and doubles nothing when it leaves the Corefile and comes back', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    harness.samples = [sample(10)]
    for (let configuration = 0; configuration < 2; configuration++) {
      const instance = await started(`prometheus 127.0.0.1:${port}`, harness)
      assert.equal((await series(harness, 'coredns_dns_requests_total'))[0], requests('A', 1, 10))
      await instance.stop?.()
      await harness.settled()
    }
  })
})

describe('what prometheus shows', () => {
  it('prometheus shows metrics at /metrics, in text format 0.0.4', () =>
    withPrometheus(async (_rig, port) => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })
      assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
      const text = await response.text()
      for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_start_time_seconds'])
        assert.match(text, new RegExp(`^${name} [0-9.e+]+$`, 'm'))
      for (const line of text.split('\n').slice(0, -1))
        assert.match(line, /^# (HELP|TYPE) [a-zA-Z_:]+ .+$|^[a-zA-Z_:]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? \S+$/)
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404)
    }))

  it('compressed text to scrapers that take it', () =>
    withPrometheus(async (_rig, port) => {
      const encodings: readonly (readonly [string | undefined, string | undefined])[] = [
        ['gzip', 'gzip'],
        ['zstd;q=1.0,gzip;q=0.5, identity;q=0.1', 'gzip'],
        ['gzip;q=0', undefined],
        ['br', undefined],
        [undefined, undefined],
      ]
      for (const [accepted, used] of encodings) {
        const headers: Record<string, string> = accepted === undefined ? {} : { 'accept-encoding': accepted }
        const [response] = await once(request({ port, path: '/metrics', headers, agent: false }).end(), 'response')
        const chunks: Buffer[] = await response.toArray()
        assert.equal(response.headers['content-encoding'], used, accepted ?? 'no header')
        const body = Buffer.concat(chunks)
        assert.match(String(used ? gunzipSync(body) : body), /^process_cpu_seconds_total /m)
      }
    }))

  it('prometheus shows which plugins are in the chain of which zone, for as long as they are', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const others = { errors: { handler: replying() }, bind: {} }
    const old = await started(`prometheus :${port}`, harness, { zones: ['a.org.'], others })
    const enabled = (name: string, zone: string) =>
      `coredns_plugin_enabled{name="${name}",server="dns://:53",view="",zone="${zone}"} 1`
    assert.deepEqual(await series(harness, 'coredns_plugin_enabled'), [
      enabled('prometheus', 'a.org.'),
      enabled('errors', 'a.org.'),
      enabled('next', 'a.org.'),
    ])
    const next = await started(`prometheus :${port}`, harness, { zones: ['b.org.'] })
    await old.stop?.()
    assert.deepEqual(await series(harness, 'coredns_plugin_enabled'), [
      enabled('prometheus', 'b.org.'),
      enabled('next', 'b.org.'),
    ])
    await next.stop?.()
    await harness.settled()
    assert.deepEqual(await series(harness, 'coredns_plugin_enabled'), [])
  })

  it('the runtime’s metrics when asked to, once however often it is', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    for (let configuration = 0; configuration < 2; configuration++) {
      const instance = await started(`prometheus 127.0.0.1:${port} {\nruntime_metrics\n}`, harness)
      const text = await harness.metrics.text()
      assert.equal(text.match(/^nodejs_eventloop_lag_seconds /gm)?.length, 1)
      assert.equal(text.match(/^process_cpu_seconds_total /gm)?.length, 1)
      await instance.stop?.()
      await harness.settled()
    }
  })
})

describe('the names that older dashboards and alerts ask for', () => {
  const asked = `prometheus 127.0.0.1:0 {\ncompatibility_metrics\n}`

  async function withNames(use: (harness: PluginHarness) => Promise<void>) {
    const harness = createPluginHarness()
    const instance = await started(asked.replace(':0', `:${await freePort()}`), harness)
    await use(harness)
    await instance.stop?.()
    await harness.settled()
    assert.doesNotMatch(await harness.metrics.text(), /^(go_|coredns_forward_requests)/m)
  }

  it('compatibility_metrics gives the metrics of forward the names that they had until CoreDNS 1.10', () =>
    withNames(async (harness) => {
      const { metrics } = harness
      const labels = ['proxy_name', 'to', 'rcode']
      const durations = metrics.histogram('coredns_proxy_request_duration_seconds', 'S.', labels, durationBuckets)
      durations.with('forward', '192.0.2.1:53', 'NOERROR').observe(0.5)
      durations.with('forward', '192.0.2.1:53', 'NOERROR').observe(0.25)
      durations.with('forward', '192.0.2.1:53', 'SERVFAIL').observe(1)
      durations.with('other', '192.0.2.1:53', 'NOERROR').observe(1)
      const toLabels = ['proxy_name', 'to']
      metrics.counter('coredns_proxy_healthcheck_failures_total', 'F.', toLabels).with('forward', '192.0.2.1:53').inc(3)
      for (const [name, count] of [
        ['hits', 7],
        ['misses', 2],
      ] as const)
        metrics
          .counter(`coredns_proxy_conn_cache_${name}_total`, 'C.', [...toLabels, 'proto'])
          .with('forward', '192.0.2.1:53', 'udp')
          .inc(count)
      assert.deepEqual(await series(harness, 'coredns_forward_'), [
        'coredns_forward_conn_cache_hits_total{proto="udp",to="192.0.2.1:53"} 7',
        'coredns_forward_conn_cache_misses_total{proto="udp",to="192.0.2.1:53"} 2',
        'coredns_forward_healthcheck_failures_total{to="192.0.2.1:53"} 3',
        'coredns_forward_request_duration_seconds_sum{rcode="NOERROR",to="192.0.2.1:53"} 0.75',
        'coredns_forward_request_duration_seconds_count{rcode="NOERROR",to="192.0.2.1:53"} 2',
        'coredns_forward_request_duration_seconds_sum{rcode="SERVFAIL",to="192.0.2.1:53"} 1',
        'coredns_forward_request_duration_seconds_count{rcode="SERVFAIL",to="192.0.2.1:53"} 1',
        'coredns_forward_requests_total{to="192.0.2.1:53"} 3',
        'coredns_forward_responses_total{rcode="NOERROR",to="192.0.2.1:53"} 2',
        'coredns_forward_responses_total{rcode="SERVFAIL",to="192.0.2.1:53"} 1',
      ])
    }))

  it('compatibility_metrics gives each of the runtime’s names one value, which its help text explains', () =>
    withNames(async (harness) => {
      const [version, ...values] = await series(harness, 'go_')
      assert.equal(version, `go_goroutines ${/\d+$/.exec(version!)?.[0]}`)
      const names = values.map((line) => line.replace(/[ {].*/, ''))
      assert.deepEqual(names, [
        'go_info',
        'go_memstats_alloc_bytes',
        'go_memstats_alloc_bytes_total',
        'go_memstats_heap_alloc_bytes',
        'go_memstats_heap_idle_bytes',
        'go_memstats_heap_inuse_bytes',
        'go_memstats_heap_sys_bytes',
        'go_memstats_sys_bytes',
        'go_sched_gomaxprocs_threads',
        'go_threads',
      ])
      for (const line of values) assert.ok(Number(line.split(' ').at(-1)) > 0, line)
    }))

  it('go_goroutines grows with what the event loop waits for', () =>
    withNames(async (harness) => {
      const count = async () => Number((await series(harness, 'go_goroutines'))[0]!.split(' ')[1])
      const before = await count()
      const timers = Array.from({ length: 100 }, () => setTimeout(() => undefined, 60_000))
      assert.ok((await count()) >= before + 100)
      for (const timer of timers) clearTimeout(timer)
    }))

  it('go_* and coredns_forward_requests_total are missing where nobody asks for them', () =>
    withPrometheus(async (harness) => {
      assert.doesNotMatch(await harness.metrics.text(), /^(go_|coredns_forward_requests)/m)
    }))
})

describe('prometheus without its address', () => {
  it('prometheus without its address lets DNS start all the same, as CoreDNS does, and says so', async () => {
    const harness = createPluginHarness()
    const instance = await started('prometheus :99999', harness)
    assert.deepEqual(harness.lines, [
      '[ERROR] plugin/prometheus: Failed to start metrics handler: cannot listen on :99999: the largest port is 65535',
    ])
    await instance.stop?.()
  })

  it('prometheus without its address refuses a reload, which would lose the metrics that there are', async () => {
    const harness = createPluginHarness()
    const port = await freePort()
    const old = await started(`prometheus 127.0.0.1:${port}`, harness)
    old.serving?.()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const taken = (other.address() as { port: number }).port
    await assert.rejects(started(`prometheus 127.0.0.1:${taken}`, harness), /the address is in use/)
    assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`)).status, 200)
    other.close()
    await old.stop?.()
    await harness.settled()
  })

  it('prometheus without its address lets a reload pass that has no metrics to lose, since its port was taken from the start', async () => {
    const harness = createPluginHarness()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const taken = (other.address() as { port: number }).port
    const old = await started(`prometheus 127.0.0.1:${taken}`, harness)
    old.serving?.()
    const next = await started(`prometheus 127.0.0.1:${taken}`, harness)
    assert.equal(harness.lines.filter((line) => line.includes('Failed to start metrics handler')).length, 2)
    other.close()
    await old.stop?.()
    await next.stop?.()
    await harness.settled()
  })
})

describe('scrapes of /metrics', () => {
  it('scrapes of /metrics that come at the same time share renderings', async () => {
    await withPrometheus(async (harness, port) => {
      const { promise, resolve } = Promise.withResolvers<string>()
      let renderings = 0
      harness.metrics.addText(() => {
        renderings++
        return promise
      })
      const connections: Socket[] = []
      const onConnection = (message: unknown) => connections.push((message as { socket: Socket }).socket)
      subscribe('net.server.socket', onConnection)
      const scrapes = Array.from({ length: 60 }, () => fetch(`http://127.0.0.1:${port}/metrics`))
      await until(() => assert.equal(connections.filter((socket) => socket.bytesRead > 0).length, 60))
      unsubscribe('net.server.socket', onConnection)
      resolve('')
      for (const scrape of scrapes) assert.equal((await scrape).status, 200)
      assert.ok(renderings <= 2, `${renderings} renderings`)
    })
  })

  it('scrapes of /metrics show what was counted before they came', async () => {
    await withPrometheus(async (harness, port) => {
      const counter = harness.metrics.counter('test_total', 'Counts.', []).with()
      for (let i = 1; i <= 5; i++) {
        counter.inc()
        const scrape = await fetch(`http://127.0.0.1:${port}/metrics`)
        assert.match(await scrape.text(), new RegExp(`^test_total ${i}$`, 'm'))
      }
    })
  })
})
