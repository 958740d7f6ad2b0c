/** What the annotations of all objects may take: the process's memory is shared by all tenants. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAnnotationReader } from '../../../src/cluster-dns/annotations/reader.ts'
import { knownAnnotations } from '../../../src/cluster-dns/features/index.ts'
import { createFakeCluster, type FakeCluster } from '../../support/fake-cluster.ts'

const prefix = 'slicedns.io'
/** Octets: a namespace may have 2 MiB, all of them 8 MiB. */
const long = 'x'.repeat(500_000)

const service = (namespace: string, name: string, text: string) => ({
  kind: 'Service',
  metadata: { namespace, name, annotations: { 'slicedns.io/split': text } },
  spec: { clusterIP: '10.96.3.4' },
})

const withAnnotations = (): FakeCluster => createFakeCluster({ annotationPrefixes: [`${prefix}/`] })

const textOf = (cluster: FakeCluster, namespace: string, name: string): string | undefined =>
  cluster.view.service(namespace, name)?.annotations['slicedns.io/split']

describe('annotations of all objects', () => {
  test('annotations of all objects that are long are kept up to 2 MiB a namespace, whatever another namespace has', () => {
    const cluster = withAnnotations()
    for (let i = 0; i < 6; i++) cluster.apply(service('shop', `s${i}`, long))
    const kept = Array.from({ length: 6 }, (_, i) => textOf(cluster, 'shop', `s${i}`) === long)
    assert.deepEqual(kept, [true, true, true, true, false, false])
    cluster.apply(service('other', 'web', long))
    assert.equal(textOf(cluster, 'other', 'web'), long)
  })

  test('annotations of all objects that are long are kept up to 8 MiB in all namespaces together', () => {
    const cluster = withAnnotations()
    for (let i = 0; i < 20; i++) cluster.apply(service(`n${i}`, 'web', long))
    const kept = Array.from({ length: 20 }, (_, i) => textOf(cluster, `n${i}`, 'web') === long)
    assert.equal(kept.filter(Boolean).length, 16)
  })

  test('annotations of all objects with up to 1 KiB of them are always kept', () => {
    const cluster = withAnnotations()
    for (let i = 0; i < 4; i++) cluster.apply(service('shop', `s${i}`, long))
    cluster.apply(service('shop', 'long', long), service('shop', 'short', 'x'.repeat(900)))
    assert.equal(textOf(cluster, 'shop', 'long'), undefined)
    assert.equal(textOf(cluster, 'shop', 'short'), 'x'.repeat(900))
  })

  test('annotations of all objects make room for others when theirs are deleted, or become shorter', () => {
    const cluster = withAnnotations()
    for (let i = 0; i < 4; i++) cluster.apply(service('shop', `s${i}`, long))
    cluster.remove('Service', 'shop', 's0')
    cluster.apply(service('shop', 's1', 'short'))
    cluster.apply(service('shop', 'a', long), service('shop', 'b', long), service('shop', 'c', long))
    const kept = ['a', 'b', 'c'].map((name) => textOf(cluster, 'shop', name) === long)
    assert.deepEqual(kept, [true, true, false])
  })

  test('annotations of all objects that are left out are a problem of their object, and come with the next event that finds room', () => {
    const cluster = withAnnotations()
    const reader = createAnnotationReader(prefix, knownAnnotations)
    const problems = (name: string) =>
      reader.service(cluster.view.service('shop', name)!).problems.map(({ key, reason }) => `${key} ${reason}`)
    for (let i = 0; i < 4; i++) cluster.apply(service('shop', `s${i}`, long))
    cluster.apply(service('shop', 'late', ''))
    cluster.apply(service('shop', 'late', long))
    assert.deepEqual(problems('late'), ['slicedns.io/* refused'])
    cluster.remove('Service', 'shop', 's0')
    cluster.apply(service('shop', 'late', long))
    assert.equal(textOf(cluster, 'shop', 'late'), long)
  })

  test('annotations of all objects make no change when an object comes again, with its annotations or without', () => {
    const cluster = withAnnotations()
    for (let i = 0; i < 5; i++) cluster.apply(service('shop', `s${i}`, long))
    const events: string[] = []
    cluster.subscribe('observers', { service: (_, name) => events.push(name) })
    for (let i = 0; i < 5; i++) cluster.apply(service('shop', `s${i}`, long))
    assert.deepEqual(events, [])
  })
})
