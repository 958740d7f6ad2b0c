/** States that the page of the console shows in tests: a busy cluster with troubles, an empty server, a hostile tenant. */
import type { ConsoleState, EndpointState, HistoryPoint, ServiceState } from '../../../src/console/state.ts'

/** Milliseconds since 1970: 30 November 2026, 03:04:05 UTC. */
export const now = Date.UTC(2026, 10, 30, 3, 4, 5)
const minute = 60_000

const zones = ['cluster.local.', 'in-addr.arpa.', 'ip6.arpa.']

/** A server that has just started: it has no cluster, no upstreams, no queries. */
export function emptyState(): ConsoleState {
  return {
    time: now,
    server: {
      version: '0.1.0',
      host: 'slicedns-7d9c6b5f4-x2x7q',
      pid: 1,
      corefile: '/etc/coredns/Corefile',
      configHash: 'c364139e655a7f03f2c0b2ff639e76d72100066ae4630960e852d31741213b89',
      uptime: 4,
      ready: true,
      unready: [],
      listeners: [],
      memory: { resident: 71 * 2 ** 20 },
      threads: [],
    },
    api: [],
    traffic: {
      queries: 0,
      rcodes: {},
      paths: { table: 0, relay: 0, chain: 0 },
      protocols: {},
      latency: { p50: 0, p99: 0 },
      history: [],
    },
    top: {
      window: 60,
      sampled: 1,
      names: [],
      nxdomain: [],
      servfail: [],
      clients: [],
      searchPath: { queries: 0, wasted: 0, share: 0, examples: [] },
    },
    services: { total: 0, more: 0, list: [] },
    splits: [],
    holds: { waiting: 0, list: [] },
    problems: [],
    upstreams: [],
    cache: [],
    changes: [],
  }
}

/** A healthy server of a cluster with so many services. */
export function healthyState(services = 40): ConsoleState {
  const empty = emptyState()
  return {
    ...empty,
    server: {
      ...empty.server,
      uptime: 273_840,
      lastReload: { time: now - 7 * minute, ok: true },
      listeners: ['10.96.0.10', 'fd00::a'].flatMap((address) => [
        { scheme: 'dns', address, port: 53, zones: ['.'] },
        { scheme: 'tls', address, port: 853, zones: ['.'] },
      ]),
      memory: { resident: 96 * 2 ** 20, limit: 170 * 2 ** 20 },
      threads: [
        { name: 'udp 0', busy: 0.41 },
        { name: 'udp 1', busy: 0.38 },
        { name: 'main', busy: 0.09 },
      ],
    },
    api: [
      {
        plugin: 'kubernetes',
        zones,
        endpoint: 'https://10.96.0.1:443',
        connected: true,
        watches: [
          { resource: 'services', objects: services, synced: true, age: 12.4 },
          { resource: 'endpointslices', objects: services + 31, synced: true, age: 0.3 },
          { resource: 'namespaces', objects: 22, synced: true, age: 41 },
        ],
        freshness: { time: now - 20_000, ok: true, detail: 'the lists are those of the API server' },
      },
    ],
    traffic: {
      queries: 12_431,
      rcodes: { NOERROR: 7210.4, NXDOMAIN: 5202, SERVFAIL: 18.6, REFUSED: 0 },
      paths: { table: 11_820, relay: 522, chain: 89 },
      protocols: { udp: 12_380, tcp: 41, tls: 10 },
      latency: { p50: 0.000_031, p99: 0.000_42 },
      hourAgo: { queries: 9210, p50: 0.000_029, p99: 0.000_37 },
      history: history(),
    },
    top: {
      window: 60,
      sampled: 8,
      names: top([
        ['redis.cache.svc.cluster.local.', 3120, 12],
        ['postgres-primary.team-a.svc.cluster.local.', 1840, 12],
        ['api.github.com.', 402, 8],
        ['checkout.shop.svc.cluster.local.', 377, 8],
        ['otel-collector.observability.svc.cluster.local.', 310, 8],
      ]),
      nxdomain: top([
        ['api.github.com.shop.svc.cluster.local.', 812, 9],
        ['api.github.com.svc.cluster.local.', 810, 9],
        ['sqs.eu-west-1.amazonaws.com.team-a.svc.cluster.local.', 520, 9],
        ['paymnets.shop.svc.cluster.local.', 31, 9],
      ]),
      servfail: top([['legacy.corp.example.', 18.6, 0]]),
      clients: top([
        ['10.244.3.17', 2801, 10],
        ['10.244.1.9', 1410, 10],
        ['10.244.7.130', 988, 10],
        ['fd00:10:244:4::2f', 240, 10],
      ]),
      searchPath: {
        queries: 12_431,
        wasted: 4724,
        share: 0.38,
        examples: [
          { key: 'api.github.com.', rate: 2434 },
          { key: 'sqs.eu-west-1.amazonaws.com.', rate: 1560 },
          { key: 'example.org.', rate: 730 },
        ],
      },
    },
    services: { total: services, more: 0, list: servicesOf(services) },
    splits: splitsOf(),
    upstreams: [
      { plugin: 'forward', from: '.', to: '10.0.0.2:53', healthy: true, fails: 0, latency: 0.0021, rate: 301, underWay: 2 },
      { plugin: 'forward', from: '.', to: '10.0.0.3:53', healthy: true, fails: 0, latency: 0.0034, rate: 221, underWay: 1 },
      { plugin: 'forward', from: 'corp.example.', to: 'tls://192.0.2.53:853', healthy: true, fails: 0, latency: 0.018, rate: 19, underWay: 0 },
    ], // biome-ignore format: rows
    cache: [{ block: '.', success: 3120, denial: 811, capacity: 19_968, hits: 410, misses: 112, evictions: 0 }],
    changes: changesOf(),
  }
}

