/** docs/reliability.md: a server that is killed is back from its snapshot while the real API server is away. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { controlPlanePrograms } from '../support/control-plane.ts'
import type { DigReply } from '../support/dig.ts'
import { without } from '../support/peers.ts'
import type { RunningServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { namespaceObject, service, slice, startCluster, type TestCluster } from './cluster.ts'

const questions: readonly [string, string][] = [
  ['web.shop.svc.cluster.local', 'A'],
  ['web.shop.svc.cluster.local', 'AAAA'],
  ['_http._tcp.web.shop.svc.cluster.local', 'SRV'],
  ['db.shop.svc.cluster.local', 'A'],
  ['_sql._tcp.db.shop.svc.cluster.local', 'SRV'],
  ['db-0.db.shop.svc.cluster.local', 'A'],
  ['split.shop.svc.cluster.local', 'SRV'],
  ['old.shop.svc.cluster.local', 'A'],
  ['missing.shop.svc.cluster.local', 'A'],
  ['web.shop.svc.cluster.local.shop.svc.cluster.local', 'A'],
  ['kubernetes.default.svc.cluster.local', 'A'],
  ['1.0.96.10.in-addr.arpa', 'PTR'],
]

describe('a snapshot of a real cluster', { skip: without(...controlPlanePrograms, 'dig') }, () => {
  let cluster: TestCluster
  /** What was answered before, and the server that was started while the API server was away. */
  let wanted: DigReply[]
  let server: RunningServer | undefined
  before(async () => {
    cluster = await startCluster()
    await cluster.create(namespaceObject('shop'))
    const db = { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }] }
    await cluster.create(service('shop', 'web', { ports: [{ name: 'http', port: 80 }] }))
    await cluster.create(service('shop', 'db', db))
    await cluster.create(service('shop', 'old', { ports: [{ port: 80 }] }))
    await cluster.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'shop', name: 'split', annotations: { 'slicedns.io/split': 'db=100' } },
      spec: { ports: [{ name: 'sql', port: 5432 }] },
    })
    await cluster.create(
      slice({
        namespace: 'shop',
        name: 'db-1',
        service: 'db',
        ports: [{ name: 'sql', port: 5432 }],
        endpoints: [{ address: '10.1.0.1', hostname: 'db-0' }, '10.1.0.2', { address: '10.1.0.3', ready: false }],
      }),
    )
  })
  after(async () => {
    await server?.stop()
    await cluster?.stop()
  })

  const file = () => join(cluster.folder, 'snapshot')
  const options = () => ({ kubernetes: ['ttl 30', `snapshot ${file()}`] })

  const ask = (server: RunningServer): Promise<DigReply[]> =>
    Promise.all(questions.map(([name, type]) => server.dig(name, type)))

  /** Without TTLs, that of denials in the SOA among them. */
  const plain = (replies: readonly DigReply[]) =>
    replies.map(({ rcode, flags, answer, authority }) => {
      const withoutTtl = (lines: readonly string[]) =>
        lines.map((line) => line.replace(/^(\S+) \d+( IN SOA .*) \d+$|^(\S+) \d+/, '$1$2$3')).sort()
      return { rcode, flags, answer: withoutTtl(answer), authority: withoutTtl(authority) }
    })
  const ttlsOf = (replies: readonly DigReply[]) =>
    replies.flatMap(({ answer, authority }) => [...answer, ...authority].map((line) => Number(line.split(' ')[1])))

  test('a killed server is back from it with the API server away, and answers the same', async () => {
    const first = await cluster.serve(options())
    try {
      await until(async () => {
        const { rcode } = await first.dig('db-0.db.shop.svc.cluster.local', 'A')
        assert.equal(rcode, 'NOERROR')
      })
      wanted = await ask(first)
      assert.ok(ttlsOf(wanted).includes(30))
      assert.equal(wanted.filter(({ answer }) => answer.length > 0).length, 9)
      await until(() => assert.ok(existsSync(file())))
    } finally {
      await first.stop('SIGKILL')
    }
    await cluster.kill()
    server = await cluster.serve({ ...options(), ports: first.ports })
    const back = await ask(server)
    assert.deepEqual(plain(back), plain(wanted))
    assert.ok(
      ttlsOf(back).every((ttl) => ttl <= 5),
      String(ttlsOf(back)),
    )
    const { body } = await server.http('metrics', '/metrics')
    assert.match(body, /^slicedns_snapshot_age_seconds \d/m)
    assert.match(server.output(), /\[WARNING\] plugin\/kubernetes: the Kubernetes API does not answer: .* snapshot/)
  })

  test('a damaged one is refused: cluster names are SERVFAIL, and the log says why', async (t) => {
    const damaged = join(cluster.folder, 'damaged')
    const octets = readFileSync(file())
    octets[octets.length - 1]! ^= 1
    writeFileSync(damaged, octets)
    const other = await cluster.serve({ kubernetes: [`snapshot ${damaged}`], waitFor: 'banner' })
    t.after(() => other.stop())
    await other.printed(/no snapshot to start from: .*damaged: its checksum does not match/)
    const { rcode } = await other.dig('web.shop.svc.cluster.local', 'A')
    assert.equal(rcode, 'SERVFAIL')
  })

  test('the API server is back: the server follows it, with the TTLs of the Corefile', async () => {
    await cluster.startAgain()
    await cluster.remove('Service', 'shop', 'old')
    await until(async () => {
      const { rcode } = await server!.dig('old.shop.svc.cluster.local', 'A')
      assert.equal(rcode, 'NXDOMAIN')
      const { answer } = await server!.dig('web.shop.svc.cluster.local', 'A')
      assert.match(answer[0]!, / 30 IN A /)
    })
    const { body } = await server!.http('metrics', '/metrics')
    assert.doesNotMatch(body, /^slicedns_snapshot_age_seconds \d/m)
  })

  test('the cluster was made anew behind its URL and CA: nothing of the old one is answered beside the new', async () => {
    await server!.stop()
    await cluster.kill()
    // A token of the old cluster's service account would be refused in the new one.
    const kubeconfig = cluster.kubeconfig(cluster.adminToken)
    const restored = await cluster.serve({ ...options(), kubeconfig })
    try {
      const ofOld = await restored.dig('web.shop.svc.cluster.local', 'A')
      assert.equal(ofOld.answer.length, 1)
      await cluster.emptyEtcd()
      await cluster.startAgain()
      await restored.printed(/\[WARNING\] plugin\/kubernetes: the snapshot .* belongs to another cluster/)
      await cluster.create(namespaceObject('shop'))
      await cluster.create(service('shop', 'fresh', { ports: [{ port: 80 }] }))
      await until(async () => {
        const { rcode } = await restored.dig('fresh.shop.svc.cluster.local', 'A')
        assert.equal(rcode, 'NOERROR')
      })
      for (const name of ['web', 'db', 'split']) {
        const { rcode } = await restored.dig(`${name}.shop.svc.cluster.local`, 'A')
        assert.equal(rcode, 'NXDOMAIN', name)
      }
      const { body } = await restored.http('metrics', '/metrics')
      assert.match(body, /^slicedns_snapshot_dropped_total 1$/m)
    } finally {
      await restored.stop()
    }
  })
})
