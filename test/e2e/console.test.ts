/** The console of the built server: what it serves is what the server does, over HTTP and over the local socket. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { ConsoleState, EndpointState } from '../../src/console/state.ts'
import { builtServer, type RunningServer, runtime, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const manifest = `
apiVersion: v1
kind: Service
metadata: {name: stable, namespace: shop}
spec: {clusterIP: 10.0.0.11, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: lacking, namespace: shop, annotations: {slicedns.io/ttl: "<b>soon</b>"}}
spec: {clusterIP: 10.0.0.12, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop, annotations: {slicedns.io/split: "stable=90,db=10"}}
spec: {clusterIP: 10.0.0.13, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop, annotations: {slicedns.io/hold: 3s}}
spec: {clusterIP: None, publishNotReadyAddresses: true, ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: stable-1, namespace: shop, labels: {kubernetes.io/service-name: stable}}
addressType: IPv4
ports: [{name: http, port: 80, protocol: TCP}]
endpoints: [{addresses: [10.1.1.1], conditions: {ready: true}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
ports: [{name: http, port: 80, protocol: TCP}]
endpoints:
- {addresses: [10.1.2.1], hostname: db-0, conditions: {ready: READY}, nodeName: n1, targetRef: {kind: Pod, name: db-0}}
`

describe('the console of the built server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-console-'))
  const manifests = join(folder, 'manifests')
  const write = (ready: boolean) =>
    writeFileSync(join(manifests, 'shop.yaml'), manifest.replace('READY', String(ready)))
  let server: RunningServer

  before(async () => {
    mkdirSync(manifests)
    write(true)
    server = await startServer({
      waitFor: 'ready',
      corefile: ({ dns, ready, other }) => `.:${dns} {
    bind 127.0.0.1
    ready 127.0.0.1:${ready}
    console 127.0.0.1:${other}
    kubernetes cluster.local {
        manifests ${manifests}
    }
    whoami
}
`,
    })
  })
  after(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true })
  })

  const get = async <T>(path: string): Promise<T> => {
    const { status, body } = await server.http('other', path)
    assert.equal(status, 200, body)
    return JSON.parse(body) as T
  }
  const state = () => get<ConsoleState>('/state')
  const slicedns = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(runtime, [builtServer, ...args])
    return stdout
  }

  it('the console serves the page that the build has put beside the bundle', async () => {
    const { status, body } = await server.http('other', '/')
    assert.equal(status, 200)
    assert.match(body, /<title>[^<]*slicedns/)
    for (const [, path] of body.matchAll(/(?:src|href)="([^"#:]+)"/g))
      assert.equal((await server.http('other', `/${path.replace(/^\.?\//, '')}`)).status, 200, path)
  })

  it('the console counts what is answered by the table and by the chain, and for whom', async () => {
    await state()
    await until(async () => {
      await server.dig('api.shop.svc.cluster.local.', 'A')
      await server.dig('www.example.com.shop.svc.cluster.local.', 'A')
      await server.dig('a.example.', 'A')
      const { traffic, top } = await state()
      assert.ok(traffic.paths.table > 0 && traffic.paths.chain > 0, JSON.stringify(traffic.paths))
      assert.ok(traffic.rcodes.NXDOMAIN! > 0 && traffic.rcodes.NOERROR! > 0)
      assert.ok(top.names.some(({ key }) => key === 'a.example.'))
      assert.deepEqual(
        top.nxdomain.map(({ key }) => key),
        ['www.example.com.shop.svc.cluster.local.'],
      )
      assert.deepEqual(
        top.clients.map(({ key }) => key),
        ['127.0.0.1'],
      )
      assert.ok(top.searchPath.wasted > 0)
      assert.deepEqual(
        top.searchPath.examples.map(({ key }) => key),
        ['www.example.com.'],
      )
    })
  })

  it('the console shows services that lack endpoints first, problems of annotations, and splits with what was served', async () => {
    await until(async () => {
      await server.dig('api.shop.svc.cluster.local.', 'A')
      const { services, problems, splits, api, server: own } = await state()
      assert.deepEqual([services.total, services.list[0].name, services.list[0].problems], [4, 'lacking', 1])
      assert.deepEqual(
        problems.map(({ name, key }) => [name, key]),
        [['lacking', 'slicedns.io/ttl']],
      )
      const [{ name, backends }] = splits
      assert.deepEqual(
        [name, ...backends.map(({ name, share }) => [name, share])],
        ['api', ['stable', 0.9], ['db', 0.1]],
      )
      assert.ok(Math.abs(backends.reduce((sum, { served }) => sum + served, 0) - 1) < 1e-9)
      assert.equal(api[0].connected, true)
      assert.ok(api[0].watches.every(({ synced }) => synced))
      assert.ok(own.threads.some(({ name }) => name === 'main'))
      assert.equal(own.ready, true)
    })
  })

  it('the console shows a change of an answer with what caused it, held queries, and endpoints', async () => {
    await state()
    write(false)
    await until(async () => {
      const { changes } = await state()
      const [change] = changes.filter(({ name }) => name === 'db.shop.svc.cluster.local.')
      assert.deepEqual([change.before, change.after], [['10.1.2.1'], []])
      assert.equal(change.object, 'EndpointSlice shop/db-1')
    })
    const endpoints = await get<readonly EndpointState[]>('/service?namespace=shop&name=db')
    assert.deepEqual(
      endpoints.map(({ address, ready, node, pod }) => [address, ready, node, pod]),
      [['10.1.2.1', false, 'n1', 'db-0']],
    )
    assert.equal((await server.http('other', '/service?namespace=shop&name=missing')).status, 404)
    // Another one each time: on a busy machine one may be answered before anybody looks.
    const held: Promise<unknown>[] = []
    await until(
      async () => {
        held.push(server.dig('db-1.db.shop.svc.cluster.local.', 'A').catch(() => undefined))
        const { holds } = await state()
        assert.ok(holds.waiting > 0)
        assert.equal(holds.list[0].name, 'db-1.db.shop.svc.cluster.local.')
        assert.ok(holds.list[0].left <= 3)
      },
      { every: 500 },
    )
    await Promise.all(held)
  })

  it('the commands ask the console as they ask the local socket', async () => {
    const url = `http://127.0.0.1:${server.ports.other}`
    const [overHttp, overSocket] = await Promise.all([
      slicedns('explain', '--server', url, 'api.shop.svc.cluster.local', 'AAAA'),
      slicedns('explain', '--pid', String(server.pid), 'api.shop.svc.cluster.local', 'AAAA'),
    ])
    assert.equal(overHttp, overSocket)
    assert.match(await slicedns('status', '--server', url), /ready +yes/)
  })

  it('the console says how the last reload went, and goes on counting', async () => {
    const corefile = server.corefile
    writeFileSync(corefile, '. {\n    nonsense\n}\n')
    server.signal('SIGUSR1')
    const failed = await until(async () => {
      const { lastReload } = (await state()).server
      assert.equal(lastReload?.ok, false)
      return lastReload
    })
    assert.match(failed.error!, /nonsense/)
    await server.dig('a.example.', 'A')
    await until(async () => assert.ok((await state()).traffic.queries > 0))
  })
})
