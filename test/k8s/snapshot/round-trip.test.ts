/** What is read from a snapshot is what was written, object for object: so answers are the same. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { resolve } from '../../../src/cluster-dns/records/answers.ts'
import { zoneSpec } from '../../../src/cluster-dns/records/table-node.ts'
import { parseCorefile } from '../../../src/corefile/parser.ts'
import { readSettings } from '../../../src/corefile/read.ts'
import { type as dnsType } from '../../../src/dns/codes.ts'
import type { ClusterModel } from '../../../src/k8s/model/cluster-model.ts'
import { schema } from '../../../src/plugins/kubernetes/settings.ts'
import type { KubeObject } from '../../support/api-server/index.ts'
import { knowledgeOf } from '../../support/context.ts'
import { runs } from '../../support/effort.ts'
import { kubeObjects } from '../decode/random-objects.ts'
import { contentOf, emptyModel, modelOf, read, temporaryFolder, write } from './harness.ts'

const corefile = `.:53 {
  kubernetes cluster.local clusterset.local in-addr.arpa ip6.arpa {
    ttl 300
    ttl_headless 60
    pods verified
    endpoint_pod_names
    zonal
    multicluster clusterset.local
    alias_zones apps.example
    dns_sd
    fallthrough in-addr.arpa
  }
}`
const [block] = parseCorefile(corefile, 'Corefile', { readFile: () => '', glob: () => [], env: () => '' }).blocks
const { dns: settings } = readSettings(schema, block.directives, ['.'])

const types = ['A', 'AAAA', 'SRV', 'TXT', 'PTR', 'CNAME', 'NS', 'SOA'] as const

/** Every name that objects give, and some that they do not. */
function questions(model: ClusterModel): string[] {
  const { view } = model
  const services = [...view.services()].flatMap(({ namespace, name, ports }) => {
    const own = `${name}.${namespace}.svc.cluster.local.`
    const ofPorts = ports.map(({ name: port, protocol }) => `_${port}._${protocol}.${own}`)
    return [own, `_endpoints.${own}`, `_grpc_config.${own}`, `x.${own}`, ...ofPorts]
  })
  const endpoints = [...view.allSlices()].flatMap(({ namespace, service, hostnames = [], podNames = [] }) =>
    [...hostnames, ...podNames].map((label) => `${label}.${service}.${namespace}.svc.cluster.local.`),
  )
  const imports = [...view.serviceImports()].map(({ namespace, name }) => `${name}.${namespace}.svc.clusterset.local.`)
  const namespaces = [...view.namespaces()].flatMap(({ name }) => [
    `${name}.svc.cluster.local.`,
    `_services._dns-sd._udp.${name}.svc.cluster.local.`,
  ])
  const fixed = ['cluster.local.', 'dns-version.cluster.local.', 'ns.dns.cluster.local.', 'nowhere.svc.cluster.local.']
  return [...new Set([...services, ...endpoints, ...imports, ...namespaces, ...fixed])]
}

/** Without TTLs, which are gathered. */
function answersOf(model: ClusterModel, names: readonly string[]) {
  const context = knowledgeOf(model.view, settings)
  const ttls: number[] = []
  const plain = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (key, inner) => {
        if (key !== 'ttl' && key !== 'minimum') return inner
        ttls.push(inner)
        return undefined
      }),
    )
  const answers = names.flatMap((name) => {
    const zone = name.endsWith('.clusterset.local.') ? 'clusterset.local.' : 'cluster.local.'
    return types.map((type) => [name, type, plain(resolve(context, zone, name, dnsType[type]))])
  })
  const zones = settings.zones.map((zone) => plain(zoneSpec(context, zone, true)))
  return { answers: [...answers, ...zones], ttls }
}

const annotated = (object: KubeObject, annotations: Readonly<Record<string, string>>): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } },
})

const annotations = fc.dictionary(
  fc.constantFrom('slicedns.io/ttl', 'slicedns.io/endpoints', 'txt.slicedns.io/a', 'slicedns.io/alias', 'other/key'),
  fc.constantFrom('3600', 'true', 'a.apps.example', 'ö 𝒳 \u0000', ''),
)
const { Service, EndpointSlice, Namespace, Pod } = kubeObjects
/** In few namespaces, so that they meet. */
const placed = (object: fc.Arbitrary<KubeObject>): fc.Arbitrary<KubeObject> =>
  fc
    .tuple(object, fc.constantFrom('one', 'two'), annotations)
    .map(([one, namespace, added]) => annotated({ ...one, metadata: { ...one.metadata, namespace } }, added))
