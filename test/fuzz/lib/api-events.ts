/** What must hold of a watch or a list of the API server, in either encoding. */
import assert from 'node:assert/strict'
import { createStoreUpdater } from '../../../src/k8s/api/store-updater.ts'
import { MalformedObject } from '../../../src/k8s/decode/draft.ts'
import { createReducer, type Reducer } from '../../../src/k8s/decode/reduce.ts'
import type { BodyReader, ListReader, WatchEvent, WireObject } from '../../../src/k8s/decode/wire.ts'
import { canonicalAddress } from '../../../src/k8s/model/address.ts'
import { type ClusterModel, createClusterModel } from '../../../src/k8s/model/cluster-model.ts'
import type { ResourceStore } from '../../../src/k8s/model/resource-store.ts'
import type { EndpointSlice, Reduced, Resource, Service } from '../../../src/k8s/model/types.ts'
import { createObjectEncoder } from '../../../src/k8s/snapshot/encode.ts'
import { frameHeader, frameReader } from '../../../src/k8s/snapshot/frames.ts'
import { createCooperativeScheduler } from '../../../src/scheduling/cooperative-scheduler.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { collectingLog } from '../../support/plugin-harness.ts'

export const resources: readonly Resource[] = [
  'services',
  'endpointslices',
  'namespaces',
  'pods',
  'serviceimports',
  'importedslices',
]

const keep = { annotationPrefixes: ['slicedns.io/'], podNames: true, podLabels: true, zones: true, sliceUids: true }
const clock = createFakeClock()

export interface Encoding {
  watch(reducer: Reducer): BodyReader<WatchEvent>
  list(reducer: Reducer): ListReader
}

/** The first line says what the rest is: `watch services`, `list pods`. */
export function checkBody(encoding: Encoding, input: Uint8Array): void {
  const end = input.indexOf(10)
  const [kind, resource] = Buffer.from(input.subarray(0, Math.max(0, end)))
    .toString('latin1')
    .split(' ')
  const body = Buffer.from(input.subarray(end + 1))
  const of = resources.find((each) => each === resource) ?? 'services'
  const check = kind === 'list' ? checkList : checkWatch
  check(encoding, of, body)
  assert.deepEqual(Object.keys(Object.prototype), [])
  assert.equal(Reflect.ownKeys(Object.prototype).length, ownKeys, 'the prototype of all objects has got another key')
}

const ownKeys = Reflect.ownKeys(Object.prototype).length

function checkWatch(encoding: Encoding, resource: Resource, body: Buffer): void {
  const watched = (chunks: readonly Buffer[]) => {
    const reducer = createReducer(keep)
    return drain(encoding.watch(reducer), chunks, ({ type, object }) => [type, described(object, resource)])
  }
  assert.deepEqual(watched(cut(body)), watched([body]), 'how the octets are cut makes no difference')
  const world = createWorld(resource)
  const apply = () =>
    drain(encoding.watch(createReducer(keep)), [body], ({ type, object }) => {
      if (type === 'DELETED') world.updater.deleted(object)
      else if (type === 'ERROR') object.status()
      else if (type !== 'BOOKMARK') world.updater.changed(object)
      else object.meta()
    })
  apply()
  checkModel(world.model, world.lines)
}

/** The same of the frames of a snapshot. */
export function checkFrames(
  make: (reducer: Reducer) => BodyReader<WireObject>,
  resource: Resource,
  body: Buffer,
): void {
  const read = (chunks: readonly Buffer[]) =>
    drain(make(createReducer(keep)), chunks, (object) => described(object, resource))
  assert.deepEqual(read(cut(body)), read([body]), 'how the octets are cut makes no difference')
  const world = createWorld(resource)
  drain(make(createReducer(keep)), [body], (object) => world.updater.listed(object))
  checkModel(world.model, world.lines)
}

