/**
 * A cluster that was made anew behind the URL and the CA of an older one, whose snapshot a server has started from: the UID of the
 * Namespace kube-system tells them apart.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { headerLength, parseHeader } from '../../../src/k8s/snapshot/header.ts'
import { type ApiServer, type ApiServerOptions, type Fault, startApiServer } from '../../support/api-server/index.ts'
import { until } from '../../support/until.ts'
import {
  addressesOf,
  type ClusterHarness,
  createClusterHarness,
  namespace,
  service,
  serviceNames,
  slice,
} from '../harness.ts'
import { temporaryFolder } from './harness.ts'

type After = { after(task: () => unknown): void }

const day = 24 * 3600 * 1000
const kubeSystem = (uid: string) => ({ kind: 'Namespace', metadata: { name: 'kube-system', uid } })

interface Restored {
  readonly api: ApiServer
  readonly harness: ClusterHarness
  /** Of the snapshot. */
  readonly file: string
  /** Each state that an observer saw: what is synced, restored, and the names of the services. */
  readonly states: { synced: boolean; restored: boolean; services: string[]; addresses: string[] }[]
}

/** A server that has started from a snapshot of a cluster with this UID, the API server away. */
async function startFromSnapshot(t: After, uid: string, options: ApiServerOptions = {}): Promise<Restored> {
  const api = await startApiServer(options)
  t.after(() => api.stop())
  if (uid !== '') api.put(kubeSystem(uid))
  api.put(namespace('shop'), service('web'), slice('web-1', 'web', ['10.0.0.1']))
  const snapshot = { file: `${temporaryFolder(t)}/snapshot`, maxAge: day }
  const source = { kind: 'kubeconfig', file: api.kubeconfig(), context: '' } as const
  const first = createClusterHarness(t, source, { snapshot })
  await first.synced()
  await first.stop()
  api.kill()
  const harness = createClusterHarness(t, source, { snapshot })
  await harness.synced()
  assert.equal(harness.view.restored, true)
  const states: Restored['states'] = []
  const note = () => {
    const { synced, restored } = harness.view
    states.push({ synced, restored, services: serviceNames(harness), addresses: addressesOf(harness, 'web') })
  }
  harness.subscribe('observers', { sync: note, service: note })
  return { api, harness, states, file: snapshot.file }
}

/** Another cluster: a Service of the same name has other endpoints. */
function makeAnew(api: ApiServer, uid: string): void {
  api.delete('Namespace', '', 'kube-system')
  if (uid !== '') api.put(kubeSystem(uid))
  api.put(service('new'), slice('web-1', 'web', ['10.9.9.9']))
}

const listed = ({ view }: ClusterHarness) => until(() => assert.deepEqual([view.synced, view.restored], [true, false]))

/** The question for the UID of kube-system. */
const isQuestion = ({ query }: { query: URLSearchParams }) => query.has('fieldSelector')

describe('a cluster that was made anew', { concurrency: true }, () => {
  for (const transport of ['h2', 'http'] as const) {
    test(`nothing of the old cluster is left when the first list of the new one is read (${transport})`, async (t) => {
      const { api, harness, states } = await startFromSnapshot(t, 'uid-old', { transport })
      makeAnew(api, 'uid-new')
      // The list of slices comes last: between the two the Service of the new must not have the endpoints of the old.
      const late = api.fault({ on: 'any', resource: 'endpointslices', times: 10_000, respond: { status: 500 } })
      await api.restart()
      await until(() => assert.deepEqual(serviceNames(harness), ['new', 'web']))
      assert.equal(harness.view.synced, false)
      assert.deepEqual(addressesOf(harness, 'web'), [])
      late.remove()
      await listed(harness)
      assert.deepEqual(addressesOf(harness, 'web'), ['10.9.9.9'])
      const mixed = states.filter(
        ({ services, addresses }) => services.includes('new') && addresses.includes('10.0.0.1'),
      )
      assert.deepEqual(mixed, [])
      const empty = states.findIndex(({ services }) => services.length === 0)
      assert.ok(empty >= 0, 'the old was gone before the new came')
      assert.ok(states.slice(empty).every(({ restored }) => !restored))
      assert.match(harness.lines.join('\n'), /\[WARNING\] the snapshot .* belongs to another cluster .*: it is dropped/)
      assert.doesNotMatch(harness.lines.join('\n'), /no longer used/)
      assert.match(await harness.metrics.text(), /^slicedns_snapshot_dropped_total 1$/m)
    })
  }

  test('a cluster that has no Namespace kube-system yet is a new one', async (t) => {
    const { api, harness } = await startFromSnapshot(t, 'uid-old')
    makeAnew(api, '')
    await api.restart()
    await listed(harness)
    assert.match(harness.lines.join('\n'), /belongs to another cluster/)
  })

  test('a new cluster has its UID in the snapshot, also where the Namespace comes after the first list', async (t) => {
    const { api, harness, file } = await startFromSnapshot(t, 'uid-old')
    makeAnew(api, '')
    await api.restart()
    await listed(harness)
    api.put(kubeSystem('uid-new'))
    await harness.stop()
    const { facts } = parseHeader(readFileSync(file).subarray(0, headerLength), file)
    assert.equal(facts.uid, 'uid-new')
  })

  test('an API server that refuses for a moment after its start is asked again for the UID', async (t) => {
    const { api, harness, file } = await startFromSnapshot(t, 'uid-old')
    makeAnew(api, 'uid-new')
    api.fault({ on: 'list', when: isQuestion, times: 1, respond: { status: 403, reason: 'Forbidden' } })
    await api.restart()
    await listed(harness)
    await harness.stop()
    const { facts } = parseHeader(readFileSync(file).subarray(0, headerLength), file)
    assert.equal(facts.uid, 'uid-new')
  })
})

