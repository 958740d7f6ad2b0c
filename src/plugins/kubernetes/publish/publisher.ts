/**
 * Keeps spaces of the answer table equal to what the chain would answer. Events only mark; a marked service is compiled
 * once however many events it had, in pieces (service-queue.ts), for all spaces at once. The first slice begins with the
 * microtask after the event, so that a single change is in the table before the next packet of the watch is read.
 */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { namedBackends } from '../../../cluster-dns/features/split/split-backends.ts'
import { isKnown } from '../../../cluster-dns/lookup/visibility.ts'
import { isMulticluster } from '../../../cluster-dns/settings.ts'
import { reverseName } from '../../../dns/address.ts'
import type { TableSink } from '../../../plugin/capabilities/compiled-source.ts'
import { type Clock, threadTime } from '../../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../../scheduling/cooperative-scheduler.ts'
import type { MetricsRegistry } from '../../../telemetry/metrics.ts'
import type { AnnotationValidator } from '../annotation-report/validator.ts'
import { type BrowseNames, createBrowseNames } from './browse-names.ts'
import type { ServiceName } from './on-demand-names.ts'
import type { ProgrammingLatency } from './programming-latency.ts'
import { createServiceNames } from './service-names.ts'
import { createServiceQueue, type DirtyService, longCompilation } from './service-queue.ts'
import { createSinks } from './sinks.ts'
import { createSplitIndex } from './split-index.ts'
import { createSplitMetrics } from './split-metrics.ts'

export interface Publisher {
  attach(sink: TableSink): { detach(): void; readonly settled: Promise<void> }
  serviceChanged(namespace: string, name: string): void
  importChanged(namespace: string, name: string): void
  namespaceChanged(name: string): void
  addressChanged(address: Uint8Array): void
  syncChanged(): void
  /** The chain answered this with records. */
  answered(zone: string, name: string, type: number): void
  stop(): void
}

export interface PublisherOptions {
  readonly context: ClusterContext
  readonly clock: Clock
  /** Milliseconds of processor time that this thread has used. */
  readonly threadTime?: () => number
  readonly latency: ProgrammingLatency
  readonly metrics: MetricsRegistry
  /** Validates the annotations of compiled objects. */
  readonly validator?: Pick<AnnotationValidator, 'service' | 'namespace'>
  /** Writes an error to the log. */
  readonly report: (text: string) => void
}