function checkList(encoding: Encoding, resource: Resource, body: Buffer): void {
  const listed = (chunks: readonly Buffer[]) => {
    const reader = encoding.list(createReducer(keep))
    const found = drain(reader, chunks, (object) => described(object, resource))
    return [found, attempt(() => reader.finish())]
  }
  assert.deepEqual(listed(cut(body)), listed([body]), 'how the octets are cut makes no difference')
  const world = createWorld(resource)
  const apply = () => {
    world.updater.beginList()
    drain(encoding.list(createReducer(keep)), [body], (object) => world.updater.listed(object))
    // Time stands still, so it ends at once.
    void world.updater.endList()
  }
  apply()
  checkModel(world.model, world.lines)
  const { changes } = world.model
  const names = [...namesOf(world.model, resource)]
  apply()
  assert.deepEqual([...namesOf(world.model, resource)], names, 'the same list again has the same objects')
  if (new Set(names).size === names.length && !hasTwins(encoding, resource, body))
    assert.equal(world.model.changes, changes, 'the same list again changes nothing')
}

/** An object that a list names twice may change twice. A Namespace is known by its name alone, whatever namespace it claims. */
function hasTwins(encoding: Encoding, resource: Resource, body: Buffer): boolean {
  const names: string[] = []
  drain(encoding.list(createReducer(keep)), [body], (object) => {
    const meta = attempt(() => object.meta())
    if (typeof meta !== 'string') names.push(resource === 'namespaces' ? meta.name : `${meta.namespace}/${meta.name}`)
  })
  return new Set(names).size < names.length
}

const namesOf = ({ stores }: ClusterModel, resource: Resource): string[] =>
  [...(stores[resource] as ResourceStore<Reduced>).all()]
    .map((object) => `${'namespace' in object ? object.namespace : ''}/${object.name}`)
    .sort()

function createWorld(resource: Resource) {
  const lines: string[] = []
  const model = createClusterModel(resources, clock, (error) => {
    throw error
  })
  const store = model.stores[resource] as ResourceStore<Reduced>
  return {
    lines,
    model,
    updater: createStoreUpdater(resource, store, createCooperativeScheduler(clock), collectingLog(lines)),
  }
}

/** Every item until the body is found malformed, which is the last. */
function drain<Item, Found>(
  reader: BodyReader<Item>,
  chunks: readonly Buffer[],
  read: (item: Item) => Found,
): unknown[] {
  const found: unknown[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    const refused = attempt(() => {
      for (let item = reader.next(); item !== undefined; item = reader.next()) found.push(attempt(() => read(item!)))
    })
    if (typeof refused === 'string') return [...found, refused]
  }
  return found
}

/** The value, or the message of a MalformedObject. */
function attempt<T>(work: () => T): T | string {
  try {
    return work()
  } catch (error) {
    assert.ok(error instanceof MalformedObject, String(error))
    assert.ok(error.message.length > 0)
    return error.message
  }
}

function described(object: WireObject, resource: Resource): unknown {
  const meta = attempt(() => object.meta())
  if (typeof meta === 'string') return meta
  const status = attempt(() => object.status())
  const reduced = attempt(() => object.reduce(resource, meta, undefined))
  const copy = structuredClone([meta, status, reduced])
  if (reduced !== undefined && typeof reduced !== 'string') checkReduced(reduced, resource)
  return copy
}

/** In pieces of one to some octets. */
function cut(body: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, size = 1; at < body.length; at += size, size = (size * 5) % 61)
    pieces.push(body.subarray(at, at + size))
  return pieces
}

function checkReduced(reduced: Reduced, resource: Resource): void {
  checkSnapshot(reduced, resource)
  assert.match(reduced.name, /^[a-z0-9.-]{1,253}$/)
  if (resource === 'services') checkService(reduced as Service)
  if (resource === 'endpointslices' || resource === 'importedslices') checkSlice(reduced as EndpointSlice)
}