/** The same at 3 a.m.: most of what the page can find wrong is wrong. */
export function troubledState(): ConsoleState {
  const healthy = healthyState(60)
  const list = healthy.services.list.map((service, index): ServiceState => {
    if (index < 3)
      return { ...service, ready: 0, notReady: index + 1, ttl: 1, ttlState: { state: 'unsettled', left: 27 } }
    if (index === 3) return { ...service, ready: 0, notReady: 0 }
    if (index === 4) return { ...service, notReady: 1, problems: 2 }
    return service
  })
  return {
    ...healthy,
    server: {
      ...healthy.server,
      lastReload: { time: now - 3 * minute, ok: false, error: 'Corefile:14:5: unknown option "max_fail" of forward' },
      memory: { resident: 152 * 2 ** 20, limit: 170 * 2 ** 20 },
    },
    api: healthy.api.map((source) => ({
      ...source,
      connected: false,
      watches: source.watches.map((watch) =>
        watch.resource === 'endpointslices' ? { ...watch, age: 94, error: 'connect ECONNREFUSED 10.96.0.1:443' } : { ...watch, age: 102 },
      ),
      snapshot: { age: 94 },
      freshness: { time: now - 94_000, ok: false, detail: 'the API server does not answer' },
    })), // biome-ignore format: rows
    traffic: {
      ...healthy.traffic,
      rcodes: { NOERROR: 6410, NXDOMAIN: 4802, SERVFAIL: 1219, REFUSED: 3, NOTIMP: 0.4 },
      latency: { p50: 0.000_034, p99: 0.0121 },
    },
    services: { ...healthy.services, list },
    holds: {
      waiting: 3,
      list: [
        { name: 'ckpt-0.ckpt.training.svc.cluster.local.', since: now - 4200, left: 25.8, client: '10.244.3.17' },
        { name: 'ckpt-1.ckpt.training.svc.cluster.local.', since: now - 3100, left: 26.9, client: '10.244.3.18' },
        { name: 'ckpt.training.svc.cluster.local.', since: now - 900, left: 4.1 },
      ],
    },
    problems: [
      { kind: 'Service', namespace: 'shop', name: 'checkout', key: 'slicedns.io/ttl', reason: 'must be a whole number of seconds from 0 to 3600' },
      { kind: 'Service', namespace: 'shop', name: 'checkout', key: 'slicedns.io/split', reason: 'names Service shop/checkout-v3, which does not exist' },
      { kind: 'Namespace', namespace: '', name: 'team-a', key: 'slicedns.io/hold', reason: 'is not for a Namespace' },
    ], // biome-ignore format: rows
    upstreams: healthy.upstreams.map((upstream, index) =>
      index === 2 ? { ...upstream, healthy: false, fails: 41, rate: 0 } : upstream,
    ),
    splits: healthy.splits.map((split, index) =>
      index === 0
        ? {
            ...split,
            backends: split.backends.map((backend, at) => ({ ...backend, share: 1 - at, ready: at === 1 ? 0 : 9 })),
          }
        : split,
    ),
  }
}