// Each waits for the connection to try again.
describe('a server that goes on with its snapshot', { concurrency: true }, () => {
  test('a cluster that is the same takes the snapshot over as it is', async (t) => {
    const { api, harness, states } = await startFromSnapshot(t, 'uid-old')
    await api.restart()
    await listed(harness)
    assert.ok(states.every(({ synced, services }) => synced && services.length === 1))
    assert.match(harness.lines.join('\n'), /no longer used/)
  })

  const silent: readonly { readonly what: string; readonly respond: Fault['respond'] }[] = [
    { what: 'the right to list namespaces is missing', respond: { status: 403, reason: 'Forbidden' } },
    { what: 'the server does not know field selectors', respond: { status: 400, reason: 'BadRequest' } },
    {
      what: 'a proxy answers {}',
      respond: { octets: Buffer.from('{}'), contentType: 'application/json' },
    },
    {
      what: 'the answer is cut short',
      respond: {
        octets: Buffer.from('{"kind":"NamespaceList","metadata":{"resourceVer'),
        contentType: 'application/json',
      },
    },
    {
      what: 'the UID is longer than any',
      respond: {
        octets: Buffer.from(
          JSON.stringify({
            kind: 'NamespaceList',
            metadata: { resourceVersion: '7' },
            items: [{ metadata: { name: 'kube-system', uid: 'x'.repeat(8000) } }],
          }),
        ),
        contentType: 'application/json',
      },
    },
  ]
  for (const { what, respond } of silent) {
    test(`${what}: each resource leaves the snapshot with its list, as without a UID`, async (t) => {
      const { api, harness } = await startFromSnapshot(t, 'uid-old')
      makeAnew(api, 'uid-new')
      api.fault({ on: 'list', resource: 'namespaces', when: isQuestion, times: 10_000, respond })
      await api.restart()
      await listed(harness)
      assert.doesNotMatch(harness.lines.join('\n'), /another cluster/)
    })
  }

  test('a server in trouble is asked again, and nothing of it is taken before it has said who it is', async (t) => {
    const { api, harness } = await startFromSnapshot(t, 'uid-old')
    makeAnew(api, 'uid-new')
    const asked = () => api.requests.filter(isQuestion).length
    const before = asked()
    const failing = api.fault({ on: 'list', when: isQuestion, times: 10_000, respond: { status: 503 } })
    await api.restart()
    await until(() => assert.ok(asked() - before >= 3))
    assert.deepEqual(serviceNames(harness), ['web'])
    failing.remove()
    await listed(harness)
    assert.match(harness.lines.join('\n'), /belongs to another cluster/)
  })

  test('a snapshot without a UID, because the API server had no such namespace, is of any cluster', async (t) => {
    const { api, harness } = await startFromSnapshot(t, '')
    api.put(kubeSystem('uid-new'))
    await api.restart()
    await listed(harness)
    assert.doesNotMatch(harness.lines.join('\n'), /another cluster/)
  })
})
