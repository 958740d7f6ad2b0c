/** The server as a process: bad configuration, signals, reloads that work and reloads that fail, its pid, its end. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startUpstream } from '../conformance/upstream.ts'
import { movedCorefile } from '../manifests/objects.ts'
import { without } from '../support/peers.ts'
import { freePorts, type Ports, type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '../..')
const skip = without('dig')
const clusterName = 'web.shop.svc.cluster.local'

let upstream: { port: number; close(): void }

before(async () => {
  upstream = await startUpstream()
})

after(() => upstream.close())

/** manifests' Corefile on examples/ instead of an API server. */
const kubeadm = (ports: Ports): string =>
  movedCorefile(ports, `127.0.0.1:${upstream.port}`, [`manifests ${join(root, 'examples')}`])

const withoutLameduck = (text: string) => text.replace('lameduck 5s', 'lameduck 0s')

async function rewrite(server: RunningServer, corefile: string, signal: NodeJS.Signals, says: RegExp): Promise<void> {
  const printed = server.output().length
  writeFileSync(server.corefile, corefile)
  server.signal(signal)
  await server.printed(says, printed)
}

test('a bad Corefile ends it with exit code 1, and the place', { skip }, async () => {
  const server = await startServer({
    corefile: ({ dns }) => `.:${dns} {\n    errors\n    kubernets\n}\n`,
    waitFor: 'nothing',
  })
  assert.deepEqual(await server.exited, { code: 1, signal: null })
  assert.match(server.output(), /Corefile:3:5 .*kubernets.*kubernetes/s)
})

test('an address that is taken ends it with exit code 1, and the address', { skip }, async (t) => {
  const ports = await freePorts()
  const holder = createServer().listen(ports.dns, '127.0.0.1')
  t.after(() => holder.close())
  const corefile = `.:${ports.dns} {\n    bind 127.0.0.1\n    whoami\n}\n`
  const server = await startServer({ corefile: () => corefile, waitFor: 'nothing', ports })
  assert.deepEqual(await server.exited, { code: 1, signal: null })
  assert.match(server.output(), new RegExp(`127\\.0\\.0\\.1:${ports.dns}.*(EADDRINUSE|in use)`, 'i'))
})

test('-pidfile has the pid of the process that serves, and goes with it', { skip }, async (t) => {
  const server = await startServer({ corefile: (ports) => withoutLameduck(kubeadm(ports)), waitFor: 'ready' })
  t.after(() => server.stop())
  const file = join(server.folder, 'pid')
  const pid = Number(readFileSync(file, 'utf8'))
  process.kill(pid, 'SIGTERM')
  await until(() => assert.ok(!existsSync(file)))
  assert.deepEqual(await server.exited, { code: 0, signal: null })
})

test('SIGTERM: /ready turns 503 at once, queries are answered until lameduck is over, then exit code 0', {
  skip,
}, async (t) => {
  const server = await startServer({ corefile: (ports) => kubeadm(ports).replace('5s', '2s'), waitFor: 'ready' })
  t.after(() => server.stop())
  const begin = performance.now()
  server.signal('SIGTERM')
  await until(async () => assert.equal((await server.http('ready', '/ready')).status, 503), { every: 5 })
  for (const tcp of [false, true]) {
    assert.equal((await server.dig(clusterName, 'A', { tcp })).rcode, 'NOERROR')
  }
  assert.deepEqual(await server.exited, { code: 0, signal: null })
  assert.ok(performance.now() - begin >= 2000, 'lameduck was cut short')
})

test('while clients still ask after lameduck it goes on answering: none is left without an answer', {
  skip,
}, async (t) => {
  const server = await startServer({ corefile: (ports) => withoutLameduck(kubeadm(ports)), waitFor: 'ready' })
  t.after(() => server.stop())
  server.signal('SIGTERM')
  for (let asked = 0; asked < 50; asked++) {
    assert.equal((await server.dig(clusterName, 'A')).rcode, 'NOERROR')
  }
  assert.deepEqual(await server.exited, { code: 0, signal: null })
})

test('while it drains, /metrics says who still asks, and of those alone who do', { skip }, async (t) => {
  const server = await startServer({ corefile: kubeadm, waitFor: 'ready' })
  t.after(() => server.stop())
  const asked = async (): Promise<Record<string, number>> => {
    const { body } = await server.http('metrics', '/metrics')
    const series = body.matchAll(/^slicedns_draining_queries\{client="(.*)"\} (\d+)$/gm)
    return Object.fromEntries([...series].map(([, client, count]) => [client, Number(count)]))
  }
  const ask = (from: string) => server.dig(clusterName, 'A', { flags: ['-b', from] })
  await ask('127.0.0.7')
  assert.deepEqual(await asked(), {})
  server.signal('SIGTERM')
  await until(async () => assert.equal((await server.http('ready', '/ready')).status, 503), { every: 5 })
  for (let count = 0; count < 5; count++) await ask('127.0.0.8')
  await until(async () => {
    await ask('127.0.0.8')
    const clients = await asked()
    assert.deepEqual(Object.keys(clients), ['127.0.0.8'])
    assert.ok(clients['127.0.0.8']! >= 5)
  })
  assert.deepEqual(await server.exited, { code: 0, signal: null })
})

