import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { ClusterConfig } from '../../../src/k8s/model/config.ts'
import { until } from '../../support/until.ts'
import { addressesOf, createClusterHarness, serviceNames } from '../harness.ts'

type After = { after(task: () => unknown): void }

function folder(t: After, files: Readonly<Record<string, string>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'slicedns-manifests-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

const open = (t: After, directory: string, options: Partial<ClusterConfig> = {}) =>
  createClusterHarness(t, { kind: 'manifests', directory }, options)

const service = (name: string, spec = '{}') =>
  `---\napiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: shop}\nspec: ${spec}\n`

const slice = (name: string, of: string, address: string) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}, namespace: shop, labels: {kubernetes.io/service-name: ${of}}}
addressType: IPv4
endpoints: [{addresses: [${address}]}]
`

describe('a directory of manifests', () => {
  test('YAML and JSON, many documents, lists; other kinds and files are passed over', async (t) => {
    const directory = folder(t, {
      'web.yaml': service('web') + slice('web-1', 'web', '10.0.0.1'),
      'more.yml': '---\n---\nkind: Deployment\nmetadata: {name: web}\n',
      'list.json': JSON.stringify({
        kind: 'List',
        items: [{ kind: 'Service', metadata: { name: 'db', namespace: 'shop' }, spec: { clusterIP: 'None' } }],
      }),
      'README.md': 'kind: nonsense: [',
      '.hidden.yaml': 'kind: [',
    })
    const harness = open(t, directory)
    await harness.synced()
    assert.deepEqual(serviceNames(harness), ['db', 'web'])
    assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.1'])
    assert.equal(harness.view.service('shop', 'db')?.headless, true)
    assert.deepEqual(harness.lines, [])
  })

  test('annotations that were left out for want of room come back when a file that had it is deleted', async (t) => {
    const annotations = { 'slicedns.io/split': 'x'.repeat(1_500_000) }
    const file = (name: string) =>
      JSON.stringify({ kind: 'Service', metadata: { name, namespace: 'shop', annotations }, spec: {} })
    const directory = folder(t, { 'a.json': file('a'), 'b.json': file('b') })
    const harness = open(t, directory)
    await harness.synced()
    assert.ok(harness.view.service('shop', 'b')?.annotationsLeftOut)
    rmSync(join(directory, 'a.json'))
    await until(() => assert.deepEqual(harness.view.service('shop', 'b')?.annotations, annotations))
  })

  test('an annotation that is there twice, or no text, takes nothing else along', async (t) => {
    const text = `apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  annotations:
    slicedns.io/ttl: "1"
    other: x
    slicedns.io/ttl: "2"
    slicedns.io/a: 60
    slicedns.io/b: [1, true]
    slicedns.io/c: null
    slicedns.io/d: &loop {again: *loop}
    other: y
spec: {}
`
    const list = `kind: List
items:
  - {kind: Service, metadata: {name: db, namespace: shop, annotations: {slicedns.io/x: '1', "slicedns.io/x": '3'}}}
`
    const directory = folder(t, { 'web.yaml': text, 'list.yaml': list })
    const harness = open(t, directory)
    await harness.synced()
    assert.deepEqual(harness.view.service('shop', 'web')?.annotations, {
      'slicedns.io/ttl': '2',
      'slicedns.io/a': '60',
      'slicedns.io/b': '[1,true]',
      'slicedns.io/c': '',
      'slicedns.io/d': '',
    })
    assert.deepEqual(harness.view.service('shop', 'db')?.annotations, { 'slicedns.io/x': '3' })
    const line = (file: string, at: number, object: string, key: string): string =>
      `[WARNING] manifests: ${join(directory, file)}:${at}: ${object}: annotation ${key} is there twice: the last one counts`
    assert.deepEqual(harness.lines, [
      line('list.yaml', 3, 'Service shop/db', 'slicedns.io/x'),
      line('web.yaml', 9, 'Service shop/web', 'slicedns.io/ttl'),
      line('web.yaml', 14, 'Service shop/web', 'other'),
    ])
  })

  test('any other key that is there twice is a mistake', async (t) => {
    const directory = folder(t, { 'web.yaml': 'kind: Service\nmetadata: {name: web}\nspec: {}\nspec: {}\n' })
    const harness = open(t, directory)
    await harness.synced()
    assert.deepEqual(harness.lines, [
      `[ERROR] manifests: ${join(directory, 'web.yaml')}:4: Map keys must be unique (the file is ignored)`,
    ])
  })

  test('a directory of manifests holds what other clusters export, and topology zones', async (t) => {
    const imported = `---
