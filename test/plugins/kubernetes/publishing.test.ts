/** What is put into the answer table, and when. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseClusterName } from '../../../src/cluster-dns/names/cluster-name.ts'
import type { ClusterDnsSettings } from '../../../src/cluster-dns/settings.ts'
import { type as dnsType } from '../../../src/dns/codes.ts'
import { followIndexes } from '../../../src/plugins/kubernetes/indexes.ts'
import { createOnDemandNames } from '../../../src/plugins/kubernetes/publish/on-demand-names.ts'
import { createPublisher, type Publisher } from '../../../src/plugins/kubernetes/publish/publisher.ts'
import type { Clock } from '../../../src/scheduling/clock.ts'
import { createTable } from '../../../src/table/index.ts'
import type { NodeSpec, ZoneSpec } from '../../../src/table/spec.ts'
import type { MetricsRegistry } from '../../../src/telemetry/metrics.ts'
import { createMetrics } from '../../../src/telemetry/registry.ts'
import { createNotation } from '../../support/cluster-notation.ts'
import { knowledgeOf } from '../../support/context.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeCluster, type FakeCluster } from '../../support/fake-cluster.ts'
import { dnsSettings } from '../../support/shared-cluster.ts'
import { has } from '../../support/table.ts'

const settings = dnsSettings({ zones: ['cluster.local.', 'in-addr.arpa.'] })

/** A space of the table that remembers what was done to it. */
function createSpace() {
  const nodes = new Map<string, NodeSpec>()
  const zones = new Map<string, ZoneSpec>()
  const puts: string[] = []
  return {
    nodes,
    zones,
    puts,
    zone: (spec: ZoneSpec) => void zones.set(spec.zone, spec),
    put(name: string, node: NodeSpec) {
      nodes.set(name, node)
      puts.push(name)
    },
    remove: (name: string) => void nodes.delete(name),
  }
}

interface Opened {
  readonly cluster: FakeCluster
  readonly publisher: Publisher
  readonly errors: string[]
  readonly metrics: MetricsRegistry
  apply(lines: string): void
}

function createPublisherHarness(
  lines: string,
  options: {
    availability?: 'pending'
    clock?: Clock
    threadTime?: () => number
    settings?: Partial<ClusterDnsSettings>
  } = {},
): Opened {
  const cluster = createFakeCluster({ pods: false, serviceImports: false, ...options })
  const notation = createNotation(cluster)
  notation.apply(lines)
  const errors: string[] = []
  const metrics = createMetrics()
  const context = knowledgeOf(cluster.view, { ...settings, ...options.settings })
  followIndexes(cluster, context)
  const publisher = createPublisher({
    context,
    // By default time stands still: work is never cut into slices, however slow the machine is.
    clock: options.clock ?? createFakeClock(),
    threadTime: options.threadTime ?? (() => 0),
    latency: { published() {}, alreadyThere() {} },
    metrics,
    report: (text) => void errors.push(text),
  })
  cluster.subscribe('publishing', {
    service: publisher.serviceChanged,
    namespace: publisher.namespaceChanged,
    address: publisher.addressChanged,
    sync: publisher.syncChanged,
  })
  return { cluster, publisher, errors, metrics, apply: notation.apply }
}

const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const web = 'web.testns.svc.cluster.local.'
const hdls = 'hdls.testns.svc.cluster.local.'