for (const signal of ['SIGUSR1', 'SIGHUP'] as const) {
  test(`${signal} reloads the Corefile: a new zone is served, the process stays`, { skip }, async (t) => {
    const server = await startServer({ corefile: (ports) => withoutLameduck(kubeadm(ports)), waitFor: 'ready' })
    t.after(() => server.stop())
    const { pid } = server
    const more = `${readFileSync(server.corefile, 'utf8')}\nnew.zone:${server.ports.dns} {\n    whoami\n}\n`
    await rewrite(server, more, signal, /Reloading complete/)
    await until(async () => assert.match((await server.dig('new.zone', 'A')).additional.join(), /127\.0\.0\.1/))
    assert.equal((await server.dig(clusterName, 'A')).rcode, 'NOERROR')
    assert.equal(server.pid, pid)
  })
}

test('a reload that fails keeps the configuration and every listener: DNS, health, ready, metrics', {
  skip,
}, async (t) => {
  const server = await startServer({ corefile: (ports) => withoutLameduck(kubeadm(ports)), waitFor: 'ready' })
  t.after(() => server.stop())
  const good = readFileSync(server.corefile, 'utf8')
  const holder = createServer().listen(server.ports.other, '127.0.0.1')
  t.after(() => holder.close())
  const bad: readonly [string, string, RegExp][] = [
    ['a misspelled directive', good.replace('loadbalance', 'loadbalence'), /\[ERROR\].*Corefile:\d+:\d+.*loadbalance/],
    [
      'a listener that is taken',
      good.replace(`prometheus :${server.ports.metrics}`, `prometheus 127.0.0.1:${server.ports.other}`),
      /\[ERROR\].*(EADDRINUSE|in use)/i,
    ],
  ]
  for (const [name, corefile, says] of bad) {
    await t.test(`a failed reload keeps the configuration: ${name}`, async () => {
      await rewrite(server, corefile, 'SIGUSR1', says)
      assert.equal((await server.dig(clusterName, 'A')).rcode, 'NOERROR')
      assert.equal((await server.dig('www.example.org', 'A', { tcp: true })).answer.length, 1)
      assert.deepEqual(await server.http('health', '/health'), { status: 200, body: 'OK' })
      assert.deepEqual(await server.http('ready', '/ready'), { status: 200, body: 'OK' })
      assert.match((await server.http('metrics', '/metrics')).body, /^coredns_reload_failed_total [1-9]/m)
    })
  }
  await t.test('the next good Corefile is loaded after bad ones', () =>
    rewrite(server, good, 'SIGUSR1', /Reloading complete/),
  )
})

test('a query under way when the configuration is replaced gets its answer', { skip }, async (t) => {
  const server = await startServer({ corefile: (ports) => withoutLameduck(kubeadm(ports)), waitFor: 'ready' })
  t.after(() => server.stop())
  const good = readFileSync(server.corefile, 'utf8')
  let over = false
  let asked = 0
  const asking = Promise.all(
    [clusterName, 'www.example.org'].map(async (name) => {
      while (!over) {
        assert.equal((await server.dig(name, 'A')).rcode, 'NOERROR')
        asked++
      }
    }),
  )
  for (let reload = 0; reload < 5; reload++) {
    const before = asked
    await rewrite(server, `${good}\n# ${reload}\n`, 'SIGUSR1', /Reloading complete/)
    await until(() => assert.ok(asked > before + 4))
  }
  over = true
  await asking
})

/** script(1) gives what it starts a terminal. */
const inTerminal = ['bash', '-c', 'exec script -qfec "$*" /dev/null', 'script']

test('npm start says in a terminal what to try, and each of them answers', {
  skip: without('dig', 'script'),
}, async (t) => {
  const example = readFileSync(join(root, 'Corefile.example'), 'utf8')
  const server = await startServer({
    // On free ports, for somebody may be running the example.
    corefile: ({ dns, health, ready, metrics }) =>
      example
        .replaceAll('1053', String(dns))
        .replace('10580', String(health))
        .replace('10581', String(ready))
        .replace('10553', String(metrics))
        .replace('manifests examples', `manifests ${root}/examples`),
    command: [...inTerminal, 'npm', '--prefix', root, 'run', '-s', 'slicedns', '--'],
  })
  t.after(() => server.stop())
  await server.printed(/^try: dig /m)
  const lines = [...server.output().matchAll(/^try: dig @(\S+) -p (\d+) (.*?)\r?$/gm)]
  assert.ok(lines.length >= 2, server.output())
  for (const [, address, port, words] of lines) {
    assert.equal(Number(port), server.ports.dns)
    const [name, type = 'A'] = words!.split(' ')
    for (const host of [address!, '::1']) {
      const reply = await server.dig(name!, type, { server: host })
      assert.ok(reply.answer.length > 0, `${name} ${type} @${host}: ${reply.rcode}`)
    }
  }
})