export function createPublisher(options: PublisherOptions): Publisher {
  const { context, clock, latency, metrics, validator, report, threadTime: worked = threadTime } = options
  const { view, settings } = context
  const targets = createSinks(context, report)
  const evictions = metrics
    .counter(
      'slicedns_on_demand_evictions_total',
      'Names compiled on demand that left the answer table because their number or their octets reached the bound.',
      [],
    )
    .with()
  const names = createServiceNames(context, targets.sink, {
    report,
    later: (name) => dirtyNames.add(name),
    evicted: (count) => evictions.inc(count),
  })
  const splits = createSplitIndex()
  const splitMetrics = createSplitMetrics(context, metrics)
  const wake = (): void => work.wake()
  const browse = settings.dnsSd
    ? createBrowseNames(context, {
        publish: names.compileName,
        remove: targets.sink.remove,
        worked,
        after: clock.after,
        wake,
      })
    : undefined
  const services = createServiceQueue({ compile: compileService, clock, threadTime: worked, wake })
  const dirtyNames = new Set<string>()
  const dirtyNamespaces = new Set<string>()
  /** Admitted names pause until then after a long compilation. */
  let namesPausedUntil = Number.NEGATIVE_INFINITY
  /** The rest of the work while everything is being published. */
  let bulk: Iterator<() => void> | undefined
  /** Namespaces that have names in the tables. */
  const namespaces = new Set<string>()
  let isPublished = false
  const work = createCooperativeScheduler(clock).task(step, targets.declareZones)

  /** Whether all resources that the zone's names come from have been listed. */
  const isReadZone = (zone: string): boolean =>
    view.synced && (!isMulticluster(settings, zone) || isKnown(view, 'serviceimports'))

  /** Does one piece of work: changes first, then the rest of `bulk`. False when nothing is left. */
  function step(): boolean {
    if (services.step() || stepNames()) return true
    if (bulk === undefined && browse?.step()) return true
    // After their services, because a namespace's node denies every name below it that is not in the table.
    for (const namespace of dirtyNamespaces) {
      if (services.isPending(namespace)) continue
      dirtyNamespaces.delete(namespace)
      compileNamespace(namespace)
      return true
    }
    return bulk !== undefined && !services.isListing && stepBulk(bulk)
  }

  function stepNames(): boolean {
    if (clock.now() < namesPausedUntil) return false
    for (const name of dirtyNames) {
      dirtyNames.delete(name)
      // The name may have been evicted since.
      if (names.isAdmitted(name)) compileAdmitted(name)
      return true
    }
    return false
  }

  function compileAdmitted(name: string): void {
    const start = worked()
    markWhole(names.compileAdmitted(name))
    const cost = worked() - start
    if (cost <= longCompilation) return
    namesPausedUntil = clock.now() + cost
    clock.after(cost, wake)
  }

  function stepBulk(left: Iterator<() => void>): boolean {
    const next = left.next()
    if (!next.done) {
      next.value()
      return true
    }
    bulk = undefined
    targets.complete(new Set(settings.zones.filter(isReadZone)))
    return false
  }

  function* everything(): Iterator<() => void> {
    for (const { namespace, name } of [...view.services()]) {
      yield () => services.mark({ imported: false, namespace, name, whole: true, listed: true })
    }
    for (const { namespace, name } of [...view.serviceImports()]) {
      yield () => services.mark({ imported: true, namespace, name, whole: true, listed: true })
    }
    for (const name of [...names.admittedNames()]) yield () => compileAdmitted(name)
    for (const { name } of [...view.namespaces()]) yield () => compileNamespace(name)
    for (const zone of settings.zones) yield () => names.compileFixed(zone)
    yield names.compileAliasZones
    if (browse) yield* allBrowseNames(browse)
  }

  function* allBrowseNames({ namespaceChanged, step }: BrowseNames): Iterable<() => void> {
    for (const { name } of view.namespaces()) namespaceChanged(name)
    let more = true
    while (more) {
      yield () => {
        more = step()
      }
    }
  }

  function* compileService(service: DirtyService): Generator<void> {
    const { imported, namespace, name, whole, listed } = service
    if (!imported) {
      const object = view.service(namespace, name)
      splits.update(service, object ? namedBackends(context, object) : [])
      splitMetrics.update(service)
      validator?.service(namespace, name)
      browse?.serviceChanged(namespace, name)
    }
    markWhole(yield* names.compileService(service, whole))
    if (imported) return
    const slices = view.slices(namespace, name)
    if (listed) latency.alreadyThere(slices)
    else latency.published(view.service(namespace, name), slices)
  }

  function compileNamespace(name: string): void {
    if (view.namespace(name)) namespaces.add(name)
    else namespaces.delete(name)
    names.compileNamespace(name)
    validator?.namespace(name)
  }

  const mark = (service: ServiceName, whole: boolean): void => services.mark({ ...service, whole, listed: false })

  function markWhole(marked: readonly ServiceName[]): void {
    for (const service of marked) mark(service, true)
  }

  /** Events are ignored until the first list is complete, because everything is published then. */
  const isFollowing = (): boolean => view.synced && targets.size() > 0

  function publishEverything(): void {
    isPublished = true
    bulk = everything()
    work.wake()
  }

  /**
   * Removes everything that was published, because the state of the cluster is no longer known. Nothing is denied from
   * then on.
   */
  function unpublish(): void {
    isPublished = false
    bulk = undefined
    services.clear()
    dirtyNames.clear()
    dirtyNamespaces.clear()
    targets.incomplete()
    targets.declareZones()
    browse?.forget(namespaces)
    for (const service of names.forget(namespaces)) {
      splits.update(service, [])
      splitMetrics.update(service)
    }
    namespaces.clear()
    for (const zone of settings.zones) names.compileFixed(zone)
  }

  return {
    attach(table) {
      const target = targets.add(table)
      targets.declareZones()
      if (view.synced) publishEverything()
      else {
        for (const zone of settings.zones) names.compileFixed(zone)
        names.compileAliasZones()
        target.settle()
      }
      return { settled: target.settled, detach: target.remove }
    },
    serviceChanged(namespace, name) {
      if (!isFollowing()) return
      mark({ imported: false, namespace, name }, false)
      markWhole(splits.of({ namespace, name }))
    },
    importChanged(namespace, name) {
      if (isFollowing()) mark({ imported: true, namespace, name }, false)
    },
    namespaceChanged(namespace) {
      if (!isFollowing()) return
      for (const { name } of view.servicesIn(namespace)) mark({ imported: false, namespace, name }, true)
      for (const imported of view.serviceImports()) {
        if (imported.namespace === namespace) mark({ imported: true, namespace, name: imported.name }, true)
      }
      markWhole(splits.ofNamespace(namespace))
      for (const name of names.admittedAcrossNamespaces()) dirtyNames.add(name)
      browse?.namespaceChanged(namespace)
      dirtyNamespaces.add(namespace)
      work.wake()
    },
    addressChanged(address) {
      if (!isFollowing()) return
      const name = reverseName(address)
      if (!names.isAdmitted(name)) return
      dirtyNames.add(name)
      work.wake()
    },
    syncChanged() {
      if (isFollowing()) publishEverything()
      else if (isPublished && !view.synced) unpublish()
    },
    answered(zone, name, type) {
      if (!isFollowing()) return
      const { admitted, displaced } = names.admit(zone, name, type)
      if (!admitted) return
      markWhole(displaced)
      dirtyNames.add(name)
      work.wake()
    },
    stop() {
      work.stop()
      targets.clear()
      splitMetrics.stop()
    },
  }
}
