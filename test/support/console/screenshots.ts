/**
 * Pictures of each view for docs/console.md: the built server with a cluster that has some troubles, under load, in Chromium.
 *
 *   npm run build && node run.js test/support/console/screenshots.ts [MINUTES]
 *
 * Needs chromium, dnsperf and pngquant. MINUTES of load (1 by default) come first, so that the charts have something to show.
 */
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ConsoleState } from '../../../src/console/state.ts'
import { rcode } from '../../../src/dns/codes.ts'
import { peer } from '../peers.ts'
import { startServer } from '../server.ts'
import { until } from '../until.ts'
import { answering, startUpstream } from '../upstream.ts'
import { setTheme, show, startBrowser, type Theme } from './page.ts'

const root = join(import.meta.dirname, '../../..')
const pictures = join(root, 'docs/console')
const [dnsperf, pngquant] = ['dnsperf', 'pngquant'].map((name) => peer(name))
if (dnsperf === undefined || pngquant === undefined) throw new Error('dnsperf and pngquant must be installed')
const minutes = Number(process.argv[2] ?? 1)
/** As in the guide: at most 150 KB each. */
const largest = 150_000

const teams = ['shop', 'team-a', 'inference', 'observability', 'cache', 'billing']
const roles = ['web', 'api', 'worker', 'orders', 'checkout', 'search', 'ledger', 'gateway']

const service = (namespace: string, name: string, annotations: Record<string, string> = {}, headless = false): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, annotations },
    spec: {
      publishNotReadyAddresses: 'slicedns.io/hold' in annotations,
      ...(headless ? { clusterIP: 'None' } : {}),
      selector: { app: name },
      ports: [{ name: 'http', port: 80 }],
    },
  })