/** What must be shown as it stands, and do nothing. Keys of objects are not hostile: the server names them. */
export const hostileTexts: readonly string[] = [
  '<script>window.attacked = "script"</script>',
  '"><img src=x onerror="window.attacked=\'img\'">',
  "' onmouseover='window.attacked=1' x='",
  '</title><svg onload=window.attacked=2>',
  'javascript:window.attacked=3',
  '\\000\\007\\255.example.',
  '\u202Egnp.exe\u0000\uFFFD\uD800',
  '__proto__',
  '{{window.attacked=4}}<%=window.attacked=5%>',
  `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}.`,
  '',
] // biome-ignore format: rows

/** Every text that a tenant, a client or an upstream has a hand in is hostile. */
export function hostileState(): ConsoleState {
  const troubled = troubledState()
  const text = (index: number): string => hostileTexts[index % hostileTexts.length]
  const entries = (rate: number) => hostileTexts.map((key) => ({ key, rate, error: 1 }))
  return {
    ...troubled,
    server: {
      ...troubled.server,
      host: text(0),
      corefile: text(1),
      configHash: text(2),
      unready: [...hostileTexts],
      ready: false,
      lastReload: { time: now, ok: false, error: text(0) },
      threads: hostileTexts.map((name) => ({ name, busy: Number.NaN })),
    },
    api: [
      {
        plugin: text(0),
        zones: [...hostileTexts],
        endpoint: text(4),
        connected: false,
        watches: hostileTexts.map((resource) => ({
          resource,
          objects: -1,
          synced: false,
          age: 1e300,
          error: resource,
        })),
        freshness: { time: now, ok: false, detail: text(1) },
      },
    ],
    traffic: {
      ...troubled.traffic,
      rcodes: Object.fromEntries(hostileTexts.map((name) => [name, 1])),
      protocols: Object.fromEntries(hostileTexts.map((name) => [name, 1])),
    },
    top: {
      ...troubled.top,
      names: entries(10),
      nxdomain: entries(9),
      servfail: entries(8),
      clients: entries(7),
      searchPath: { ...troubled.top.searchPath, examples: hostileTexts.map((key) => ({ key, rate: 1 })) },
    },
    services: {
      total: hostileTexts.length,
      more: 0,
      list: hostileTexts.map((name, index) => ({
        namespace: text(index + 1), name, type: text(index + 2), ready: 0, notReady: 1, terminating: 0, ttl: 5, problems: 1,
      })), // biome-ignore format: rows
    },
    splits: hostileTexts.map((name, index) => ({
      namespace: text(index + 1),
      name,
      backends: hostileTexts.map((backend) => ({ name: backend, weight: 1, share: 7, served: -1, ready: 0 })),
    })),
    holds: { waiting: 99, list: hostileTexts.map((name) => ({ name, since: now, left: 1, client: name })) },
    problems: hostileTexts.map((name, index) => ({
      kind: text(index), namespace: text(index + 1), name, key: text(index + 2), reason: text(index + 3),
    })), // biome-ignore format: rows
    upstreams: hostileTexts.map((to, index) => ({
      plugin: text(index), from: text(index + 1), to, healthy: false, fails: 1, latency: 1, rate: 1, underWay: 1,
    })), // biome-ignore format: rows
    cache: hostileTexts.map((block) => ({
      block,
      success: 1,
      denial: 1,
      capacity: 0,
      hits: 0,
      misses: 0,
      evictions: 0,
    })),
    changes: hostileTexts.map((name, index) => ({
      time: now, name, type: text(index + 1), before: [...hostileTexts], after: [], object: text(index + 2),
    })), // biome-ignore format: rows
  }
}