describe('a space that is attached', () => {
  test('a space that is attached has every service, its ports and addresses when it has settled, and may then deny the rest', async () => {
    const { publisher } = createPublisherHarness('service web testns 10.3.0.1\nservice ext testns external example.com')
    const space = createSpace()
    await publisher.attach(space).settled
    assert.deepEqual([...space.nodes.keys()].filter((name) => name.includes('testns') || name.includes('10')).sort(), [
      '1.0.3.10.in-addr.arpa.',
      `_http._tcp.${web}`,
      'ext.testns.svc.cluster.local.',
      'testns.svc.cluster.local.',
      web,
    ])
    assert.equal(space.zones.get('cluster.local.')!.open, false)
  })

  test('a space that is attached settles at once, open, while the cluster has not been read', async () => {
    const { publisher, cluster } = createPublisherHarness('service web testns 10.3.0.1', { availability: 'pending' })
    const space = createSpace()
    await publisher.attach(space).settled
    assert.equal(space.zones.get('cluster.local.')!.open, true)
    assert.equal(space.nodes.has(web), false)
    for (const resource of ['services', 'namespaces', 'endpointslices'] as const) {
      assert.equal(space.zones.get('cluster.local.')!.open, true)
      cluster.setAvailability(resource, 'synced')
    }
    await idle()
    assert.equal(space.zones.get('cluster.local.')!.open, false)
    assert.equal(space.nodes.has(web), true)
  })

  test('a space that is attached stays open until the last service is in it', async () => {
    const { publisher } = createPublisherHarness('service web testns 10.3.0.1')
    const space = createSpace()
    let openWhenPut: boolean | undefined
    const watching = {
      ...space,
      put(name: string, node: NodeSpec) {
        if (name === web) openWhenPut = space.zones.get('cluster.local.')!.open
        space.put(name, node)
      },
    }
    await publisher.attach(watching).settled
    assert.equal(openWhenPut, true)
  })

  test('a space that is attached gets the same as one attached before it, names in use included', async () => {
    const { publisher } = createPublisherHarness('service hdls testns headless\nendpoint hdls testns 172.0.0.2 ready')
    const first = createSpace()
    await publisher.attach(first).settled
    publisher.answered('cluster.local.', `172-0-0-2.${hdls}`, dnsType.A)
    await idle()
    const second = createSpace()
    await publisher.attach(second).settled
    assert.deepEqual([...second.nodes.keys()].sort(), [...first.nodes.keys()].sort())
    assert.deepEqual(second.zones, first.zones)
  })

  test('a space that is attached is left alone once it is detached', async () => {
    const { publisher, apply } = createPublisherHarness('service web testns 10.3.0.1')
    const space = createSpace()
    const attached = publisher.attach(space)
    await attached.settled
    attached.detach()
    apply('service api testns 10.3.0.2')
    await idle()
    assert.equal(space.nodes.has('api.testns.svc.cluster.local.'), false)
  })

  test('a space that is attached is kept up without the names that are too long once the zone is added, and without answers that it cannot hold', async () => {
    const label = 'a'.repeat(63)
    const { publisher, apply, errors } = createPublisherHarness(
      `service ${label}${label} testns 10.3.0.3\nservice ${label} ${label} 10.3.0.1 ports ${label}x:TCP:1`,
    )
    const table = createTable({ reserveBytes: 2 ** 22 })
    const space = table.createSpace()
    const blockClass = table.defineProfile(space, {
      server: '',
      zone: '',
      view: '',
      plugin: '',
      shuffle: false,
      maxPayload: 0,
    })
    await publisher.attach({
      zone: (spec) => table.zone(space, spec as ZoneSpec),
      put: (name, node) => table.put(space, blockClass, name, node),
      remove: (name) => table.remove(space, name),
    }).settled
    assert.equal(has(table, space, `${label}.${label}.svc.cluster.local.`), true)
    apply('service api testns 10.3.0.2')
    await idle()
    assert.equal(has(table, space, 'api.testns.svc.cluster.local.'), true)
    assert.deepEqual(errors, [])
  })

  test('a space that is attached is given up, with a line in the log, when it takes no more; others are kept current', async () => {
    const { publisher, apply, errors } = createPublisherHarness('service web testns 10.3.0.1')
    const full = {
      zone() {},
      remove() {},
      put() {
        throw new Error('the table is full')
      },
    }
    const space = createSpace()
    const attached = publisher.attach(full)
    await publisher.attach(space).settled
    await attached.settled
    assert.equal(errors.length, 1)
    assert.match(errors[0], /publishing to the answer table has stopped, .*: the table is full/)
    apply('service api testns 10.3.0.2')
    await idle()
    assert.equal(space.nodes.has('api.testns.svc.cluster.local.'), true)
  })
})