const slice = (namespace: string, name: string, number: number, ready: (index: number) => boolean): string =>
  JSON.stringify({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-x7k2p`, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: Array.from({ length: number }, (_, index) => ({
      addresses: [`10.244.${(name.length * 7 + index) % 250}.${20 + index}`],
      conditions: { ready: ready(index), serving: ready(index), terminating: false },
      nodeName: `node-${index % 4}`,
      zone: `eu-west-1${'abc'[index % 3]}`,
      targetRef: { kind: 'Pod', name: `${name}-6d5f8c9b7-${'abcdefgh'[index % 8]}${index}x2v`, namespace },
    })),
  })

/** A cluster of some dozen services: two without a ready endpoint, two splits, an annotation that is ignored. */
function writeCluster(folder: string): (ready: number) => void {
  cpSync(join(root, 'examples'), folder, { recursive: true })
  const namespaces = ['default', 'kube-system', ...teams].map((name) =>
    JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
  )
  const objects = teams.flatMap((team, at) =>
    roles.flatMap((role, index) => {
      const isDown = team === 'billing' && role === 'ledger'
      const isPartly = team === 'team-a' && role === 'search'
      return [
        service(team, role, team === 'team-a' && role === 'web' ? { 'slicedns.io/ttl': 'soon' } : {}, index % 2 === 1),
        slice(team, role, 1 + ((at + index) % 5), (endpoint) => !isDown && !(isPartly && endpoint === 0)),
      ]
    }),
  )
  const splits = [
    ...['stable', 'canary'].flatMap((track, index) => [
      service('shop', `pay-${track}`, {}, true),
      slice('shop', `pay-${track}`, index === 0 ? 9 : 1, () => true),
    ]),
    service('team-a', 'ckpt', { 'slicedns.io/hold': '3s' }, true),
    slice('team-a', 'ckpt', 2, () => true),
    service('shop', 'pay', { 'slicedns.io/split': 'pay-stable=90,pay-canary=10' }),
    ...['a100', 'h100', 'spot'].flatMap((track, index) => [
      service('inference', `llm-${track}`, {}, true),
      slice('inference', `llm-${track}`, 3 + index, () => track !== 'spot'),
    ]),
    service('inference', 'models', { 'slicedns.io/split': 'llm-a100=60,llm-h100=30,llm-spot=10' }),
  ]
  // It has the namespaces of the examples alone.
  rmSync(join(folder, 'namespaces.yaml'))
  writeFileSync(join(folder, 'all.yaml'), [...namespaces, ...objects, ...splits].join('\n---\n'))
  const roll = (ready: number): void =>
    writeFileSync(
      join(folder, 'rolling.yaml'),
      [service('shop', 'rolling', {}, true), slice('shop', 'rolling', 6, (index) => index < ready)].join('\n---\n'),
    )
  roll(6)
  return roll
}

/** What pods ask: services, outside names with the search path before them, a misspelt one, one whose upstream fails. */
function questions(): string[] {
  const zone = 'svc.cluster.local.'
  const cluster = ['web.shop', 'web.shop', 'api.team-a', 'pay.shop', 'pay.shop', 'models.inference', 'orders.billing']
  const outside = ['api.github.com', 'sqs.eu-west-1.amazonaws.com', 'example.org']
  return [
    ...Array.from({ length: 6 }, () => cluster.map((name) => `${name}.${zone} A`)).flat(),
    ...outside.flatMap((name) => [
      `${name}.shop.${zone} A`,
      `${name}.${zone} A`,
      `${name}.cluster.local. A`,
      `${name}. A`,
    ]),
    `chekout.shop.${zone} A`,
    'legacy.corp.example. A',
  ]
}

const folder = mkdtempSync(join(tmpdir(), 'slicedns-screenshots-'))
const roll = writeCluster(join(folder, 'cluster'))
const upstream = await startUpstream((arrived) => {
  if (arrived.query.questions[0].name.startsWith('legacy.')) arrived.reply({ rcode: rcode.SERVFAIL })
  else answering('192.0.2.80', 20)(arrived)
})
const server = await startServer({
  corefile: ({ dns, ready, metrics, other }) => `.:${dns} {
    bind 127.0.0.1
    errors
    ready 127.0.0.1:${ready}
    prometheus 127.0.0.1:${metrics}
    console 127.0.0.1:${other}
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        manifests ${join(folder, 'cluster')}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        adaptive_ttl 1 30 60s
    }
    forward . ${upstream.to} {
        max_fails 0
    }
    cache 30
    loadbalance
}
`,
  waitFor: 'ready',
})
const file = join(folder, 'questions')
writeFileSync(file, `${questions().join('\n')}\n`)
const seconds = Math.ceil(minutes * 60) + 90
const load = spawn(dnsperf, ['-s', '127.0.0.1', '-p', String(server.ports.dns), '-d', file, '-l', String(seconds), '-Q', '2000', '-c', '12'], { stdio: 'ignore' }) // biome-ignore format: a line
const browser = await startBrowser()
try {
  const page = await browser.newPage()
  await page.setViewport({ width: 1280, height: 800 })
  await page.goto(`http://127.0.0.1:${server.ports.other}/`)
  await page.waitForSelector('main .view')
  for (let turn = 0; turn < minutes * 6; turn++) {
    await delay(9500)
    roll(turn % 6)
  }
  const state = (): Promise<ConsoleState> => page.evaluate(`fetch('state').then((reply) => reply.json())`) as Promise<ConsoleState> // biome-ignore format: a line
  await until(async () => {
    if ((await state()).traffic.history.length < minutes * 5) throw new Error('the history is short')
  })
  roll(4)
  mkdirSync(pictures, { recursive: true })
  for (const [name, view, theme] of [
    ['overview', 'overview', 'dark'],
    ['overview-light', 'overview', 'light'],
    ['traffic', 'traffic', 'dark'],
    ['services', 'services/team-a/search', 'dark'],
    ['splits', 'splits', 'dark'],
    ['held-queries', 'holds', 'dark'],
    ['annotations', 'problems', 'dark'],
    ['upstreams', 'upstreams', 'dark'],
    ['changes', 'changes', 'dark'],
    ['explain', 'explain/web.shop.svc.cluster.local./A', 'dark'],
    ['explain-light', 'explain/example.org./A', 'light'],
  ] as const satisfies readonly (readonly [string, string, Theme])[]) {
    await setTheme(page, theme)
    await show(page, view)
    // The figures of the view's first event, and what it has asked for.
    await delay(2500)
    if (view === 'holds') {
      for (let pod = 2; pod < 6; pod++)
        void server.dig(`ckpt-${pod}.ckpt.team-a.svc.cluster.local.`, 'A').catch(() => undefined)
      await page.waitForSelector('.grid-rows .grid-row')
    }
    await picture(name)
  }
  await page.setViewport({ width: 360, height: 740 })
  await setTheme(page, 'dark')
  await show(page, 'overview')
  await delay(1500)
  await picture('narrow')

  async function picture(name: string): Promise<void> {
    const path = join(pictures, `${name}.png`)
    await page.screenshot({ path: path as `${string}.png` })
    execFileSync(pngquant!, ['--force', '--skip-if-larger', '--strip', '--quality', '70-95', '--output', path, path])
    const { size } = statSync(path)
    if (size > largest) throw new Error(`${path} has ${size} octets`)
    console.log(`${path} ${Math.ceil(size / 1000)} KB`)
  }
} finally {
  load.kill()
  await browser.close()
  await server.stop()
  await upstream.close()
  rmSync(folder, { recursive: true })
}
