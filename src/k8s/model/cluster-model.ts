/**
 * The model of a cluster: the stores of its resources, the indexes over them, and the feed of their changes. A writer (a
 * reflector, the manifests, a test) puts and removes reduced objects; indexes and serials are updated, then the subscribers
 * are called (event-feed.ts), all before `put` returns.
 */
import type { Clock } from '../../scheduling/clock.ts'
import { canonicalAddress } from './address.ts'
import { type Annotated, type AnnotationBudget, createAnnotationBudget } from './annotation-budget.ts'
import { sameNamespace, samePod, samePorts, sameService, sameServiceImport, sameSlice, sameTexts } from './compare.ts'
import type { ClusterConfig } from './config.ts'
import { createEventFeed, type Subscribe } from './event-feed.ts'
import { createMultimap } from './multimap.ts'
import { createResourceStore, type Named, type ResourceStore, type StoreOptions } from './resource-store.ts'
import { endpointsChanged, importedSliceCounts, serviceCounts, serviceExternalsCount } from './serial.ts'
import { createSliceIndex } from './slice-index.ts'
import type {
  Availability,
  ClusterView,
  EndpointSlice,
  Namespace,
  Pod,
  ReducedOf,
  Resource,
  Service,
  ServiceImport,
} from './types.ts'

export type Stores = { readonly [R in Resource]: ResourceStore<ReducedOf[R]> }

export interface ClusterModel {
  readonly view: ClusterView
  readonly stores: Stores
  readonly subscribe: Subscribe
  sealSerials(): void
  setAvailability(resource: Resource, availability: Availability): void
  /** The resource has been listed: it is synced, and contains nothing from a snapshot. */
  listed(resource: Resource): void
  /**
   * A snapshot's objects of these resources have been restored into their stores: the resources become available as they were.
   * The serials are those of the snapshot, because nothing has changed since.
   */
  restored(resources: ReadonlyMap<Resource, RestoredAvailability>, serials: Serials): void
  /**
   * The snapshot belongs to another cluster: removes the rest of it at once; its resources are unknown until they are listed.
   */
  dropRestored(): void
  readonly serials: Readonly<Serials>
  /** Annotations omitted because of the budget. A source reads them again once they fit. */
  readonly annotations: Pick<AnnotationBudget, 'fitting' | 'isFitting' | 'onRoom'>
  /** Number of changes so far of any object's reduced form. */
  readonly changes: number
}

export type RestoredAvailability = Extract<Availability, 'synced' | 'forbidden'>

/** SOA serials: see ClusterView. */
export interface Serials {
  cluster: number
  multicluster: number
  external: number
}

