/** Why a reply is what it is, as dig shows it: the built server, over UDP (the data plane) and TCP (the chain). */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { namespace, service, slice } from '../k8s/harness.ts'
import { startApiServer } from '../support/api-server/index.ts'
import { without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { type ScriptedUpstream, startUpstream } from '../support/upstream.ts'

const run = promisify(execFile)

const manifests = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: Service
metadata: { name: db, namespace: shop, annotations: { slicedns.io/alias: db.aliases.example } }
spec: { clusterIP: None, ports: [{ name: sql, port: 5432 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-1, namespace: shop, labels: { kubernetes.io/service-name: db } }
addressType: IPv4
ports: [{ name: sql, port: 5432 }]
endpoints:
  - { addresses: [10.1.0.1], hostname: db-0, conditions: { ready: false, serving: true, terminating: true } }
  - { addresses: [10.1.0.2], hostname: db-1, conditions: { ready: false } }
  - { addresses: [10.1.0.3], hostname: db-2, conditions: { ready: false } }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-2, namespace: shop, labels: { kubernetes.io/service-name: db } }
addressType: IPv6
ports: [{ name: sql, port: 5432 }]
endpoints:
  - { addresses: ["fd00::1"], hostname: db-0, conditions: { ready: false, serving: true, terminating: true } }
  - { addresses: ["fd00::2"], hostname: db-1, conditions: { ready: false } }
  - { addresses: ["fd00::3"], hostname: db-2, conditions: { ready: false } }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: external, namespace: shop }
spec: { type: ExternalName, externalName: db.shop.svc.cluster.local }
---
apiVersion: v1
kind: Service
metadata: { name: elsewhere, namespace: shop }
spec: { type: ExternalName, externalName: a.closing.example }
`

const down = '0 (Other): (service exists, 0 of 3 endpoints ready, 1 terminating)'

/** Status and extended error of a reply, in dig's words. */
async function ask(server: RunningServer, name: string, ...flags: string[]): Promise<string> {
  const at = ['@127.0.0.1', '-p', String(server.ports.dns), '+tries=1', '+time=6', '+noall', '+comments', ...flags]
  const { stdout } = await run('dig', [...at, name])
  const status = /status: (\w+)/.exec(stdout)![1]!
  const error = /^; EDE: (.*)$/m.exec(stdout)?.[1]
  return error === undefined ? status : `${status}; ${error}`
}

describe('extended errors', { skip: without('dig') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'extended-errors-'))
  writeFileSync(join(folder, 'cluster.yaml'), manifests)
  const servers: RunningServer[] = []
  const silent = createSocket('udp4').bind(0, '127.0.0.1')

  async function serve(directives: string, kubernetes = `manifests ${folder}`): Promise<RunningServer> {
    const server = await startServer({
      corefile: (ports) => `.:${ports.dns} {
        bind 127.0.0.1
        ready 127.0.0.1:${ports.ready}
        ${directives}
        rewrite name exact renamed.example db.shop.svc.cluster.local
        template IN A alias.example {
          answer "{{ .Name }} 60 IN CNAME db.shop.svc.cluster.local."
        }
        kubernetes cluster.local {
          ${kubernetes}
        }
        forward closing.example ${closing.to} {
          force_tcp
        }
        forward other.example ${other.to} {
          force_tcp
        }
        forward refused.example 127.0.0.1:${ports.other}
        forward silent.example 127.0.0.1:${silent.address().port} {
          read_timeout 200ms
        }
      }`,
      waitFor: kubernetes.startsWith('manifests') ? 'ready' : 'banner',
    })
    servers.push(server)
    return server
  }

  let closing: ScriptedUpstream
  let other: ScriptedUpstream
  let server: RunningServer
  before(async () => {
    await once(silent, 'listening')
    closing = await startUpstream(({ hangUp }) => hangUp())
    other = await startUpstream(({ reply }) => reply({}, { questions: [{ name: 'x.example.', type: 1, class: 1 }] }))
    server = await serve('')
  })
  after(async () => {
    silent.close()
    await Promise.all(servers.map((each) => each.stop('SIGKILL')))
    await Promise.all([closing.close(), other.close()])
    rmSync(folder, { recursive: true })
  })

  const cases: readonly (readonly [name: string, shown: string, ...flags: string[]])[] = [
    ['db.shop.svc.cluster.local', `NXDOMAIN; ${down}`],
    ['db.shop.svc.cluster.local', `NXDOMAIN; ${down}`, '+tcp'],
    ['db.shop.svc.cluster.local', 'NXDOMAIN', '+noedns'],
    ['db-0.db.shop.svc.cluster.local', `NXDOMAIN; ${down}`],
    ['_sql._tcp.db.shop.svc.cluster.local', `NXDOMAIN; ${down}`, '+tcp'],
    ['missing.shop.svc.cluster.local', 'NXDOMAIN'],
    ['web.shop.svc.cluster.local', 'NOERROR'],
    ['external.shop.svc.cluster.local', `NOERROR; ${down}`],
    ['renamed.example', `NXDOMAIN; ${down}`],
    ['alias.example', `NOERROR; ${down}`],
    ['elsewhere.shop.svc.cluster.local', 'NOERROR; 23 (Network Error): (EOF)'],
    ['a.silent.example', 'SERVFAIL; 22 (No Reachable Authority)'],
    ['a.closing.example', 'SERVFAIL; 23 (Network Error): (EOF)'],
    ['a.other.example', 'FORMERR; 23 (Network Error): (the answer is to another question)'],
    ['cluster.local', 'REFUSED; 18 (Prohibited)', '-t', 'AXFR', '+notcp'],
  ]
  for (const [name, shown, ...flags] of cases)
    it(`${name} ${flags.join(' ')} is ${shown}`, async () =>
      assert.equal((await ask(server, name, ...flags)).replace(/(Authority\)).*/, '$1'), shown))

  it('a cluster that was not read yet is code 14', async () => {
    const unread = await serve('', `endpoint http://127.0.0.1:${await freePort()}`)
    assert.equal(
      await ask(unread, 'web.shop.svc.cluster.local'),
      'SERVFAIL; 14 (Not Ready): (the cluster has not been read yet)',
    )
  })

  it('clients outside the networks that get texts get codes alone', async () => {
    const outside = await serve('extended_errors text 192.0.2.0/24')
    assert.equal(await ask(outside, 'db.shop.svc.cluster.local'), 'NXDOMAIN')
    assert.equal(await ask(outside, 'a.silent.example'), 'SERVFAIL; 22 (No Reachable Authority)')
    const inside = await serve('extended_errors text 127.0.0.0/8', `manifests ${folder}\nalias_zones aliases.example`)
    // The chain answers for both.
    for (const name of ['db.shop.svc.cluster.local', 'db.aliases.example'])
      assert.equal(await ask(inside, name), `NXDOMAIN; ${down}`)
  })

  it('an answer from a snapshot is code 3, a denial from it 19, by whatever way and until the cluster has been read', async (t) => {
    const api = await startApiServer()
    t.after(() => api.stop())
    const down = slice('db-1', 'db', ['10.1.0.1'])
    down.endpoints[0].conditions.ready = false
    api.put(namespace('shop'), service('web'), service('db', { clusterIP: 'None', clusterIPs: ['None'] }), down)
    const file = join(folder, 'snapshot')
    const kubernetes = `kubeconfig ${api.kubeconfig()}\n snapshot ${file}`
    const serveCluster = (directives: string): Promise<RunningServer> =>
      startServer({
        corefile: (ports) => `cluster.local:${ports.dns} {
          bind 127.0.0.1
          ready 127.0.0.1:${ports.ready}
          ${directives}
          cache 30
          kubernetes {
            ${kubernetes}
          }
        }`,
        waitFor: 'ready',
      })
    const before = await serveCluster('')
    await before.stop()
    api.kill()
    const [stale, silent, outside] = await Promise.all(
      ['', 'extended_errors off', 'extended_errors text 192.0.2.0/24'].map(serveCluster),
    )
    servers.push(stale!, silent!, outside!)
    const web = 'web.shop.svc.cluster.local'
    const cases: readonly (readonly [name: string, shown: string, ...flags: string[]])[] = [
      [web, 'NOERROR; 3 (Stale Answer)'],
      [web, 'NOERROR; 3 (Stale Answer)', '+dnssec'],
      [web, 'NOERROR; 3 (Stale Answer)', '-t', 'TXT'],
      ['cluster.local', 'NOERROR; 3 (Stale Answer)', '-t', 'SOA'],
      ['missing.shop.svc.cluster.local', 'NXDOMAIN; 19 (Stale NXDOMAIN Answer)'],
      [`${web}.shop.svc.cluster.local`, 'NXDOMAIN; 19 (Stale NXDOMAIN Answer)'],
      ['db.shop.svc.cluster.local', 'NXDOMAIN; 19 (Stale NXDOMAIN Answer): (service exists, 0 of 1 endpoints ready)'],
      ['example.org', 'REFUSED; 20 (Not Authoritative)'],
    ]
    const withoutText = (shown: string): string => shown.replace(/: \(service.*/, '')
    const withoutError = (shown: string): string => shown.split(';')[0]!
    await Promise.all(
      cases.map(async ([name, shown, ...flags]) => {
        for (const transport of ['+notcp', '+tcp']) assert.equal(await ask(stale!, name, transport, ...flags), shown)
        assert.equal(await ask(stale!, name, ...flags, '+nodnssec', '+noedns'), withoutError(shown))
        assert.equal(await ask(silent!, name, ...flags), withoutError(shown))
        assert.equal(await ask(outside!, name, ...flags), withoutText(shown))
      }),
    )
    await api.restart()
    await until(async () => assert.equal(await ask(stale!, web), 'NOERROR'))
    await until(async () => assert.equal(await ask(stale!, 'missing.shop.svc.cluster.local'), 'NXDOMAIN'))
    const reason = '0 (Other): (service exists, 0 of 1 endpoints ready)'
    await until(async () => assert.equal(await ask(stale!, 'db.shop.svc.cluster.local'), `NXDOMAIN; ${reason}`))
  })

  it('nobody gets any where they are off', async () => {
    const off = await serve('extended_errors off')
    for (const name of ['db.shop.svc.cluster.local', 'a.silent.example']) assert.doesNotMatch(await ask(off, name), /;/)
  })
})