/** What a snapshot keeps of the object is the object. Lone surrogates have no octets, names of pods and nodes are ASCII. */
function checkSnapshot(reduced: Reduced, resource: Resource): void {
  if (!JSON.stringify(reduced, (_, value) => (ArrayBuffer.isView(value) ? undefined : value)).isWellFormed()) return
  if ('targets' in reduced && /[^\0-\x7f]/.test(reduced.targets)) return
  const octets = createObjectEncoder(resource).encode(reduced).slice()
  const length = Buffer.alloc(frameHeader)
  length.writeUInt32BE(octets.length)
  const wanted = structuredClone(reduced)
  const reader = frameReader(resource, createReducer(keep))
  reader.push(Buffer.concat([length, octets]))
  const object = reader.next()!
  assert.deepEqual(
    structuredClone(object.reduce(resource, object.meta(), undefined)),
    wanted,
    'a snapshot has another object',
  )
}

function checkService({ clusterIPs, ports, headless, type }: Service): void {
  for (const ip of clusterIPs) assert.notEqual(canonicalAddress(ip), undefined, ip)
  for (const { port } of ports) assert.ok(Number.isInteger(port) && port >= -1 && port <= 65_535, `port ${port}`)
  if (headless || type === 'ExternalName') assert.equal(clusterIPs.length, 0)
}

function checkSlice(slice: EndpointSlice): void {
  const size = { IPv4: 4, IPv6: 16, FQDN: 0 }[slice.addressType]
  assert.equal(slice.addresses.length, slice.count * size)
  assert.equal(slice.flags.length, slice.count)
  for (const list of [slice.hostnames, slice.podNames, slice.zones, slice.fqdns])
    assert.ok(list === undefined || list.length === slice.count)
}

/** The indexes are those of a model that gets the same objects at once. */
function checkModel(model: ClusterModel, lines: readonly string[]): void {
  for (const line of lines) assert.ok(line.length < 5_000, `a line of ${line.length} characters`)
  const fresh = createClusterModel(resources, clock, (error) => {
    throw error
  })
  for (const resource of resources)
    for (const object of (model.stores[resource] as ResourceStore<Reduced>).all())
      (fresh.stores[resource] as ResourceStore<Reduced>).put(object)
  assert.deepEqual(indexed(model), indexed(fresh))
}

/** What the indexes say of everything that is in the stores. */
function indexed({ view, stores }: ClusterModel): unknown {
  const slices = [...stores.endpointslices.all()]
  const sorted = (names: Iterable<string>) => [...names].sort()
  return {
    services: sorted([...view.services()].map(({ namespace, name }) => `${namespace}/${name}`)),
    slices: slices
      .map(({ namespace, service }) => sorted(view.slices(namespace, service).map(({ name }) => name)))
      .sort(),
    imported: [...stores.importedslices.all()]
      .map(({ namespace, service }) => sorted(view.importedSlices(namespace, service).map(({ name }) => name)))
      .sort(),
    pods: [...stores.pods.all()]
      .flatMap(({ ips }) => ips.map((ip) => sorted(view.podsByIP(ip).map(({ name }) => name))))
      .sort(),
    clusterIPs: [...view.services()].flatMap(({ clusterIPs }) =>
      clusterIPs.map((ip) => view.serviceByClusterIP(canonicalAddress(ip)!) !== undefined),
    ),
    external: [...view.services()]
      .flatMap(({ externalIPs }) =>
        externalIPs.map((ip) => sorted(view.servicesByExternalIP(canonicalAddress(ip) ?? '').map(({ name }) => name))),
      )
      .sort(),
    endpoints: slices
      .filter(({ addressType, count }) => addressType !== 'FQDN' && count > 0)
      .map((slice) => {
        const address = slice.addresses.subarray(0, slice.addresses.length / slice.count)
        return sorted(
          view
            .endpointsByAddress(address)
            .map(({ slice: { namespace, name }, index }) => `${namespace}/${name} ${index}`),
        )
      })
      .sort(),
  }
}
