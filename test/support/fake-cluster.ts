/** A cluster without a source: tests put the objects in by hand. */

import { createReducer } from '../../src/k8s/decode/reduce.ts'
import { createAdmission, resourcesOfKind } from '../../src/k8s/manifests/admission.ts'
import { parseManifest } from '../../src/k8s/manifests/parse.ts'
import type { Cluster } from '../../src/k8s/model/cluster.ts'
import { createClusterModel, watchedResources } from '../../src/k8s/model/cluster-model.ts'
import type { ClusterConfig } from '../../src/k8s/model/config.ts'
import type { ResourceStore } from '../../src/k8s/model/resource-store.ts'
import type { Availability, Resource } from '../../src/k8s/model/types.ts'
import { type Clock, systemClock } from '../../src/scheduling/clock.ts'

export type FakeClusterOptions = Partial<Omit<ClusterConfig, 'source'>> & {
  readonly clock?: Clock
  /** Availability of the watched resources to begin with. Default 'synced'. */
  readonly availability?: Availability
}

export interface FakeCluster extends Cluster {
  /**
   * Adds or replaces objects: Kubernetes objects, or the text of a manifest (YAML or JSON, many documents). As from
   * manifests, a Service without ClusterIP gets one and namespaces exist once something is in them. Throws on anything
   * malformed.
   */
  apply(...objects: readonly (object | string)[]): void
  /** Removes an object as a DELETED event does. `namespace` '' for a Namespace. */
  remove(kind: string, namespace: string, name: string): void
  setAvailability(resource: Resource, availability: Availability): void
  /** What is there of the resource comes from a snapshot, until it is `listed`. */
  restored(resource: Resource): void
  listed(resource: Resource): void
  /** The API server is that of another cluster than the snapshot. */
  dropRestored(): void
}

/** Watches every resource unless told otherwise, keeps pod names, zones and annotations below slicedns.io. */
export function createFakeCluster(options: FakeClusterOptions = {}): FakeCluster {
  const config = {
    labels: '',
    namespaceLabels: '',
    endpointSlices: true,
    pods: true,
    serviceImports: true,
    podNames: true,
    podLabels: true,
    zones: true,
    sliceUids: false,
    annotationPrefixes: ['slicedns.io/', 'txt.slicedns.io/'],
    ...options,
  }
  const watched = watchedResources(config)
  const model = createClusterModel(watched, options.clock ?? systemClock, (error) => {
    throw error
  })
  const { view, stores, subscribe, sealSerials, setAvailability, dropRestored } = model
  const reducer = createReducer(config)
  const admission = createAdmission(config, watched, reducer)
  for (const resource of watched) setAvailability(resource, options.availability ?? 'synced')

  return {
    view,
    subscribe,
    sealSerials,
    setAvailability,
    dropRestored,
    restored: (resource) => model.restored(new Map([[resource, 'synced']]), model.serials),
    listed: model.listed,
    keepSnapshot: () => ({ stop: async () => undefined }),
    proveFreshness: () => ({ stop: async () => undefined }),
    status: () => ({ endpoint: 'by hand', connected: true, watches: [] }),
    start() {},
    stop: async () => {},
    apply(...objects) {
      const parsed = objects.flatMap((object) =>
        typeof object === 'string'
          ? parseManifest(object)
          : { kind: String((object as { kind?: unknown }).kind), object: object as Record<string, unknown> },
      )
      const admitted = admission.admit(parsed, (refused, reason) => {
        throw new Error(`${refused.kind}: ${reason}: ${JSON.stringify(refused.object)}`)
      })
      for (const { resource, object, implied } of admitted) {
        // A Namespace that is implied does not take the annotations of one that was put before.
        if (implied && view.namespace(object.name) !== undefined) continue
        ;(stores[resource] as ResourceStore<typeof object>).put(object)
      }
    },
    remove(kind, namespace, name) {
      if (!Object.hasOwn(resourcesOfKind, kind)) throw new Error(`the model does not hold objects of kind ${kind}`)
      for (const resource of resourcesOfKind[kind]) stores[resource].remove(namespace, name)
    },
  }
}
