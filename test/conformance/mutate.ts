/** Random changes of objects in a few places, so that changes meet: drawn from a seed, the same ones for the same seed. */
import type { KubernetesObject } from './objects.ts'
import {
  addressesOf,
  families,
  randomImport,
  randomImportedSlice,
  randomPod,
  randomService,
  randomServiceName,
  randomSlice,
  serviceLabel,
} from './random-objects.ts'
import type { Random } from './random-source.ts'

export interface Change {
  /** `put`: in place where the API lets it. `anew`: deleted and created, whatever the API lets. */
  readonly how: 'put' | 'anew' | 'remove'
  readonly object: KubernetesObject
}

export type Objects = ReadonlyMap<string, KubernetesObject>

export const keyOf = ({ kind, metadata: { namespace = '', name } }: KubernetesObject): string =>
  `${kind} ${namespace}/${name}`

/** What happens to clusters, by how often it does here. None of them where it has nothing to happen to. */
const kinds: readonly (readonly [weight: number, change: (random: Random, objects: Objects) => Change[]])[] = [
  [12, anyObject],
  [3, movedEndpoints],
  [2, readiness],
  [2, otherShape],
  [2, otherFamilies],
  [2, renamedPort],
  [1, otherService],
  [1, otherLabels],
  [1, namespaces],
]

export function randomChange(random: Random, objects: Objects): Change[] {
  let draw = random.below(kinds.reduce((sum, [weight]) => sum + weight, 0))
  for (const [weight, change] of kinds) {
    draw -= weight
    if (draw < 0) return change(random, objects)
  }
  return []
}

function anyObject(random: Random, objects: Objects): Change[] {
  const makers = [randomService, randomSlice, randomPod, randomImport, randomImportedSlice]
  const object = makers[random.pick([0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 4, 4])]!(random)
  const old = objects.get(keyOf(object))
  return [old && random.chance(0.3) ? { how: 'remove', object: old } : { how: 'put', object }]
}

const ofKind = (objects: Objects, kind: string): KubernetesObject[] =>
  [...objects.values()].filter((object) => object.kind === kind)

const endpointsOf = (slice: KubernetesObject) => slice.endpoints as readonly object[]

/** As a controller packs slices anew: endpoints leave one for another, perhaps of another service. */
function movedEndpoints(random: Random, objects: Objects): Change[] {
  const slices = ofKind(objects, 'EndpointSlice')
  const full = slices.filter((slice) => endpointsOf(slice).length > 0)
  if (full.length === 0) return []
  const from = random.pick(full)
  // CoreDNS is silent about an address that both imported slices and others have (docs/differences.md).
  const alike = (slice: KubernetesObject) =>
    slice.addressType === from.addressType && serviceLabel in labelsOf(slice) === serviceLabel in labelsOf(from)
  const others = slices.filter((slice) => slice !== from && alike(slice))
  if (others.length === 0) return []
  const to = random.pick(others)
  const at = random.below(endpointsOf(from).length)
  const moved = endpointsOf(from).slice(at, at + 1 + random.below(3))
  const arrival: Change = { how: 'put', object: { ...to, endpoints: [...endpointsOf(to), ...moved] } }
  const departure: Change = {
    how: 'put',
    object: { ...from, endpoints: endpointsOf(from).toSpliced(at, moved.length) },
  }
  return random.chance(0.5) ? [arrival, departure] : [departure, arrival]
}

function readiness(random: Random, objects: Objects): Change[] {
  const full = ofKind(objects, 'EndpointSlice').filter((slice) => endpointsOf(slice).length > 0)
  if (full.length === 0) return []
  const slice = random.pick(full)
  const at = random.below(endpointsOf(slice).length)
  const conditions = { ready: random.chance(0.5), serving: random.chance(0.5), terminating: random.chance(0.5) }
  const endpoints = endpointsOf(slice).map((endpoint, place) => (place === at ? { ...endpoint, conditions } : endpoint))
  return [{ how: 'put', object: { ...slice, endpoints } }]
}

/** The same name for another kind of service: headless, with an address, another service's name. */
function otherShape(random: Random, objects: Objects): Change[] {
  const services = ofKind(objects, 'Service')
  if (services.length === 0) return []
  const { metadata } = random.pick(services)
  return [{ how: 'anew', object: randomService(random, { namespace: metadata.namespace!, name: metadata.name }) }]
}

