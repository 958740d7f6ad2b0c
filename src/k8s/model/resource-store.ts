/**
 * The objects of one resource, by namespace and name. It reports what changed in the reduced form and nothing else, and
 * takes a list by mark and sweep: what is served stays served until the whole list has arrived.
 */
export interface ResourceStore<T extends Named> {
  get(namespace: string, name: string): T | undefined
  all(): Iterable<T>
  in(namespace: string): Iterable<T>
  /** Keeps `object` unless it equals what is there. */
  put(object: T): void
  remove(namespace: string, name: string): void
  /**
   * Puts what a snapshot has, and returns true, unless an object of this name is there. A list that is under way has not named
   * it: it goes with `sweep`.
   */
  restore(object: T): boolean
  /** A list begins: objects that are not put until `sweep` are gone. A list that began before is forgotten. */
  mark(): void
  /** The list is complete: removes what it did not have. Returns true when done, false when `enough` said to pause. */
  sweep(enough: () => boolean): boolean
  readonly size: number
}

export interface Named {
  /** Absent for what has no namespace. */
  readonly namespace?: string
  readonly name: string
}

export interface StoreOptions<T> {
  /** The object as it is kept in place of `before`. Default: as it is. */
  readonly admit?: (before: T | undefined, object: T) => T
  readonly same: (a: T, b: T) => boolean
  /** Called after the store changed; both are never undefined together. */
  readonly changed: (before: T | undefined, after: T | undefined) => void
}

export function createResourceStore<T extends Named>({ admit, same, changed }: StoreOptions<T>): ResourceStore<T> {
  const namespaces = new Map<string, Map<string, T>>()
  /** While a list runs: objects that it has not named yet. */
  let unconfirmed: Set<T> | undefined
  let size = 0

  const get = (namespace: string, name: string) => namespaces.get(namespace)?.get(name)

  const remove = (namespace: string, name: string): void => {
    const objects = namespaces.get(namespace)
    const before = objects?.get(name)
    if (objects === undefined || before === undefined) return
    objects.delete(name)
    if (objects.size === 0) namespaces.delete(namespace)
    size--
    unconfirmed?.delete(before)
    changed(before, undefined)
  }

  function* all(): Iterable<T> {
    for (const objects of namespaces.values()) yield* objects.values()
  }

  const put = (given: T): void => {
    const namespace = given.namespace ?? ''
    let objects = namespaces.get(namespace)
    const before = objects?.get(given.name)
    if (before !== undefined) unconfirmed?.delete(before)
    if (before === given) return
    const object = admit ? admit(before, given) : given
    if (before !== undefined && same(before, object)) return
    if (objects === undefined) {
      objects = new Map()
      namespaces.set(namespace, objects)
    }
    objects.set(object.name, object)
    if (before === undefined) size++
    changed(before, object)
  }

  return {
    get,
    all,
    in: (namespace) => namespaces.get(namespace)?.values() ?? [],
    put,
    remove,
    restore(object) {
      if (get(object.namespace ?? '', object.name) !== undefined) return false
      unconfirmed?.add(object)
      put(object)
      return true
    },
    mark() {
      unconfirmed = new Set(all())
    },
    sweep(enough) {
      for (const object of unconfirmed ?? []) {
        remove(object.namespace ?? '', object.name)
        if (enough()) return false
      }
      unconfirmed = undefined
      return true
    },
    get size() {
      return size
    },
  }
}
