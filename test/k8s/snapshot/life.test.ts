/** A snapshot from its first write to its end: when it is written and used, and what it never survives. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { ClusterConfig } from '../../../src/k8s/model/config.ts'
import { headerLength, parseHeader } from '../../../src/k8s/snapshot/header.ts'
import { createAuthority } from '../../support/api-server/certificates.ts'
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../support/api-server/index.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'
import { addressesOf, createClusterHarness, namespace, service, serviceNames, slice } from '../harness.ts'
import { temporaryFolder } from './harness.ts'

type After = { after(task: () => unknown): void }

async function serve(t: After, options: ApiServerOptions = {}): Promise<ApiServer> {
  const api = await startApiServer(options)
  t.after(() => api.stop())
  api.put(namespace('shop'), service('web'), slice('web-1', 'web', ['10.0.0.1', '10.0.0.2']))
  return api
}

const sourceOf = (api: ApiServer): ClusterConfig['source'] => ({
  kind: 'kubeconfig',
  file: api.kubeconfig(),
  context: '',
})

const day = 24 * 3600 * 1000
const snapshotIn = (folder: string) => ({ file: join(folder, 'snapshot'), maxAge: day })
const factsOf = (file: string) => parseHeader(readFileSync(file).subarray(0, headerLength), file).facts
const objectsOf = (file: string) => factsOf(file).sections.find(({ resource }) => resource === 'services')?.objects

/** The snapshot that a server has left which ended while it watched this API server. */
async function leaveSnapshot(t: After, api: ApiServer, folder: string, options: Partial<ClusterConfig> = {}) {
  const snapshot = snapshotIn(folder)
  const harness = createClusterHarness(t, sourceOf(api), { snapshot, ...options })
  await harness.synced()
  await harness.stop()
  return snapshot
}

describe('a snapshot is written', () => {
  test('at the end of the server, readable for its user alone, and nothing else is left in the folder', async (t) => {
    const folder = temporaryFolder(t)
    const { file } = await leaveSnapshot(t, await serve(t), folder)
    assert.equal(objectsOf(file), 1)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(folder), ['snapshot'])
  })

  test('a draft that a killed writer has left is removed after a minute', async (t) => {
    const folder = temporaryFolder(t)
    const abandoned = join(folder, 'snapshot.17-0123abcd.tmp')
    const recent = join(folder, 'snapshot.18-0123abcd.tmp')
    for (const path of [abandoned, recent, join(folder, 'snapshot.mine.tmp')]) writeFileSync(path, '')
    utimesSync(abandoned, new Date(0), new Date(0))
    await leaveSnapshot(t, await serve(t), folder)
    await until(() => assert.equal(existsSync(abandoned), false))
    assert.deepEqual(readdirSync(folder).sort(), ['snapshot', 'snapshot.18-0123abcd.tmp', 'snapshot.mine.tmp'])
  })

  test('of two clusters that claim one file, as in a reload, the later one writes', async (t) => {
    const api = await serve(t)
    const snapshot = snapshotIn(temporaryFolder(t))
    const old = createClusterHarness(t, sourceOf(api), { snapshot })
    await old.synced()
    const next = createClusterHarness(t, sourceOf(api), { snapshot, zones: true })
    await next.synced()
    await old.stop()
    await next.stop()
    const ofNext = factsOf(snapshot.file).options
    const alone = await leaveSnapshot(t, api, temporaryFolder(t), { zones: true })
    assert.equal(factsOf(alone.file).options, ofNext)
  })
})

describe('what stands in the place of the file', () => {
  test('a folder there, and a folder that is missing, cost a line in the log and a count; the cluster is read and served', async (t) => {
    const api = await serve(t)
    const folder = temporaryFolder(t)
    const taken = join(folder, 'taken')
    mkdirSync(join(taken, 'full'), { recursive: true })
    for (const [file, says] of [
      [taken, /\[ERROR\] cannot write the snapshot .*taken: EISDIR|ENOTEMPTY|EEXIST/],
      [join(folder, 'missing', 'snapshot'), /\[ERROR\] cannot write the snapshot .*: ENOENT/],
    ] as const) {
      const harness = createClusterHarness(t, sourceOf(api), { snapshot: { file, maxAge: day } })
      await harness.synced()
      await harness.stop()
      assert.match(harness.lines.join('\n'), says)
      assert.equal((await harness.counted('slicedns_snapshot_writes_total'))['result=failed'], 1)
      assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.1', '10.0.0.2'])
    }
    assert.deepEqual(readdirSync(folder), ['taken'], 'no draft is left')
  })

  test('a link and a pipe are replaced by the file, and what the link leads to stays as it is', async (t) => {
    const api = await serve(t)
    const folder = temporaryFolder(t)
    const { file } = snapshotIn(folder)
    const target = join(folder, 'target')
    writeFileSync(target, 'not ours')
    for (const place of [() => symlinkSync(target, file), () => execFileSync('mkfifo', [file])]) {
      rmSync(file, { force: true })
      place()
      await leaveSnapshot(t, api, folder)
      assert.equal(objectsOf(file), 1)
    }
    assert.equal(readFileSync(target, 'utf8'), 'not ours')
  })
})