/** `watched`: the resources that have a source; others are off. `report` gets exceptions of subscribers. */
export function createClusterModel(
  watched: readonly Resource[],
  clock: Clock,
  report: (error: unknown) => void,
): ClusterModel {
  const availability = new Map<Resource, Availability>(watched.map((resource) => [resource, 'pending']))
  const serials: Serials = { cluster: 0, multicluster: 0, external: 0 }
  /** Resources whose objects come from a snapshot, or did when their list began. */
  const unlisted = new Set<Resource>()
  let changes = 0
  const clusterIPs = createMultimap<Service>()
  const externalIPs = createMultimap<Service>()
  const podIPs = createMultimap<Pod>()
  const slices = createSliceIndex()
  const imported = createSliceIndex()

  /** Serials with which a secondary has a zone. */
  const sealed = new Set<keyof Serials>()
  const touch = (serial: keyof Serials, counts: boolean): void => {
    const wasSealed = sealed.delete(serial)
    if (!counts && !wasSealed) return
    serials[serial] = Math.max(Math.floor(clock.wall() / 1000), serials[serial] + (wasSealed ? 1 : 0))
  }

  const serviceChanged = (before: Service | undefined, after: Service | undefined): void => {
    const gained = new Set(after?.clusterIPs.map(indexed))
    const lost = new Set(before?.clusterIPs.map(indexed))
    for (const ip of lost) clusterIPs.remove(ip, before!)
    for (const ip of gained) clusterIPs.add(ip, after!)
    for (const ip of externalIPsOf(before)) externalIPs.remove(ip, before!)
    for (const ip of externalIPsOf(after)) externalIPs.add(ip, after!)
    touch('cluster', serviceCounts(before, after))
    touch('external', serviceExternalsCount(before, after))
    const { namespace, name } = (after ?? before)!
    feed.deliver((subscriber) => subscriber.service?.(namespace, name))
  }

  const sliceChanged = (before: EndpointSlice | undefined, after: EndpointSlice | undefined): void => {
    const addresses = slices.replace(before, after)
    touch('cluster', endpointsChanged(before, after))
    // A slice moved to another service: the new service first, so that a shared endpoint is never missing.
    if (after !== undefined) feed.deliver((subscriber) => subscriber.service?.(after.namespace, after.service))
    if (before !== undefined && before.service !== after?.service) {
      feed.deliver((subscriber) => subscriber.service?.(before.namespace, before.service))
    }
    if (!synced || !feed.hasSubscribers('address')) return
    for (const address of addresses()) feed.deliver((subscriber) => subscriber.address?.(address))
  }

  const importedSliceChanged = (before: EndpointSlice | undefined, after: EndpointSlice | undefined): void => {
    imported.replace(before, after)
    touch('multicluster', importedSliceCounts(before, after))
    if (after !== undefined) feed.deliver((subscriber) => subscriber.serviceImport?.(after.namespace, after.service))
    if (before !== undefined && before.service !== after?.service) {
      feed.deliver((subscriber) => subscriber.serviceImport?.(before.namespace, before.service))
    }
  }

  const podChanged = (before: Pod | undefined, after: Pod | undefined): void => {
    for (const ip of before?.ips ?? []) podIPs.remove(ip, before!)
    for (const ip of after?.ips ?? []) podIPs.add(ip, after!)
    // CoreDNS counts new, removed or moved addresses, but not a requested deletion (docs/coredns-behaviour.md §4.6).
    touch('cluster', !sameTexts(before?.ips, after?.ips))
  }

  const importChanged = (before: ServiceImport | undefined, after: ServiceImport | undefined): void => {
    touch('multicluster', before !== undefined && after !== undefined && !samePorts(before.ports, after.ports))
    const { namespace, name } = (after ?? before)!
    feed.deliver((subscriber) => subscriber.serviceImport?.(namespace, name))
  }

  const namespaceChanged = (before: Namespace | undefined, after: Namespace | undefined): void => {
    // Services come and go with their namespace; CoreDNS does not count the namespace itself.
    for (const serial of ['cluster', 'multicluster', 'external'] as const) touch(serial, false)
    feed.deliver((subscriber) => subscriber.namespace?.((after ?? before)!.name))
  }

  /** Counts every change, whatever it leads to. */
  const counted =
    <T>(changed: (before: T | undefined, after: T | undefined) => void): typeof changed =>
    (before, after) => {
      changes++
      changed(before, after)
    }

  const budget = createAnnotationBudget()
  const annotated = <T extends Annotated>(
    resource: Resource,
    changed: (before: T | undefined, after: T | undefined) => void,
  ): Pick<StoreOptions<T>, 'admit' | 'changed'> => ({
    admit: budget.admit,
    changed: counted((before, after) => {
      budget.replaced(resource, before, after)
      changed(before, after)
    }),
  })

  const stores: Stores = {
    services: createResourceStore({ same: sameService, ...annotated('services', serviceChanged) }),
    endpointslices: createResourceStore({ same: sameSlice, ...annotated('endpointslices', sliceChanged) }),
    namespaces: createResourceStore({ same: sameNamespace, ...annotated('namespaces', namespaceChanged) }),
    pods: createResourceStore({ same: samePod, changed: counted(podChanged) }),
    serviceimports: createResourceStore({ same: sameServiceImport, changed: counted(importChanged) }),
    importedslices: createResourceStore({ same: sameSlice, ...annotated('importedslices', importedSliceChanged) }),
  }

  const isSynced = (): boolean =>
    availability.get('services') === 'synced' &&
    availability.get('namespaces') === 'synced' &&
    [...availability].every(([resource, state]) => ofClusterSet.has(resource) || state !== 'pending')

  let synced = isSynced()

  const view: ClusterView = {
    service: stores.services.get,
    services: stores.services.all,
    servicesIn: stores.services.in,
    slices: slices.of,
    allSlices: stores.endpointslices.all,
    namespace: (name) => stores.namespaces.get('', name),
    namespaces: stores.namespaces.all,
    hasPod: (namespace, ip) => podIPs.get(ip).some((pod) => pod.namespace === namespace),
    podsByIP: podIPs.get,
    serviceImport: stores.serviceimports.get,
    serviceImports: stores.serviceimports.all,
    importedSlices: imported.of,
    // If two claim one address the later event is right: the API server frees an address before it assigns it again.
    serviceByClusterIP: (ip) => clusterIPs.get(ip).at(-1),
    servicesByExternalIP: externalIPs.get,
    endpointsByAddress: slices.endpoints,
    availability: (resource) => availability.get(resource) ?? 'off',
    get synced() {
      return synced
    },
    get restored() {
      return unlisted.size > 0
    },
    get serial() {
      return serials.cluster
    },
    get multiclusterSerial() {
      return serials.multicluster
    },
    get externalSerial() {
      return serials.external
    },
  }

  const feed = createEventFeed(view, report)

  /** One event for all of them, also when something else has become known (`always`). */
  const setAvailabilities = (states: ReadonlyMap<Resource, Availability>, always = false): void => {
    const changed = [...states].filter(([resource, state]) => (availability.get(resource) ?? state) !== state)
    for (const [resource, state] of changed) availability.set(resource, state)
    if (changed.length === 0 && !always) return
    synced = isSynced()
    feed.deliver((subscriber) => subscriber.sync?.())
  }

  return {
    view,
    stores,
    subscribe: feed.subscribe,
    sealSerials() {
      for (const serial of ['cluster', 'multicluster', 'external'] as const) sealed.add(serial)
    },
    setAvailability: (resource, state) => setAvailabilities(new Map([[resource, state]])),
    listed(resource) {
      const wasRestored = unlisted.delete(resource)
      const isLast = wasRestored && unlisted.size === 0
      setAvailabilities(new Map([[resource, 'synced']]), isLast)
    },
    restored(resources, { cluster, multicluster, external }) {
      for (const resource of resources.keys()) unlisted.add(resource)
      Object.assign(serials, { cluster, multicluster, external })
      setAvailabilities(resources, true)
    },
    dropRestored() {
      const dropped = [...unlisted]
      unlisted.clear()
      for (const resource of dropped) availability.set(resource, 'pending')
      // First nothing may be denied any more; only then are the objects removed.
      synced = isSynced()
      for (const resource of dropped) {
        if (resource === 'endpointslices') slices.clear()
        if (resource === 'importedslices') imported.clear()
        const store = stores[resource] as ResourceStore<Named>
        for (const { namespace = '', name } of [...store.all()]) store.remove(namespace, name)
      }
      feed.deliver((subscriber) => subscriber.sync?.())
    },
    get serials() {
      return serials
    },
    annotations: budget,
    get changes() {
      return changes
    },
  }
}

/** Exports of other clusters. Names of this cluster never wait for them. */
const ofClusterSet: ReadonlySet<Resource> = new Set(['serviceimports', 'importedslices'])

/** The resources that a configuration watches. */
export function watchedResources(
  config: Pick<ClusterConfig, 'endpointSlices' | 'pods' | 'serviceImports'>,
): Resource[] {
  const watched: Resource[] = ['services', 'namespaces']
  if (config.endpointSlices) watched.push('endpointslices')
  if (config.pods) watched.push('pods')
  if (config.serviceImports) watched.push('serviceimports', 'importedslices')
  return watched
}

/** The addresses, each once, without the load balancers' host names. */
function externalIPsOf(service: Service | undefined): Set<string> {
  const texts = service ? [...service.externalIPs, ...service.ingress.map(({ ip }) => ip)] : []
  return new Set(texts.flatMap((text) => canonicalAddress(text) ?? []))
}

/** A ClusterIP's key in the index: its text is valid (reduce.ts) and nearly always canonical. */
function indexed(ip: string): string {
  return canonicalAddress(ip) ?? ip
}