/** What `/service` says. */
export function endpointsOf(name: string): readonly EndpointState[] {
  return Array.from({ length: 6 }, (_, index) => ({
    address: `10.244.${index}.${20 + index}`,
    ready: index > 1,
    serving: index !== 0,
    terminating: index === 1,
    hostname: '',
    node: `node-${index % 3}`,
    zone: `eu-west-1${'abc'[index % 3]}`,
    pod: `${name}-7c9d8f6b5-${'abcdef'[index]}x2vq`,
  }))
}

/** An hour that has had an outage of upstreams. */
function history(): HistoryPoint[] {
  return Array.from({ length: 360 }, (_, index) => {
    const wave = Math.sin(index / 40) * 1400 + Math.sin(index / 7) * 350
    const isOutage = index > 250 && index < 275
    return {
      time: now - (359 - index) * 10_000,
      queries: Math.round(9800 + wave + (isOutage ? 2600 : 0) + index * 6),
      failures: isOutage ? 1900 : 12 + (index % 5),
      p50: 0.000_03 + (index % 9) * 0.000_000_6,
      p99: isOutage ? 0.004 + (index % 5) * 0.0004 : 0.000_38 + (index % 11) * 0.000_012,
    }
  })
}

const top = (rows: readonly (readonly [string, number, number])[]) =>
  rows.map(([key, rate, error]) => ({ key, rate, error }))

function servicesOf(number: number): ServiceState[] {
  const teams = ['shop', 'team-a', 'inference', 'training', 'observability', 'cache', 'default']
  const kinds = ['ClusterIP', 'ClusterIP', 'Headless', 'ClusterIP', 'ExternalName']
  return Array.from({ length: number }, (_, index) => ({
    namespace: teams[index % teams.length],
    name: `${['web', 'checkout', 'orders', 'llm', 'ckpt', 'api', 'worker'][index % 7]}-${index}`,
    type: kinds[index % kinds.length],
    ready: kinds[index % kinds.length] === 'ExternalName' ? 0 : 1 + (index % 4),
    notReady: 0,
    terminating: index % 13 === 12 ? 1 : 0,
    ttl: 5,
    ...(index % 3 === 0 ? { ttlState: { state: 'settled' as const } } : {}),
    problems: 0,
  }))
}

function splitsOf(): ConsoleState['splits'] {
  return [
    {
      namespace: 'shop',
      name: 'checkout',
      backends: [
        { name: 'checkout-v1', weight: 90, share: 0.9, served: 0.897, ready: 9 },
        { name: 'checkout-v2', weight: 10, share: 0.1, served: 0.103, ready: 1 },
      ],
    },
    {
      namespace: 'inference',
      name: 'models',
      backends: [
        { name: 'llm-a100', weight: 60, share: 0.6, served: 0.612, ready: 12 },
        { name: 'llm-h100', weight: 30, share: 0.3, served: 0.141, ready: 3 },
        { name: 'llm-spot', weight: 10, share: 0.1, served: 0.247, ready: 2 },
      ],
    },
  ]
}

function changesOf(): ConsoleState['changes'] {
  return [
    {
      time: now - 900,
      name: 'llm-3.inference.svc.cluster.local.',
      type: 'A',
      before: ['10.244.1.2', '10.244.2.2', '10.244.3.2'],
      after: ['10.244.1.2', '10.244.2.2', '10.244.3.2', '10.244.4.2'],
      object: 'EndpointSlice inference/llm-4hq2v',
    },
    {
      time: now - 41_000,
      name: 'checkout-1.team-a.svc.cluster.local.',
      type: 'A',
      before: ['10.244.7.130'],
      after: [],
      object: 'EndpointSlice team-a/checkout-1-x5tvz',
    },
    {
      time: now - 312_000,
      name: '_http._tcp.web-0.shop.svc.cluster.local.',
      type: 'SRV',
      before: [],
      after: ['0 100 8080 web-0.shop.svc.cluster.local.'],
      object: 'Service shop/web-0',
    },
  ]
}
