/** Which services answer with records of others: a change of a backend changes the answers of its splits. */
import type { ServiceName } from './on-demand-names.ts'

export interface SplitIndex {
  /** `others`: the services that this one refers to, whether or not they exist; [] for one that was deleted. */
  update(service: NamespacedName, others: readonly NamespacedName[]): void
  /** The services that refer to this one. */
  of(service: NamespacedName): readonly ServiceName[]
  /** The services that refer to one of the namespace. */
  ofNamespace(namespace: string): readonly ServiceName[]
}

export interface NamespacedName {
  readonly namespace: string
  readonly name: string
}

const none: readonly ServiceName[] = []

/** Bounded by the size of the annotations. */
export function createSplitIndex(): SplitIndex {
  /** By namespace, then name. */
  const dependents = new Map<string, Map<string, Set<string>>>()
  const namedBy = new Map<string, readonly NamespacedName[]>()
  const names = new Map<string, ServiceName>()

  function forget(key: string): void {
    for (const { namespace, name } of namedBy.get(key) ?? []) {
      const inNamespace = dependents.get(namespace)!
      const keys = inNamespace.get(name)!
      keys.delete(key)
      if (keys.size === 0) inNamespace.delete(name)
      if (inNamespace.size === 0) dependents.delete(namespace)
    }
    namedBy.delete(key)
    names.delete(key)
  }

  function remember(key: string, { namespace, name }: NamespacedName): void {
    const inNamespace = dependents.get(namespace) ?? new Map<string, Set<string>>()
    dependents.set(namespace, inNamespace)
    inNamespace.set(name, (inNamespace.get(name) ?? new Set()).add(key))
  }

  const namesOf = (keys: Iterable<string>): ServiceName[] => [...keys].map((key) => names.get(key)!)

  return {
    update({ namespace, name }, others) {
      const key = `${namespace}/${name}`
      const distinct = [...new Map(others.map((other) => [`${other.namespace}/${other.name}`, other])).values()]
      if (distinct.length === 0 && !namedBy.has(key)) return
      forget(key)
      if (distinct.length === 0) return
      namedBy.set(key, distinct)
      names.set(key, { imported: false, namespace, name })
      for (const other of distinct) remember(key, other)
    },
    of: ({ namespace, name }) => {
      const keys = dependents.get(namespace)?.get(name)
      return keys ? namesOf(keys) : none
    },
    ofNamespace: (namespace) => {
      const inNamespace = dependents.get(namespace)
      return inNamespace ? namesOf(new Set([...inNamespace.values()].flatMap((keys) => [...keys]))) : none
    },
  }
}
