/**
 * Keeps spaces of the answer table equal to what the chain would answer. Events only mark; a marked service is compiled
 * once per slice of work however many events it had, for all spaces at once. The first slice begins with the microtask
 * after the event, so that a single change is in the table before the next packet of the watch is read.
 */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { namedBackends } from '../../../cluster-dns/features/split/split-backends.ts'
import { isKnown } from '../../../cluster-dns/lookup/visibility.ts'
import { isMulticluster } from '../../../cluster-dns/settings.ts'
import { reverseName } from '../../../dns/address.ts'
import type { TableSink } from '../../../plugin/capabilities/compiled-source.ts'
import { type Clock, threadTime } from '../../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../../scheduling/cooperative-scheduler.ts'
import type { AnnotationValidator } from '../annotation-report/validator.ts'
import { type BrowseNames, createBrowseNames } from './browse-names.ts'
import { type ServiceName, serviceKey } from './on-demand-names.ts'
import type { ProgrammingLatency } from './programming-latency.ts'
import { createServiceNames } from './service-names.ts'
import { createSinks } from './sinks.ts'
import { createSplitIndex } from './split-index.ts'

export interface Publisher {
  attach(sink: TableSink): { detach(): void; readonly settled: Promise<void> }
  serviceChanged(namespace: string, name: string): void
  importChanged(namespace: string, name: string): void
  namespaceChanged(name: string): void
  addressChanged(address: Uint8Array): void
  syncChanged(): void
  /** The chain has answered this with records. */
  answered(zone: string, name: string, type: number): void
  stop(): void
}

interface DirtyService extends ServiceName {
  /** Also where nothing but its slices changed. */
  readonly whole: boolean
}

/**
 * A compilation of more processor time than this (ms) is one of thousands of endpoints: the service then rests for as
 * long. The clock would not do: on a machine that is short of processors any service could take long, and be put off.
 */
const longCompilation = 1

export interface PublisherOptions {
  readonly context: ClusterContext
  readonly clock: Clock
  /** Milliseconds of processor time that this thread has had. */
  readonly threadTime?: () => number
  readonly latency: ProgrammingLatency
  /** Receives what was compiled. */
  readonly validator?: Pick<AnnotationValidator, 'service' | 'namespace'>
  /** Writes an error to the log. */
  readonly report: (text: string) => void
}

export function createPublisher(options: PublisherOptions): Publisher {
  const { context, clock, latency, validator, report, threadTime: worked = threadTime } = options
  const { view, settings } = context
  const targets = createSinks(context, report)
  const names = createServiceNames(context, targets.sink, { report, later: (name) => dirtyNames.add(name) })
  const dependents = createSplitIndex()
  const { after } = clock
  const browse = settings.dnsSd
    ? createBrowseNames(context, { publish: names.compileName, worked, after, wake: () => work.wake() })
    : undefined
  const dirtyServices = new Map<string, DirtyService>()
  const dirtyNames = new Set<string>()
  const dirtyNamespaces = new Set<string>()
  /** Services that rest after a compile, with their changes since then. */
  const resting = new Map<string, DirtyService | undefined>()
  /** What is left to do while everything is being published. */
  let bulk: Iterator<() => void> | undefined
  const work = createCooperativeScheduler(clock).task(step, targets.declareZones)

  /** All that the zone's names come from has been read. */
  const isReadZone = (zone: string): boolean =>
    view.synced && (!isMulticluster(settings, zone) || isKnown(view, 'serviceimports'))

  /** One piece of work: changes first, then what is left of everything. False when nothing is left. */
  function step(): boolean {
    for (const [key, dirty] of dirtyServices) {
      dirtyServices.delete(key)
      compileDirty(key, dirty)
      return true
    }
    for (const name of dirtyNames) {
      dirtyNames.delete(name)
      // The name may have been evicted since.
      if (names.isUsed(name)) names.compileAdmitted(name)
      return true
    }
    if (bulk === undefined && browse?.step()) return true
    // After their services: a namespace's node says that every name below it is in the table.
    for (const namespace of dirtyNamespaces) {
      dirtyNamespaces.delete(namespace)
      compileNamespace(namespace)
      return true
    }
    return bulk !== undefined && stepBulk(bulk)
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
      yield () => {
        compileService({ imported: false, namespace, name, whole: true })
        latency.alreadyThere(view.slices(namespace, name))
      }
    }
    for (const { namespace, name } of [...view.serviceImports()]) {
      yield () => names.compileService({ imported: true, namespace, name }, true)
    }
    for (const name of [...names.usedNames()]) yield () => names.compileAdmitted(name)
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

  function compileService(service: DirtyService): readonly ServiceName[] {
    const { imported, namespace, name, whole } = service
    const object = imported ? undefined : view.service(namespace, name)
    if (!imported) dependents.follow(service, object ? namedBackends(context, object) : [])
    if (!imported) validator?.service(namespace, name)
    if (!imported) browse?.serviceChanged(namespace, name)
    return names.compileService(service, whole)
  }

  function compileNamespace(name: string): void {
    names.compileNamespace(name)
    validator?.namespace(name)
  }

  function compileDirty(key: string, dirty: DirtyService): void {
    const { imported, namespace, name } = dirty
    const start = worked()
    for (const other of compileService(dirty)) mark({ ...other, whole: false })
    if (!imported) latency.published(view.service(namespace, name), view.slices(namespace, name))
    const cost = worked() - start
    if (cost <= longCompilation) return
    resting.set(key, undefined)
    clock.after(cost, () => {
      const again = resting.get(key)
      resting.delete(key)
      if (again) mark(again)
    })
  }

  function mark(dirty: DirtyService): void {
    const key = serviceKey(dirty)
    const marked = resting.has(key) ? resting : dirtyServices
    marked.set(key, { ...dirty, whole: dirty.whole || (marked.get(key)?.whole ?? false) })
    if (marked === dirtyServices) work.wake()
  }

  /** Until the first list is complete events are passed over: then everything is published at once. */
  const isFollowing = (): boolean => view.synced && targets.size() > 0

  function publishEverything(): void {
    bulk = everything()
    work.wake()
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
      mark({ imported: false, namespace, name, whole: false })
      for (const split of dependents.of({ namespace, name })) mark({ ...split, whole: true })
    },
    importChanged(namespace, name) {
      if (isFollowing()) mark({ imported: true, namespace, name, whole: false })
    },
    namespaceChanged(namespace) {
      if (!isFollowing()) return
      for (const { name } of view.servicesIn(namespace)) mark({ imported: false, namespace, name, whole: true })
      for (const imported of view.serviceImports()) {
        if (imported.namespace === namespace) mark({ imported: true, namespace, name: imported.name, whole: true })
      }
      for (const split of dependents.ofNamespace(namespace)) mark({ ...split, whole: true })
      for (const name of names.usedAcrossNamespaces()) dirtyNames.add(name)
      browse?.namespaceChanged(namespace)
      dirtyNamespaces.add(namespace)
      work.wake()
    },
    addressChanged(address) {
      if (!isFollowing()) return
      const name = reverseName(address)
      if (!names.isUsed(name)) return
      dirtyNames.add(name)
      work.wake()
    },
    syncChanged() {
      if (isFollowing()) publishEverything()
    },
    answered(zone, name, type) {
      if (!isFollowing()) return
      const { used, displaced } = names.use(zone, name, type)
      if (!used) return
      for (const service of displaced) mark({ ...service, whole: true })
      dirtyNames.add(name)
      work.wake()
    },
    stop() {
      work.stop()
      targets.clear()
    },
  }
}