describe('a snapshot of another cluster', () => {
  const resources = ['services', 'namespaces', 'endpointslices'] as const
  const objects = `
    service web testns 10.3.0.1
    annotate service web testns slicedns.io/alias db.corp.example
    service hdls testns headless
    endpoint hdls testns 172.0.0.2 ready hostname pet
    service split testns 10.3.0.3
    annotate service split testns slicedns.io/split web=100`

  const everyName = { settings: { aliasZones: ['corp.example.'], dnsSd: true } }
  /** Those that objects have. */
  const ofObjects = ({ nodes }: ReturnType<typeof createSpace>) =>
    [...nodes.keys()].filter((name) => /testns|db|[0-9]/.test(name)).sort()

  test('a snapshot of another cluster leaves no name in the table, and nothing is denied', async () => {
    const { cluster, publisher } = createPublisherHarness(objects, everyName)
    for (const resource of resources) cluster.restored(resource)
    const space = createSpace()
    await publisher.attach(space).settled
    publisher.answered('cluster.local.', `pet.${hdls}`, dnsType.A)
    publisher.answered('in-addr.arpa.', '2.0.0.172.in-addr.arpa.', dnsType.PTR)
    await idle()
    for (const name of [
      `pet.${hdls}`,
      '2.0.0.172.in-addr.arpa.',
      'db.corp.example.',
      `_tcp.testns.svc.cluster.local.`,
    ]) {
      assert.ok(ofObjects(space).includes(name), `${name}: ${ofObjects(space)}`)
    }
    cluster.dropRestored()
    assert.equal(space.zones.get('cluster.local.')!.open, true)
    assert.deepEqual(ofObjects(space), [])
    assert.equal(
      [...space.nodes.values()].some(({ stale }) => stale),
      false,
    )
    await idle()
    assert.deepEqual(ofObjects(space), [], 'what was under way does not come back')
  })

  test('a snapshot of another cluster that is dropped while it is being published leaves nothing either', async () => {
    const { cluster, publisher } = createPublisherHarness(objects, everyName)
    for (const resource of resources) cluster.restored(resource)
    const space = createSpace()
    void publisher.attach(space)
    await Promise.resolve()
    cluster.dropRestored()
    await idle()
    assert.deepEqual(ofObjects(space), [])
  })

  test('a snapshot of another cluster makes room for the state of this one when that has been listed', async () => {
    const { cluster, publisher, apply } = createPublisherHarness(objects)
    for (const resource of resources) cluster.restored(resource)
    const space = createSpace()
    await publisher.attach(space).settled
    cluster.dropRestored()
    apply('service new testns 10.3.0.9')
    for (const resource of resources) cluster.listed(resource)
    await idle()
    const names = [...space.nodes.keys()].filter((name) => name.endsWith('.testns.svc.cluster.local.'))
    assert.deepEqual(names.sort(), ['_http._tcp.new.testns.svc.cluster.local.', 'new.testns.svc.cluster.local.'])
    assert.equal(space.zones.get('cluster.local.')!.open, false)
  })
})

describe('a change of the cluster', () => {
  test('a change is in the table when the microtasks after it have run', async () => {
    const { publisher, apply } = createPublisherHarness('service hdls testns headless')
    const space = createSpace()
    await publisher.attach(space).settled
    await idle()
    apply('endpoint hdls testns 172.0.0.2 ready')
    await Promise.resolve()
    assert.equal(space.nodes.has(hdls), true)
  })

  test('among a hundred of one service costs one compilation', async () => {
    const { publisher, apply } = createPublisherHarness('service hdls testns headless')
    const space = createSpace()
    await publisher.attach(space).settled
    await idle()
    space.puts.length = 0
    for (let i = 1; i <= 100; i++) apply(`endpoint hdls testns 172.0.0.${i} ready`)
    await idle()
    assert.deepEqual(space.puts, [hdls])
  })

  test('a change of slices costs a ClusterIP service nothing: its answer does not depend on them', async () => {
    const { publisher, apply } = createPublisherHarness('service web testns 10.3.0.1')
    const space = createSpace()
    await publisher.attach(space).settled
    await idle()
    space.puts.length = 0
    apply('endpoint web testns 172.0.0.2 ready')
    await idle()
    assert.deepEqual(space.puts, [])
  })

  test('a change moves the serial of the zones', async () => {
    const clock = createFakeClock({ wall: 1_000_000 })
    const { publisher, apply } = createPublisherHarness('service web testns 10.3.0.1', { clock })
    const space = createSpace()
    await publisher.attach(space).settled
    assert.equal(space.zones.get('cluster.local.')!.soa.serial, 1000)
    clock.advance(1_000_000)
    apply('service api testns 10.3.0.2')
    await idle()
    assert.equal(space.zones.get('cluster.local.')!.soa.serial, 2000)
  })
})

