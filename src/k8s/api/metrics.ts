/**
 * The metrics of the watches. Clusters of one process share the families: for a resource that two clusters watch, the
 * number of objects is the sum and the age of the watch is the greater one.
 */
import type { Clock } from '../../scheduling/clock.ts'
import type { GaugeCell, MetricsRegistry } from '../../telemetry/metrics.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { Resource } from '../model/types.ts'

/** The metrics of a reflector's watch. */
export interface WatchMeter {
  /** The API server has sent something: an event, a bookmark, part of a list. */
  alive(): void
  /** A list has begun that is not the first. */
  relisted(): void
  failed(reason: string): void
}

export interface ClusterMeter {
  readonly watches: (resource: Resource) => WatchMeter
  /** Seconds since the API server last sent something for the resource; undefined before the first octet. */
  ageOf(resource: Resource): number | undefined
  /** Why the last request for the resource failed, until the API server sends something again. */
  errorOf(resource: Resource): string | undefined
  remove(): void
}

interface Observed {
  readonly model: ClusterModel
  readonly watched: readonly Resource[]
  /** Monotonic milliseconds of the last data received; absent before the first. */
  readonly lastAlive: ReadonlyMap<Resource, number>
}

/** The open clusters, by registry. */
const open = new WeakMap<MetricsRegistry, Set<Observed>>()

export function observeCluster(
  model: ClusterModel,
  watched: readonly Resource[],
  { metrics, clock }: { readonly metrics: MetricsRegistry; readonly clock: Clock },
): ClusterMeter {
  const lastAlive = new Map<Resource, number>()
  const lastError = new Map<Resource, string>()
  const observed: Observed = { model, watched, lastAlive }
  clustersOf(metrics, clock).add(observed)
  const relists = metrics.counter(
    'slicedns_kubernetes_relists_total',
    'Lists of a resource after the first, because a watch could not go on from where it was.',
    ['resource'],
  )
  // Created at once, so that `rate` and `increase` see the first event.
  for (const resource of watched) relists.with(resource)
  const errors = metrics.counter(
    'slicedns_kubernetes_watch_errors_total',
    'Lists and watches that failed, by reason. Each is tried again.',
    ['resource', 'reason'],
  )
  return {
    watches: (resource) => ({
      alive() {
        lastAlive.set(resource, clock.now())
        lastError.delete(resource)
      },
      relisted: () => relists.with(resource).inc(),
      failed(reason) {
        lastError.set(resource, reason)
        errors.with(resource, reason).inc()
      },
    }),
    ageOf(resource) {
      const seen = lastAlive.get(resource)
      return seen === undefined ? undefined : (clock.now() - seen) / 1000
    },
    errorOf: (resource) => lastError.get(resource),
    remove: () => void clustersOf(metrics, clock).delete(observed),
  }
}

function clustersOf(metrics: MetricsRegistry, clock: Clock): Set<Observed> {
  const known = open.get(metrics)
  if (known !== undefined) return known
  const clusters = new Set<Observed>()
  open.set(metrics, clusters)
  const ages = metrics.gauge(
    'slicedns_watch_age_seconds',
    'Seconds since the API server last sent something on the watch of a resource. It sends a bookmark every minute.',
    ['resource'],
  )
  const objects = metrics.gauge('slicedns_kubernetes_objects', 'Objects of a resource that are known.', ['resource'])
  const shown = new Set<Resource>()
  metrics.onCollect(() => {
    const age = new Map<Resource, number>()
    const count = new Map<Resource, number>()
    for (const { model, watched, lastAlive } of clusters) {
      for (const resource of watched) {
        count.set(resource, (count.get(resource) ?? 0) + model.stores[resource].size)
        const seen = lastAlive.get(resource)
        if (seen !== undefined) age.set(resource, Math.max(age.get(resource) ?? 0, (clock.now() - seen) / 1000))
      }
    }
    for (const resource of [...shown, ...count.keys()]) {
      shown.add(resource)
      show(objects, resource, count.get(resource))
      show(ages, resource, age.get(resource))
    }
  })
  return clusters
}

function show(
  family: { with(resource: string): GaugeCell; forget(resource: string): void },
  resource: Resource,
  value: number | undefined,
): void {
  if (value === undefined) family.forget(resource)
  else family.with(resource).set(value)
}
