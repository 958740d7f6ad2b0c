/** The state of a server on which much is wrong, and some of it hostile. */
import type { ConsoleState, TopEntry } from '../../src/console/state.ts'

const hostile = '\u001b]52;c;cm0gLXJm\u0007\u001b[2J\u202emoc\r\nready'
const entries = (count: number): TopEntry[] =>
  Array.from({ length: count }, (_, i) => ({ key: `host-${i}.example.`, rate: 1000 / (i + 1), error: 0 }))
const now = Date.UTC(2026, 10, 30, 12)

export const consoleState: ConsoleState = {
  time: now,
  server: {
    version: '0.1.0',
    host: 'node-a',
    pid: 4711,
    corefile: '/etc/coredns/Corefile',
    configHash: 'abc',
    uptime: 93_784,
    ready: true,
    unready: [],
    lastReload: { time: now - 61_000, ok: false, error: hostile },
    listeners: [{ scheme: 'dns', address: '::1', port: 53, zones: ['.'] }],
    memory: { resident: 120 * 2 ** 20, limit: 170 * 2 ** 20 },
    threads: [{ name: 'main', busy: 0.031 }],
  },
  api: [
    {
      plugin: 'kubernetes',
      zones: ['cluster.local.'],
      endpoint: 'https://10.96.0.1:443',
      connected: false,
      watches: [{ resource: 'services', objects: 12, synced: true, age: 75, error: hostile }],
      snapshot: { age: 3600 },
    },
  ],
  traffic: {
    queries: 12_345,
    rcodes: { NOERROR: 12_000, NXDOMAIN: 345 },
    paths: { table: 12_300, relay: 40, chain: 5 },
    protocols: { udp: 12_345 },
    latency: { p50: 0.00005, p99: 0.0012 },
    hourAgo: { queries: 900, p50: 0.00006, p99: 0.34 },
    history: [],
  },
  top: {
    window: 300,
    sampled: 1,
    names: entries(30),
    nxdomain: [{ key: hostile, rate: 0.25, error: 0 }],
    servfail: [],
    clients: [
      { key: '10.1.0.1', rate: 7, error: 0 },
      { key: '10.1.0.2', rate: 0.02, error: 0 },
    ],
    searchPath: { queries: 100, wasted: 40, share: 0.4, examples: [{ key: 'www.example.com.', rate: 2 }] },
  },
  services: {
    total: 3,
    more: 1,
    list: [
      { namespace: 'shop', name: 'web', type: 'ClusterIP', ready: 0, notReady: 2, terminating: 1, ttl: 5, problems: 1 },
      { namespace: 'shop', name: 'db', type: 'Headless', ready: 3, notReady: 0, terminating: 0, ttl: 5, problems: 0 },
    ],
  },
  splits: [
    {
      namespace: 'shop',
      name: 'cart',
      backends: [{ name: 'stable', weight: 90, share: 0.9, served: 0.88, ready: 3 }],
    },
  ],
  holds: { waiting: 1, list: [{ name: 'db-0.db.shop.svc.cluster.local.', since: now, left: 1.5 }] },
  problems: [{ kind: 'Service', namespace: 'shop', name: 'web', key: 'slicedns.io/ttl', reason: hostile }],
  upstreams: [
    { plugin: 'forward', from: '.', to: '10.0.0.2:53', healthy: false, fails: 3, latency: 0.02, rate: 40, underWay: 2 },
  ],
  cache: [{ block: '.', success: 10, denial: 2, capacity: 9984, hits: 5, misses: 1, evictions: 0 }],
  changes: [
    {
      time: now - 2000,
      name: 'db.shop.svc.cluster.local.',
      type: 'A',
      before: ['10.0.0.1', '10.0.0.2'],
      after: ['10.0.0.2', '10.0.0.3'],
      object: 'EndpointSlice shop/db-x',
    },
  ],
}
