/** Zones given away whole, to dig, kdig and a real secondary (Knot DNS), and searches done for pods: the built server. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { dig } from '../support/dig.ts'
import { peer, without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)

let folder: string
let server: RunningServer
let secondaryPort: number

const service = (name: string, address: string) => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { clusterIP: ${address}, externalIPs: [192.0.2.1], ports: [{ name: http, port: 80, protocol: TCP }] }
`

const pod = (name: string, namespace: string, address: string) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace} }
status: { podIP: ${address}, phase: Running }
`

/** A headless service whose zone takes several messages. */
const workers = `
apiVersion: v1
kind: Service
metadata: { name: workers, namespace: shop }
spec: { clusterIP: None, ports: [{ name: http, port: 80, protocol: TCP }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: workers-1, namespace: shop, labels: { kubernetes.io/service-name: workers } }
addressType: IPv4
ports: [{ name: http, port: 80, protocol: TCP }]
endpoints:
${Array.from({ length: 1000 }, (_, n) => `- { addresses: [10.1.${n >> 8}.${n & 255}] }`).join('\n')}
`

const write = (name: string, text: string) => writeFileSync(join(folder, `${name}.yaml`), text)

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slicedns-zones-'))
  secondaryPort = await freePort()
  write('web', service('web', '10.96.0.1'))
  write('workers', workers)
  write('client', pod('client', 'shop', '127.0.0.1'))
  write('bank', 'apiVersion: v1\nkind: Namespace\nmetadata: { name: bank }\n')
  server = await startServer({
    waitFor: 'ready',
    corefile: (ports) => `.:${ports.dns} {
      ready 127.0.0.1:${ports.ready}
      prometheus 127.0.0.1:${ports.metrics}
      transfer {
        to 127.0.0.1:${secondaryPort}
      }
      autopath @kubernetes
      k8s_external example.net
      kubernetes cluster.local in-addr.arpa {
        manifests ${folder}
        pods verified
      }
    }`,
  })
})

after(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Records as dig prints them, with single blanks. */
async function records(program: string, ...words: readonly string[]): Promise<string[]> {
  const { stdout } = await run(program, ['@127.0.0.1', '-p', String(server.ports.dns), ...words], {
    maxBuffer: 2 ** 26,
  })
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(';'))
    .map((line) => line.replace(/\s+/g, ' '))
}

describe('a zone transfer', { skip: without('dig', 'kdig') }, () => {
  test('a transfer gives dig and kdig the zone, from SOA to SOA', async () => {
    const told = await records('dig', 'AXFR', 'cluster.local', '+noall', '+answer')
    assert.match(told[0]!, /^cluster\.local\. 5 IN SOA /)
    assert.equal(told.at(-1), told[0])
    assert.ok(told.includes('web.shop.svc.cluster.local. 5 IN A 10.96.0.1'))
    assert.ok(told.includes('_http._tcp.web.shop.svc.cluster.local. 5 IN SRV 0 100 80 web.shop.svc.cluster.local.'))
    assert.equal(told.filter((line) => line.startsWith('workers.shop.svc.cluster.local. 5 IN A ')).length, 1000)
    assert.deepEqual((await records('kdig', 'AXFR', 'cluster.local')).toSorted(), told.toSorted())
  })

  test('a transfer gives the records that each question gets', async () => {
    const told = await records('dig', 'AXFR', 'example.net', '+noall', '+answer')
    const [address] = told.filter((line) => line.startsWith('web.shop.example.net. 5 IN A'))
    assert.equal(address, 'web.shop.example.net. 5 IN A 192.0.2.1')
    assert.deepEqual((await server.dig('web.shop.example.net', 'A')).answer, [address])
    const [pointer] = (await records('dig', 'AXFR', 'in-addr.arpa', '+noall', '+answer')).filter((line) =>
      line.startsWith('1.0.96.10.in-addr.arpa.'),
    )
    assert.deepEqual((await server.dig('1.0.96.10.in-addr.arpa', 'PTR')).answer, [pointer])
  })

  test('a transfer to a client that has the serial is one record, and the whole zone to others', async () => {
    const [soa] = await records('dig', 'SOA', 'cluster.local', '+noall', '+answer')
    const serial = soa!.split(' ')[6]!
    assert.deepEqual(await records('dig', `IXFR=${serial}`, 'cluster.local', '+noall', '+answer'), [soa])
    assert.ok((await records('dig', `IXFR=${Number(serial) - 1}`, 'cluster.local', '+noall', '+answer')).length > 3000)
  })

  test('a transfer is refused to addresses that `to` does not list, and over UDP', async () => {
    const refused = await run('dig', [
      '@127.0.0.1',
      '-p',
      String(server.ports.dns),
      '-b',
      '127.0.0.2',
      'AXFR',
      'cluster.local',
    ])
    assert.match(refused.stdout, /Transfer failed/)
    const datagram = await run(
      'kdig',
      ['@127.0.0.1', '-p', String(server.ports.dns), '+notcp', 'IXFR=1', 'cluster.local'],
      {
        encoding: 'utf8',
      },
    ).catch(({ stdout, stderr }: { stdout: string; stderr: string }) => ({ stdout: stdout + stderr }))
    assert.match(datagram.stdout, /REFUSED/)
  })
})