describe('a start without the API server', () => {
  test('a start without the API server has what the server before had, says so, and is ready', async (t) => {
    const api = await serve(t)
    const snapshot = await leaveSnapshot(t, api, temporaryFolder(t))
    const source = sourceOf(api)
    api.kill()
    const harness = createClusterHarness(t, source, { snapshot })
    await harness.synced()
    assert.equal(harness.view.restored, true)
    assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.1', '10.0.0.2'])
    await until(() => assert.ok((harness.status().snapshot?.age ?? -1) >= 0))
    assert.match(harness.lines.join('\n'), /\[WARNING\].* answered from the snapshot .*, which is \d+ s old/)
    assert.match(await harness.metrics.text(), /^slicedns_snapshot_age_seconds \d/m)
  })

  test('one that accepts connections and says nothing is away too', async (t) => {
    const api = await serve(t)
    const snapshot = await leaveSnapshot(t, api, temporaryFolder(t))
    api.fault({ on: 'any', respond: { stall: true }, times: 1000 })
    const harness = createClusterHarness(t, sourceOf(api), { snapshot })
    await harness.synced()
    assert.equal(harness.view.restored, true)
  })

  test('an object that was deleted meanwhile is gone with the first list, and nothing of the snapshot is left', async (t) => {
    const api = await serve(t)
    api.put(service('gone'), slice('gone-1', 'gone', ['10.0.0.7']))
    const snapshot = await leaveSnapshot(t, api, temporaryFolder(t))
    const source = sourceOf(api)
    api.kill()
    const harness = createClusterHarness(t, source, { snapshot })
    await harness.synced()
    assert.deepEqual(serviceNames(harness), ['gone', 'web'])
    const seen = new Set<string>()
    harness.subscribe('observers', { service: (_, name) => seen.add(name) })
    api.delete('Service', 'shop', 'gone')
    api.delete('EndpointSlice', 'shop', 'gone-1')
    api.put(service('new'))
    await api.restart()
    await until(() => assert.equal(harness.view.restored, false))
    assert.deepEqual(serviceNames(harness), ['new', 'web'])
    assert.deepEqual([...seen].sort(), ['gone', 'new'], 'what did not change is no event')
    assert.doesNotMatch(await harness.metrics.text(), /^slicedns_snapshot_age_seconds \d/m)
    await until(() => assert.match(harness.lines.join('\n'), /the snapshot is no longer used/))
    assert.equal(harness.status().snapshot, undefined)
  })

  test('a resource that has not been listed stays as the snapshot has it', async (t) => {
    const api = await serve(t)
    const snapshot = await leaveSnapshot(t, api, temporaryFolder(t))
    const source = sourceOf(api)
    api.kill()
    const harness = createClusterHarness(t, source, { snapshot })
    await harness.synced()
    const failing = api.fault({ on: 'any', resource: 'endpointslices', times: 10_000, respond: { status: 500 } })
    api.put(service('new'), slice('web-1', 'web', ['10.0.0.3']))
    await api.restart()
    await until(() => assert.deepEqual(serviceNames(harness), ['new', 'web']))
    assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.1', '10.0.0.2'])
    assert.equal(harness.view.restored, true)
    failing.remove()
    await until(() => assert.deepEqual(addressesOf(harness, 'web'), ['10.0.0.3']))
    await until(() => assert.equal(harness.view.restored, false))
  })

  test('one that cannot be used is refused with its reason and a count, and names stay unknown', async (t) => {
    const api = await serve(t)
    const snapshot = await leaveSnapshot(t, api, temporaryFolder(t))
    const source = sourceOf(api)
    api.kill()
    const harness = createClusterHarness(t, source, { snapshot, podNames: true })
    await until(() => assert.match(harness.lines.join('\n'), /no snapshot to start from: .* other options/))
    assert.equal(harness.view.synced, false)
    assert.deepEqual(await harness.counted('slicedns_snapshot_refused_total'), { 'reason=options': 1 })
  })

  test('an API server that is there is asked, and the snapshot is not read', async (t) => {
    const api = await serve(t)
    const snapshot = await leaveSnapshot(t, api, temporaryFolder(t))
    api.put(service('api'))
    // Its time stands still: however slow the machine is, the API server is in time.
    const harness = createClusterHarness(t, sourceOf(api), { snapshot, clock: createFakeClock({ wall: Date.now() }) })
    let wasRestored = false
    harness.subscribe('observers', {
      sync() {
        wasRestored ||= harness.view.restored
      },
    })
    await harness.synced()
    assert.equal(wasRestored, false)
    assert.deepEqual(serviceNames(harness), ['api', 'web'])
  })

  test('a CA that was replaced while the server ran is no other cluster: the snapshot is written for it', async (t) => {
    const api = await serve(t)
    const folder = temporaryFolder(t)
    const harness = createClusterHarness(t, sourceOf(api), { snapshot: snapshotIn(folder) })
    await harness.synced()
    await until(() => assert.equal(existsSync(join(folder, 'snapshot')), true))
    // The next of both: what a rotation leaves in the file for a while.
    writeFileSync(api.caFile, `${readFileSync(api.caFile, 'utf8')}${createAuthority().cert}`)
    const source = sourceOf(api)
    await harness.stop()
    api.kill()
    const next = createClusterHarness(t, source, { snapshot: snapshotIn(folder) })
    await next.synced()
    assert.equal(next.view.restored, true)
  })

  test('another cluster at another place does not get it', async (t) => {
    const api = await serve(t)
    const snapshot = await leaveSnapshot(t, api, temporaryFolder(t))
    const other = await startApiServer()
    t.after(() => other.stop())
    const source = sourceOf(other)
    other.kill()
    const harness = createClusterHarness(t, source, { snapshot })
    await until(() => assert.match(harness.lines.join('\n'), /belongs to another cluster/))
    assert.equal(harness.view.synced, false)
  })
})