const imported = placed(EndpointSlice.object).map((slice) => ({
  ...slice,
  metadata: {
    ...slice.metadata,
    labels: {
      'multicluster.kubernetes.io/service-name': 'web',
      'multicluster.kubernetes.io/source-cluster': 'east',
    },
  },
}))
const serviceImport = fc
  .record({ name: fc.constantFrom('web', 'api'), type: fc.constantFrom('Headless', 'ClusterSetIP'), ip: fc.ipV4() })
  .map(({ name, type, ip }) => ({
    metadata: { namespace: 'one', name },
    spec: { type, ips: [ip], ports: [{ name: 'http', port: 80 }, { port: null }] },
  }))

const cluster = fc
  .record({
    services: fc.array(placed(Service.object), { maxLength: 6 }),
    endpointslices: fc.array(placed(EndpointSlice.object), { maxLength: 6 }),
    namespaces: fc.array(placed(Namespace.object), { maxLength: 3 }),
    pods: fc.array(placed(Pod.object), { maxLength: 3 }),
    serviceimports: fc.array(serviceImport, { maxLength: 2 }),
    importedslices: fc.array(imported, { maxLength: 2 }),
  })
  .map(({ namespaces, ...others }) => {
    const both = ['one', 'two'].map((name): KubeObject => ({ kind: 'Namespace', metadata: { name } }))
    const all = { ...others, namespaces: [...namespaces, ...both] }
    return Object.entries(all).flatMap(([resource, objects]) =>
      objects.map((object: KubeObject) => ({ resource: resource as keyof typeof all, object })),
    )
  })

describe('a snapshot', () => {
  test('any cluster is read as it was written, and answers the same with TTLs of at most 5', async (t) => {
    const file = join(temporaryFolder(t), 'snapshot')
    await fc.assert(
      fc.asyncProperty(cluster, async (objects) => {
        const before = modelOf(objects)
        await write(file, before)
        const after = emptyModel()
        await read(file, after)
        assert.deepEqual(contentOf(after), contentOf(before))
        assert.equal(after.view.synced, true)
        assert.equal(after.view.restored, true)
        const names = questions(before)
        const wanted = answersOf(before, names)
        const given = answersOf(after, names)
        assert.deepEqual(given.answers, wanted.answers)
        assert.deepEqual(
          given.ttls,
          wanted.ttls.map((ttl) => Math.min(ttl, 5)),
        )
      }),
      { numRuns: runs(60) },
    )
  })

  test('the serials of the zones are those of then', async (t) => {
    const file = join(temporaryFolder(t), 'snapshot')
    const before = modelOf([])
    Object.assign(before.serials, { cluster: 1_700_000_000, multicluster: 5, external: 6 })
    await write(file, before)
    const after = emptyModel()
    await read(file, after)
    assert.deepEqual(after.serials, { cluster: 1_700_000_000, multicluster: 5, external: 6 })
  })

  test('a resource that could not be listed is still one that may not be', async (t) => {
    const file = join(temporaryFolder(t), 'snapshot')
    const before = modelOf([])
    before.setAvailability('pods', 'forbidden')
    await write(file, before)
    const after = emptyModel()
    await read(file, after)
    assert.equal(after.view.availability('pods'), 'forbidden')
  })

  test('an object that goes while the snapshot is written is in it', async (t) => {
    const file = join(temporaryFolder(t), 'snapshot')
    const service = (ip: string) => ({
      resource: 'services' as const,
      object: { metadata: { namespace: 'one', name: 'web' }, spec: { clusterIPs: [ip] } },
    })
    const before = modelOf([service('10.0.0.1')])
    const writing = write(file, before)
    before.stores.services.remove('one', 'web')
    await writing
    const after = emptyModel()
    await read(file, after)
    assert.deepEqual(after.view.service('one', 'web')?.clusterIPs, ['10.0.0.1'])
  })
})

describe('a snapshot that is read while lists come', () => {
  const service = (name: string, ip: string) => ({
    resource: 'services' as const,
    object: { metadata: { namespace: 'one', name }, spec: { clusterIPs: [ip] } },
  })

  test('an object that a list has named stays as the list has it', async (t) => {
    const file = join(temporaryFolder(t), 'snapshot')
    await write(file, modelOf([service('web', '10.0.0.1'), service('gone', '10.0.0.2')]))
    const model = emptyModel()
    model.stores.services.mark()
    const [listed] = modelOf([service('web', '10.0.0.9')]).stores.services.all()
    model.stores.services.put(listed)
    await read(file, model)
    assert.deepEqual(model.view.service('one', 'web')?.clusterIPs, ['10.0.0.9'])
    assert.ok(model.view.service('one', 'gone'))
    model.stores.services.sweep(() => false)
    model.listed('services')
    assert.equal(model.view.service('one', 'gone'), undefined)
    assert.equal(model.view.restored, true, 'the other resources have not been listed')
  })

  test('a resource that has been listed takes nothing from the snapshot', async (t) => {
    const file = join(temporaryFolder(t), 'snapshot')
    await write(file, modelOf([service('web', '10.0.0.1')]))
    const model = emptyModel()
    model.listed('services')
    await read(file, model)
    assert.deepEqual([...model.view.services()], [])
  })
})
