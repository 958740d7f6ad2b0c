/**
 * Publishes the names for browsing services (RFC 6763). Those of a namespace change when a service starts or stops to
 * offer a type. A namespace may have thousands of services, so each name is compiled once for many changes, and after a
 * long compilation it pauses for as long.
 */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { typesOf } from '../../../cluster-dns/features/dns-sd/browsing.ts'
import { namespaceName } from '../../../cluster-dns/names/cluster-name.ts'
import { isMulticluster, isReverseZone } from '../../../cluster-dns/settings.ts'

export interface BrowseNames {
  /** Call it when the service's types may have changed. */
  serviceChanged(namespace: string, name: string): void
  /** Marks all names of the namespace for compilation. */
  namespaceChanged(namespace: string): void
  /** Removes all names of these namespaces from the table. */
  forget(namespaces: Iterable<string>): void
  /** Compiles one name; false when no name is left. */
  step(): boolean
}

export interface BrowseOptions {
  readonly publish: (zone: string, name: string) => void
  readonly remove: (name: string) => void
  /** Milliseconds of processor time that this thread has used. */
  readonly worked: () => number
  /** Runs the task after so many milliseconds. */
  readonly after: (milliseconds: number, task: () => void) => void
  /** Called when there is work again. */
  readonly wake: () => void
}

/** Milliseconds: a compilation that takes longer is one of thousands of instances. */
const longCompilation = 1

/** The names of every namespace, whatever services it has. */
const fixedLabels = ['_udp', '_dns-sd._udp', 'b._dns-sd._udp', 'lb._dns-sd._udp', '_services._dns-sd._udp']

export function createBrowseNames(context: ClusterContext, options: BrowseOptions): BrowseNames {
  const { settings, view } = context
  const zones = settings.zones.filter((zone) => !isReverseZone(zone) && !isMulticluster(settings, zone))
  /** Names that are to be compiled, with their zones. */
  const dirty = new Map<string, string>()
  const resting = new Set<string>()
  /** The types that each service last offered, by namespace. */
  const offers = new Map<string, Map<string, readonly string[]>>()

  function mark(namespace: string, labels: Iterable<string>): void {
    for (const zone of zones) {
      for (const label of labels) dirty.set(`${label}.${namespaceName(namespace, 'svc', zone)}`, zone)
    }
  }

  /** The names for all types that the namespace's services offer. */
  function labelsOf(namespace: string): string[] {
    const types = new Set([...(offers.get(namespace)?.values() ?? [])].flat())
    return [...fixedLabels, ...namesOf(types)]
  }

  function compile(name: string, zone: string): void {
    const start = options.worked()
    options.publish(zone, name)
    const cost = options.worked() - start
    if (cost <= longCompilation) return
    resting.add(name)
    options.after(cost, () => {
      resting.delete(name)
      if (dirty.has(name)) options.wake()
    })
  }

  function updateOffers(namespace: string, name: string): void {
    const known = offers.get(namespace) ?? new Map<string, readonly string[]>()
    const before = known.get(name) ?? []
    const now = typesOf(context, view.service(namespace, name))
    if (now.length > 0) offers.set(namespace, known.set(name, now))
    else known.delete(name)
    if (known.size === 0) offers.delete(namespace)
    const changed = [...before, ...now].filter((type) => before.includes(type) !== now.includes(type))
    if (changed.length > 0) mark(namespace, namesOf(changed))
  }

  return {
    serviceChanged: updateOffers,
    namespaceChanged: (namespace) => mark(namespace, labelsOf(namespace)),
    forget(namespaces) {
      for (const namespace of namespaces) {
        const labels = labelsOf(namespace)
        for (const zone of zones) {
          for (const label of labels) options.remove(`${label}.${namespaceName(namespace, 'svc', zone)}`)
        }
      }
      dirty.clear()
      offers.clear()
    },
    step() {
      for (const [name, zone] of dirty) {
        if (resting.has(name)) continue
        dirty.delete(name)
        compile(name, zone)
        return true
      }
      return false
    },
  }
}

/** The names whose answers depend on these types. */
function namesOf(types: Iterable<string>): Set<string> {
  const names = new Set(['_services._dns-sd._udp'])
  for (const type of types) names.add(type).add(type.slice(type.lastIndexOf('._') + 1))
  return names
}