describe('a secondary', { skip: without('knotd', 'dig') }, () => {
  test('a secondary has the zone, and each change within seconds of it', async (t) => {
    const home = mkdtempSync(join(tmpdir(), 'slicedns-knot-'))
    writeFileSync(
      join(home, 'knot.conf'),
      `server:
    listen: 127.0.0.1@${secondaryPort}
    rundir: ${home}
database:
    storage: ${home}
log:
  - target: stdout
    any: info
remote:
  - id: primary
    address: 127.0.0.1@${server.ports.dns}
acl:
  - id: primary
    address: 127.0.0.1
    action: notify
template:
  - id: default
    storage: ${home}
zone:
  - domain: cluster.local
    master: primary
    acl: primary
`,
    )
    const knot = spawn(peer('knotd')!, ['-c', join(home, 'knot.conf')], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [knot.stdout, knot.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk))
    t.after(async () => {
      knot.kill('SIGKILL')
      rmSync(home, { recursive: true, force: true })
    })
    const has = async (name: string, address: string) => {
      const reply = await dig(name, 'A', { port: secondaryPort })
      assert.deepEqual(reply.answer, [`${name}. 5 IN A ${address}`], output)
    }
    await until(() => has('web.shop.svc.cluster.local', '10.96.0.1'))
    // Its own timers would look again in two hours: what comes now comes by NOTIFY.
    write('late', service('late', '10.96.0.2'))
    await until(() => has('late.shop.svc.cluster.local', '10.96.0.2'))
    assert.match(output, /notify.*incoming/)
    assert.doesNotMatch(output, /error|warning.*semantic/i)
  })
})

describe('an autopath search', { skip: without('dig') }, () => {
  const searched = async (name: string) => (await server.dig(name, 'A')).answer

  test('an autopath search ends with its first question, for the pod that asks', async () => {
    assert.deepEqual(await searched('web.shop.svc.shop.svc.cluster.local'), [
      'web.shop.svc.cluster.local. 5 IN A 10.96.0.1',
      'web.shop.svc.shop.svc.cluster.local. 5 IN CNAME web.shop.svc.cluster.local.',
    ])
    const { body } = await server.http('metrics', '/metrics')
    assert.match(body, /^coredns_autopath_success_total\{server="dns:\/\/:\d+"\} [1-9]/m)
  })

  test('an autopath search leaves the names that exist to the table', async () => {
    const misses = async () => {
      const { body } = await server.http('metrics', '/metrics')
      const counts = [...body.matchAll(/^slicedns_table_misses_total\{.*\} (\d+)$/gm)].map(([, count]) => Number(count))
      return counts.reduce((sum, count) => sum + count, 0)
    }
    const before = await misses()
    assert.deepEqual(await searched('web.shop.svc.cluster.local'), ['web.shop.svc.cluster.local. 5 IN A 10.96.0.1'])
    assert.equal(await misses(), before)
  })

  test('an autopath search is not made in the namespace that an address has left', async () => {
    write('client', pod('other', 'bank', '127.0.0.1'))
    await until(async () =>
      assert.deepEqual((await searched('web.shop.bank.svc.cluster.local')).length, 2, 'the new namespace is searched'),
    )
    assert.deepEqual(await searched('web.shop.shop.svc.cluster.local'), [])
  })
})
