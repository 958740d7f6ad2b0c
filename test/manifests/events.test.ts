/** Option `events` and manifests/events/ against the real API server: what people see there, and with which right. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { account, endpoint, namespaceObject, service, startCluster, type TestCluster } from '../e2e/cluster.ts'
import { collectionPath, objectPath } from '../e2e/paths.ts'
import { type ApiObject, controlPlanePrograms } from '../support/control-plane.ts'
import { peer, without } from '../support/peers.ts'
import { until } from '../support/until.ts'
import { folder, type KubernetesObject } from './objects.ts'

const skip = without(...controlPlanePrograms, 'dig')
const noKubectl = skip || without('kubectl')

const roles = parseAllDocuments(readFileSync(join(folder, 'events/rbac.yaml'), 'utf8')).map(
  (document) => document.toJS() as KubernetesObject,
)

const annotated = (object: object, annotations: Record<string, string>): object => {
  const { metadata, ...rest } = object as KubernetesObject
  return { ...rest, metadata: { ...metadata, annotations } }
}

describe('the option events', { skip }, () => {
  let cluster: TestCluster
  before(async () => {
    cluster = await startCluster()
    await cluster.create(annotated(namespaceObject('shop'), { 'slicedns.io/ttl': 'for ever' }))
    const web = service('shop', 'web', { ports: [{ name: 'http', port: 80 }], clusterIP: '10.96.1.1' })
    await cluster.create(annotated(web, { 'slicedns.io/ttl': 'soon\n[ERROR] x', 'slicedns.io/srv-weight': '7' }))
    await cluster.create(
      annotated(
        {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: { namespace: 'shop', name: 'web-a', labels: { 'kubernetes.io/service-name': 'web' } },
          addressType: 'IPv4',
          ports: [],
          endpoints: [endpoint('10.1.0.1')],
        },
        { 'slicedns.io/srv-weight': '65536', 'slicedns.io/weight': '1' },
      ),
    )
  })
  after(() => cluster?.stop())

  /** Events of ours in the namespace, by `KIND NAME: MESSAGE`. */
  async function eventsIn(namespace: string): Promise<ApiObject[]> {
    const { items } = await cluster.request('GET', `/api/v1/namespaces/${namespace}/events`)
    return items.filter((item: ApiObject) => item.source?.component === 'slicedns')
  }

  const eventTexts = (events: readonly ApiObject[]): string[] =>
    events.map(({ involvedObject, message }) => `${involvedObject.kind} ${involvedObject.name}: ${message}`).sort()

  const wanted = [
    'EndpointSlice web-a: annotation slicedns.io/srv-weight "65536" is ignored: must be a whole number from 0 to 65535',
    'EndpointSlice web-a: annotation slicedns.io/weight "1" is ignored: unknown key: below slicedns.io/ an EndpointSlice may have srv-priority, srv-weight',
    'Service web: annotation slicedns.io/ttl "soon\\n[ERROR] x" is ignored: must be a whole number of seconds from 0 to 3600',
  ]

  test('the server without the right to write Events logs it in one line, and answers names', async (t) => {
    const server = await cluster.serve({ kubernetes: ['events'] })
    t.after(() => server.stop())
    await server.printed(/creating Events is forbidden: the ClusterRole needs the rule/)
    const lines = server.output().split('\n')
    const lost = lines.filter((line) => /creating Events is forbidden/.test(line))
    assert.equal(lost.length, 1)
    assert.match(lost[0]!, /\{apiGroups: \[""\], resources: \["events"\], verbs: \["create"\]\}/)
    assert.equal(lines.filter((line) => line.startsWith('[ERROR] x')).length, 0)
    assert.match(server.output(), /Service shop\/web: annotation slicedns\.io\/ttl "soon\\n\[ERROR\] x" is ignored/)
    const { answer } = await server.dig('web.shop.svc.cluster.local', 'SRV')
    assert.match(answer.join(), / 0 7 80 /)
    assert.deepEqual(await eventsIn('shop'), [])
  })

  test('the API server accepts the additional role (server-side dry run)', async () => {
    for (const role of roles) {
      const path = `${collectionPath(role)}/${role.metadata.name}?dryRun=All&fieldManager=test&fieldValidation=Strict&force=true`
      const reply = await cluster.requestAs(cluster.adminToken, 'APPLY', path, role)
      assert.ok(reply.status === 200 || reply.status === 201, `${reply.status} ${reply.body.message}`)
    }
  })

  test('the server with the right writes each ignored annotation as an Event on its object, once for all replicas', async (t) => {
    for (const role of roles) await cluster.create(role)
    const replicas = await Promise.all([
      cluster.serve({ kubernetes: ['events'] }),
      cluster.serve({ kubernetes: ['events'] }),
    ])
    for (const server of replicas) t.after(() => server.stop())
    await until(async () => assert.deepEqual(eventTexts(await eventsIn('shop')), wanted))
    const [event] = (await eventsIn('shop')).filter(({ involvedObject }) => involvedObject.kind === 'Service')
    const web = await cluster.request('GET', objectPath('Service', 'shop', 'web'))
    assert.equal(event!.involvedObject.uid, web.metadata.uid)
    assert.equal(event!.type, 'Warning')
    await until(async () => {
      assert.deepEqual(eventTexts(await eventsIn('default')), [
        'Namespace shop: annotation slicedns.io/ttl "for ever" is ignored: must be a whole number of seconds from 0 to 3600',
      ])
    })
    // Every request of both has been answered: the second to come found the Event there.
    await until(() => {
      const created = cluster.calls(account).filter(({ verb, resource }) => verb === 'create' && resource === 'events')
      assert.ok(created.length >= 1 + 2 * (wanted.length + 1), String(created.length))
    })
    assert.deepEqual(eventTexts(await eventsIn('shop')), wanted)
    for (const server of replicas) assert.doesNotMatch(server.output(), /Events?\b.*(cannot|not)/)
  })

  test('the additional role allows exactly what is asked for besides watches', () => {
    const asked = new Set(
      cluster
        .calls(account)
        .filter(({ verb }) => verb !== 'list' && verb !== 'watch')
        .map(({ verb, group, resource }) => `${verb} ${group}/${resource}`),
    )
    const [role] = roles
    const allowed = role!.rules.flatMap((rule: KubernetesObject) =>
      rule.verbs.flatMap((verb: string) =>
        rule.resources.map((resource: string) => `${verb} ${rule.apiGroups[0]}/${resource}`),
      ),
    )
    assert.deepEqual([...asked], allowed)
  })

  test('kubectl describe shows the Events of ignored annotations', { skip: noKubectl }, async () => {
    const kubeconfig = cluster.kubeconfig(cluster.adminToken)
    const describe = async (kind: string, name: string): Promise<string> => {
      const args = ['--kubeconfig', kubeconfig, '-n', 'shop', 'describe', kind, name]
      return (await promisify(execFile)(peer('kubectl')!, args)).stdout
    }
    assert.match(
      await describe('service', 'web'),
      /Warning +AnnotationIgnored .* slicedns +annotation slicedns\.io\/ttl/,
    )
    assert.match(
      await describe('endpointslice', 'web-a'),
      /AnnotationIgnored .* annotation slicedns\.io\/srv-weight "65536"/,
    )
  })
})