/** Single stack to dual stack and back, the first family staying. */
function otherFamilies(random: Random, objects: Objects): Change[] {
  const specOf = (service: KubernetesObject) => service.spec as { clusterIP?: string; clusterIPs?: readonly string[] }
  const services = ofKind(objects, 'Service').filter((service) => specOf(service).clusterIPs)
  if (services.length === 0) return []
  const service = random.pick(services)
  const [first, second] = specOf(service).clusterIPs!
  const other = addressesOf(service.metadata).find((address) => address !== first)!
  const clusterIPs = second === undefined ? [first!, other] : [first!]
  const spec = { ...specOf(service), ...families(clusterIPs) }
  return [{ how: 'put', object: { ...service, spec } }]
}

type NamedPorts = readonly { readonly name?: string }[]

/** The service first or its slices first, as controllers come round to it. */
function renamedPort(random: Random, objects: Objects): Change[] {
  const services = ofKind(objects, 'Service').filter((one) =>
    ((one.spec as { ports?: NamedPorts }).ports ?? []).some(({ name }) => name),
  )
  if (services.length === 0) return []
  const service = random.pick(services)
  const spec = service.spec as { ports: NamedPorts }
  const before = random.pick(spec.ports.flatMap(({ name }) => name ?? []))
  const after = `n${random.below(3)}`
  if (spec.ports.some(({ name }) => name === after)) return []
  const renamed = (ports: NamedPorts) => ports.map((port) => (port.name === before ? { ...port, name: after } : port))
  const slices = slicesOf(objects, service).filter((slice) => {
    const ports = slice.ports as NamedPorts
    return ports.some(({ name }) => name === before) && !ports.some(({ name }) => name === after)
  })
  const changes: Change[] = [
    { how: 'put', object: { ...service, spec: { ...spec, ports: renamed(spec.ports) } } },
    ...slices.map((slice): Change => ({ how: 'put', object: { ...slice, ports: renamed(slice.ports as NamedPorts) } })),
  ]
  return random.chance(0.5) ? changes : changes.reverse()
}

const labelsOf = ({ metadata }: KubernetesObject) => (metadata.labels ?? {}) as Readonly<Record<string, string>>

function slicesOf(objects: Objects, { metadata }: KubernetesObject): KubernetesObject[] {
  return ofKind(objects, 'EndpointSlice').filter(
    (slice) => slice.metadata.namespace === metadata.namespace && labelsOf(slice)[serviceLabel] === metadata.name,
  )
}

/** A slice that becomes another service's. */
function otherService(random: Random, objects: Objects): Change[] {
  const slices = ofKind(objects, 'EndpointSlice').filter((slice) => labelsOf(slice)[serviceLabel])
  if (slices.length === 0) return []
  const slice = random.pick(slices)
  const labels = { ...labelsOf(slice), [serviceLabel]: randomServiceName(random) }
  return [{ how: 'put', object: { ...slice, metadata: { ...slice.metadata, labels } } }]
}

/** In and out of what `labels` selects. */
function otherLabels(random: Random, objects: Objects): Change[] {
  const selectable = [...objects.values()].filter(({ kind }) => kind !== 'Namespace' && kind !== 'Pod')
  if (selectable.length === 0) return []
  const object = random.pick(selectable)
  const { tier, ...labels } = labelsOf(object)
  const metadata = { ...object.metadata, labels: tier === undefined ? { ...labels, tier: 'front' } : labels }
  return [{ how: 'put', object: { ...object, metadata } }]
}

/**
 * `temp` goes, with what it has or without, and comes again; `data` and `temp` come into and go out of what
 * `namespace_labels` selects. (Neither is of those that `namespaces` lists.)
 */
function namespaces(random: Random, objects: Objects): Change[] {
  const name = random.pick(['temp', 'temp', 'data'])
  const old = objects.get(`Namespace /${name}`)
  if (old && name === 'temp' && random.chance(0.6)) {
    const inside = [...objects.values()].filter(({ metadata }) => metadata.namespace === name)
    const orphans = random.chance(0.3)
    const emptied = orphans ? [] : inside.map((object): Change => ({ how: 'remove', object }))
    return [...emptied, { how: 'remove', object: old }]
  }
  const labels = old && labelsOf(old).exposed === 'yes' ? {} : { exposed: 'yes' }
  return [{ how: 'put', object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } } }]
}