describe('names that are compiled on first use', () => {
  test('an address that a slice of an impossible service has too points to the others', async () => {
    const { publisher, errors } = createPublisherHarness(`
      service hdls testns headless
      endpoint hdls testns 172.0.0.2 ready
      endpoint a..b testns 172.0.0.2 ready`)
    const space = createSpace()
    await publisher.attach(space).settled
    publisher.answered('in-addr.arpa.', '2.0.0.172.in-addr.arpa.', dnsType.PTR)
    await idle()
    assert.deepEqual(errors, [])
    const answer = space.nodes.get('2.0.0.172.in-addr.arpa.')!.answers.get(dnsType.PTR)
    assert.equal(answer?.kind === 'records' && answer.answer.length, 1)
  })

  test('names that are compiled on first use are not in the table before', async () => {
    const { publisher } = createPublisherHarness('service hdls testns headless\nendpoint hdls testns 172.0.0.2 ready')
    const space = createSpace()
    await publisher.attach(space).settled
    assert.equal(space.nodes.has(`172-0-0-2.${hdls}`), false)
    assert.equal(space.nodes.get(hdls)!.answers.get(dnsType.SRV)?.kind, 'chain')
    publisher.answered('cluster.local.', hdls, dnsType.SRV)
    await idle()
    assert.equal(space.nodes.get(hdls)!.answers.get(dnsType.SRV)?.kind, 'services')
  })

  test('names that are compiled on first use are at most 16,384: the one longest in use gives way', async () => {
    const { publisher } = createPublisherHarness('service web testns 10.3.0.1 ports a:TCP:1,b:TCP:2')
    const space = createSpace()
    await publisher.attach(space).settled
    publisher.answered('cluster.local.', `a.tcp.${web}`, dnsType.A)
    await idle()
    assert.equal(space.nodes.has(`a.tcp.${web}`), true)
    for (let i = 0; i < 16_384; i++) {
      const address = `${i & 255}.${i >> 8}.77.10.in-addr.arpa.`
      publisher.answered('in-addr.arpa.', address, dnsType.PTR)
    }
    await idle()
    assert.equal(space.nodes.has(`a.tcp.${web}`), false)
    assert.equal(space.nodes.has(`_a._tcp.${web}`), true)
  })

  test('the name of a service that gives way is there all the time: above it everything else is denied', async () => {
    const { publisher } = createPublisherHarness('service hdls testns headless\nendpoint hdls testns 172.0.0.2 ready')
    const space = createSpace()
    await publisher.attach(space).settled
    publisher.answered('cluster.local.', hdls, dnsType.SRV)
    await idle()
    for (let i = 0; i < 16_384; i++) {
      publisher.answered('in-addr.arpa.', `${i & 255}.${i >> 8}.77.10.in-addr.arpa.`, dnsType.PTR)
      assert.equal(space.nodes.has(hdls), true)
    }
    await idle()
    assert.equal(space.nodes.get(hdls)!.answers.get(dnsType.SRV)?.kind, 'chain')
  })

  test('a question for a name that is compiled anyway changes nothing', async () => {
    const { publisher } = createPublisherHarness('service web testns 10.3.0.1')
    const space = createSpace()
    await publisher.attach(space).settled
    await idle()
    space.puts.length = 0
    publisher.answered('cluster.local.', `_http._tcp.${web}`, dnsType.A)
    publisher.answered('cluster.local.', web, dnsType.A)
    publisher.answered('in-addr.arpa.', '1.0.3.10.in-addr.arpa.', dnsType.PTR)
    await idle()
    assert.deepEqual(space.puts, [])
  })
})