apiVersion: multicluster.x-k8s.io/v1alpha1
kind: ServiceImport
metadata: {name: db, namespace: shop}
spec: {type: Headless, ports: [{name: pg, port: 5432, protocol: TCP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: imported-db
  namespace: shop
  labels: {multicluster.kubernetes.io/service-name: db, multicluster.kubernetes.io/source-cluster: east}
addressType: IPv4
endpoints: [{addresses: [10.7.0.1], zone: a}]
`
    const harness = open(t, folder(t, { 'imports.yaml': imported }), { serviceImports: true, zones: true })
    await harness.synced()
    assert.equal(harness.view.serviceImport('shop', 'db')?.type, 'Headless')
    const [found] = harness.view.importedSlices('shop', 'db')
    assert.deepEqual([found.cluster, found.zones, harness.lines], ['east', ['a'], []])
  })

  test('a finished pod of a directory of manifests has no name, and loses the one that it had', async (t) => {
    const pod = (name: string, address: string, phase: string) =>
      `---\nkind: Pod\nmetadata: {name: ${name}, namespace: shop}\nstatus: {phase: ${phase}, podIP: ${address}}\n`
    const directory = folder(t, {
      'a.yaml': pod('a', '10.0.0.1', 'Succeeded') + pod('b', '10.0.0.2', 'Failed') + pod('c', '10.0.0.3', 'Running'),
    })
    const harness = open(t, directory, { pods: true })
    await harness.synced()
    const found = () => [1, 2, 3].map((host) => harness.view.hasPod('shop', `10.0.0.${host}`))
    assert.deepEqual(found(), [false, false, true])
    writeFileSync(join(directory, 'a.yaml'), pod('c', '10.0.0.3', 'Succeeded'))
    await until(() => assert.deepEqual(found(), [false, false, false]))
  })

  test('an empty one is a cluster without objects', async (t) => {
    const harness = open(t, folder(t))
    await harness.synced()
    assert.deepEqual([...harness.view.services()], [])
  })

  test('namespaces exist once something is in them; `default` where none is named', async (t) => {
    const harness = open(t, folder(t, { 'a.yaml': `kind: Service\nmetadata: {name: web}\n${service('api')}` }))
    await harness.synced()
    assert.deepEqual([...harness.view.namespaces()].map(({ name }) => name).sort(), ['default', 'shop'])
    assert.equal(harness.view.service('default', 'web')?.name, 'web')
  })

  test('a Service without ClusterIP gets one of 10.96.0.0/12, the same each time, that no other has', async (t) => {
    const taken = folder(t, { 'a.yaml': service('web') + service('api') })
    const first = open(t, taken)
    await first.synced()
    const ip = first.view.service('shop', 'web')!.clusterIPs[0]
    assert.match(ip, /^10\.(9[6-9]|10\d|11[01])\./)
    const again = open(t, folder(t, { 'b.yaml': service('web') }))
    await again.synced()
    assert.deepEqual(again.view.service('shop', 'web')?.clusterIPs, [ip])
    const rival = open(t, folder(t, { 'c.yaml': service('web') + service('rival', `{clusterIP: ${ip}}`) }))
    await rival.synced()
    assert.notEqual(rival.view.service('shop', 'web')?.clusterIPs[0], ip)
    assert.equal(rival.view.serviceByClusterIP(ip)?.name, 'rival')
  })

  test('a dual-stack service gets a ClusterIP of each family; ExternalName and headless services get none', async (t) => {
    const directory = folder(t, {
      'a.yaml':
        service('dual', '{ipFamilyPolicy: RequireDualStack}') +
        service('six', '{ipFamilies: [IPv6]}') +
        service('out', '{type: ExternalName, externalName: example.com}') +
        service('none', '{clusterIP: None}'),
    })
    const harness = open(t, directory)
    await harness.synced()
    const families = (name: string) =>
      harness.view.service('shop', name)!.clusterIPs.map((ip) => (ip.includes(':') ? 6 : 4))
    assert.deepEqual(['dual', 'six', 'out', 'none'].map(families), [[4, 6], [6], [], []])
  })

  test('label selectors of the configuration choose among them', async (t) => {
    const labelled = (name: string, team: string) =>
      `---\nkind: Service\nmetadata: {name: ${name}, namespace: shop, labels: {team: ${team}}}\n`
    const directory = folder(t, {
      'a.yaml': `${labelled('web', 'a')}${labelled('api', 'b')}---\nkind: Namespace\nmetadata: {name: bank}\n`,
    })
    const harness = open(t, directory, { labels: 'team in (a)', namespaceLabels: 'kubernetes.io/metadata.name=bank' })
    await harness.synced()
    assert.deepEqual(serviceNames(harness), ['web'])
    assert.deepEqual(
      [...harness.view.namespaces()].map(({ name }) => name),
      ['bank'],
    )
  })
})

describe('changes of the directory', () => {
  test('a file that is changed, added or removed takes its objects along', async (t) => {
    const directory = folder(t, { 'web.yaml': service('web') })
    const harness = open(t, directory)
    await harness.synced()
    writeFileSync(join(directory, 'web.yaml'), service('web2'))
    writeFileSync(join(directory, 'db.yaml'), service('db'))
    await until(() => assert.deepEqual(serviceNames(harness), ['db', 'web2']))
    rmSync(join(directory, 'db.yaml'))
    await until(() => assert.deepEqual(serviceNames(harness), ['web2']))
  })

  test('a broken file keeps its last valid objects; file and line are logged once', async (t) => {
    const directory = folder(t, { 'web.yaml': service('web'), 'db.yaml': service('db') })
    const harness = open(t, directory)
    await harness.synced()
    writeFileSync(join(directory, 'web.yaml'), `${service('other')}metadata: [\n`)
    await until(() => assert.equal(harness.lines.length, 1))
    assert.match(harness.lines[0], /^\[ERROR\] manifests: .*\/web\.yaml:\d+: .* \(its last valid objects stay\)$/)
    writeFileSync(join(directory, 'db.yaml'), service('db2'))
    await until(() => assert.deepEqual(serviceNames(harness), ['db2', 'web']))
    assert.equal(harness.lines.length, 1)
    writeFileSync(join(directory, 'web.yaml'), service('mended'))
    await until(() => assert.deepEqual(serviceNames(harness), ['db2', 'mended']))
  })

  test('a malformed object is left out and named; the rest of its file is served', async (t) => {
    const directory = folder(t, { 'web.yaml': service('web') + service('bad', '{ports: [{port: 99999}]}') })
    const harness = open(t, directory)
    await harness.synced()
    assert.deepEqual(serviceNames(harness), ['web'])
    assert.match(
      harness.lines[0],
      /web\.yaml:7: Service shop\/bad: spec\.ports: port 99999 is not a number from 0 to 65535/,
    )
  })

  test('a ConfigMap volume, which swaps a symbolic link, is followed', async (t) => {
    const directory = folder(t)
    const version = (name: string, text: string) => {
      mkdirSync(join(directory, `..${name}`))
      writeFileSync(join(directory, `..${name}`, 'web.yaml'), text)
      symlinkSync(`..${name}`, join(directory, '..data_tmp'))
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'))
    }
    version('2026_1', service('web'))
    symlinkSync('..data/web.yaml', join(directory, 'web.yaml'))
    const harness = open(t, directory)
    await harness.synced()
    version('2026_2', service('api'))
    await until(() => assert.deepEqual(serviceNames(harness), ['api']))
  })

  test('a directory that is not there yet is waited for, and logged once', async (t) => {
    const directory = join(folder(t), 'later')
    const harness = open(t, directory)
    await until(() =>
      assert.match(
        harness.lines.join('\n'),
        /manifests: .*later: no such file or directory: waiting for the directory/,
      ),
    )
    assert.equal(harness.view.availability('services'), 'pending')
    mkdirSync(directory)
    writeFileSync(join(directory, 'web.yaml'), service('web'))
    await harness.synced()
    assert.equal(harness.lines.length, 1)
  })

  test('files that are written anew without a change are not reported', async (t) => {
    const directory = folder(t, { 'web.yaml': service('web') })
    const harness = open(t, directory)
    await harness.synced()
    const events: string[] = []
    harness.subscribe('observers', { service: (_, name) => events.push(name) })
    writeFileSync(join(directory, 'web.yaml'), service('web'))
    writeFileSync(join(directory, 'api.yaml'), service('api'))
    await until(() => assert.ok(events.includes('api')))
    assert.deepEqual(events, ['api'])
  })
})