describe('the work of publishing', () => {
  /** A clock that every look at it moves on by a tenth of a slice. */
  const busyClock = () => createFakeClock({ step: 0.1 })

  test('work is done in slices: others have their turn in between', async () => {
    const { publisher } = createPublisherHarness(
      Array.from({ length: 50 }, (_, i) => `service web-${i} testns 10.3.0.${i + 1}`).join('\n'),
      { clock: busyClock() },
    )
    const space = createSpace()
    const { settled } = publisher.attach(space)
    await new Promise(setImmediate)
    assert.ok(space.nodes.size > 0 && space.nodes.size < 100, `${space.nodes.size} after the first slice`)
    await settled
    assert.ok(space.nodes.size > 150)
  })

  test('work on a service that takes long is followed by as long a rest, and then by one compilation', async () => {
    const clock = busyClock()
    let cost = 0
    const { publisher, apply } = createPublisherHarness('service hdls testns headless', {
      clock,
      threadTime: () => (cost += 2),
    })
    const space = createSpace()
    await publisher.attach(space).settled
    apply('endpoint hdls testns 172.0.0.1 ready')
    await idle()
    space.puts.length = 0
    apply('endpoint hdls testns 172.0.0.2 ready')
    apply('endpoint hdls testns 172.0.0.3 ready')
    await idle()
    assert.deepEqual(space.puts, [])
    clock.advance(1_000)
    await idle()
    assert.deepEqual(space.puts, [hdls])
  })

  test('work that had to wait for a processor puts nothing off', async () => {
    const { publisher, apply } = createPublisherHarness('service hdls testns headless', {
      clock: createFakeClock({ step: 50 }),
      threadTime: () => 0,
    })
    const space = createSpace()
    await publisher.attach(space).settled
    apply('endpoint hdls testns 172.0.0.1 ready')
    await idle()
    space.puts.length = 0
    apply('endpoint hdls testns 172.0.0.2 ready')
    await idle()
    assert.deepEqual(space.puts, [hdls])
  })
})

describe('names that are compiled on demand', () => {
  const megabyte = 1024 * 1024
  const endpoint = (name: string) => parseClusterName('cluster.local.', name)

  test('names whose answers take more than 8 MiB make room, those admitted first before the others', () => {
    const names = createOnDemandNames(false, () => [])
    const hosts = Array.from({ length: 12 }, (_, i) => `e${i}.${hdls}`)
    const evicted = hosts.flatMap((name) => [...names.add(endpoint(name), name), ...names.resize(name, megabyte)])
    assert.deepEqual(evicted, hosts.slice(0, 4))
    assert.deepEqual([...names.names()], hosts.slice(4))
    assert.deepEqual(names.resize(hosts[11], 3 * megabyte), hosts.slice(4, 6))
  })

  test('a name that alone takes more than 8 MiB is not kept, and gives its octets back', () => {
    const names = createOnDemandNames(false, () => [])
    const [large, small] = [`large.${hdls}`, `small.${hdls}`]
    names.add(endpoint(large), large)
    assert.deepEqual(names.resize(large, 9 * megabyte), [large])
    names.add(endpoint(small), small)
    assert.deepEqual(names.resize(small, 8 * megabyte), [])
  })

  /** Endpoints 172.0.0.1 to 172.0.0.4 with the hosts a, b, c and none, all of which are in the table. */
  const four = ['a', 'b', 'c', '']
    .map((host, i) => `endpoint hdls testns 172.0.0.${i + 1} ready${host && ` hostname ${host}`}`)
    .join('\n')
  const changes: readonly (readonly [change: string, lines: string, concerned: readonly string[]])[] = [
    ['an endpoint that comes', 'endpoint hdls testns 172.0.0.5 ready hostname e', []],
    ['one that goes from between others', 'remove endpoint hdls testns 172.0.0.2', ['b']],
    ['one that is ready no more', 'endpoint hdls testns 172.0.0.1 notReady hostname a', ['a']],
    ['one with another host name', 'endpoint hdls testns 172.0.0.4 ready hostname c', ['c', '172-0-0-4']],
    ['an endpoint in another slice', 'endpoint hdls testns 172.0.1.1 ready hostname b slice other', ['b']],
    ['ports of the slice', 'slice hdls-ipv4 hdls testns IPv4 ports UDP:53', ['a', 'b', 'c', '172-0-0-4']],
    [
      'an annotation of the slice',
      'annotate slice hdls-ipv4 testns slicedns.io/srv-weight 5',
      ['a', 'b', 'c', '172-0-0-4'],
    ],
    ['the slice', 'remove slice hdls-ipv4 testns', ['a', 'b', 'c', '172-0-0-4']],
  ]

  for (const [change, lines, concerned] of changes) {
    test(`a change compiles the names of the endpoints that it concerns, and no others: ${change}`, async () => {
      const { publisher, apply } = createPublisherHarness(`service hdls testns headless\n${four}`)
      const space = createSpace()
      await publisher.attach(space).settled
      const hosts = ['a', 'b', 'c', '172-0-0-4']
      for (const host of hosts) publisher.answered('cluster.local.', `${host}.${hdls}`, dnsType.A)
      await idle()
      const before = new Map(space.nodes)
      apply(lines)
      await idle()
      const compiled = hosts.filter((host) => space.nodes.get(`${host}.${hdls}`) !== before.get(`${host}.${hdls}`))
      assert.deepEqual(compiled, concerned)
    })
  }

  test('a metric counts the names that make room', async () => {
    const { publisher, metrics } = createPublisherHarness(
      'service hdls testns headless\nendpoint hdls testns 172.0.0.1 ready',
    )
    await publisher.attach(createSpace()).settled
    for (let i = 0; i < 16_390; i++) publisher.answered('cluster.local.', `p${i}._tcp.${hdls}`, dnsType.SRV)
    await idle()
    const text = await metrics.text()
    assert.ok(Number(/^slicedns_on_demand_evictions_total (.*)$/m.exec(text)?.[1] ?? 0) > 0, 'evictions')
  })
})

describe('the count of traffic splits', () => {
  const releases = `service web testns 10.3.0.1
                    service stable testns headless
                    endpoint stable testns 172.0.0.1 ready
                    annotate service web testns slicedns.io/split stable=1`

  async function counted(harness: Opened): Promise<string[]> {
    await idle()
    return (await harness.metrics.text()).match(/^slicedns_splits.*$/gm) ?? []
  }
  const counts = (all: number, bereft: number) => [
    `slicedns_splits ${all}`,
    `slicedns_splits_without_backend ${bereft}`,
  ]

  test('a split counts as one without a backend from the event that takes its last endpoint to the one that brings one back', async () => {
    const harness = createPublisherHarness(releases)
    await harness.publisher.attach(createSpace()).settled
    assert.deepEqual(await counted(harness), counts(1, 0))
    harness.apply('endpoint stable testns 172.0.0.1 notReady')
    assert.deepEqual(await counted(harness), counts(1, 1))
    harness.apply('endpoint stable testns 172.0.0.1 ready')
    assert.deepEqual(await counted(harness), counts(1, 0))
    harness.publisher.stop()
    assert.deepEqual(await counted(harness), counts(0, 0))
  })

  test('a split whose backend terminates has one, and one whose annotation is taken away is no split', async () => {
    const harness = createPublisherHarness(releases)
    await harness.publisher.attach(createSpace()).settled
    harness.apply('annotate service web testns slicedns.io/split gone=1,nothere=0')
    assert.deepEqual(await counted(harness), counts(1, 1))
    harness.apply('annotate service web testns slicedns.io/split web=1')
    assert.deepEqual(await counted(harness), counts(0, 0))
  })
})
