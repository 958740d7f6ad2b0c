/**
 * The objects of one resource, by namespace and name. It reports only changes of the reduced form, and takes a list by mark
 * and sweep: objects stay served until the whole list has arrived.
 */
export interface ResourceStore<T extends Named> {
  get(namespace: string, name: string): T | undefined
  all(): Iterable<T>
  in(namespace: string): Iterable<T>
  /** Stores `object` unless it equals the stored one. */
  put(object: T): void
  remove(namespace: string, name: string): void
  /**
   * Stores an object from a snapshot and returns true, unless one with this name exists. A list in progress has not confirmed
   * it, so `sweep` removes it.
   */
  restore(object: T): boolean
  /** A list begins: objects not put before `sweep` are removed then. Discards a list begun earlier. */
  mark(): void
  /** The list is complete: removes what it did not contain. True when done, false when `enough` requested a pause. */
  sweep(enough: () => boolean): boolean
  readonly size: number
}

export interface Named {
  /** Absent for resources without namespaces. */
  readonly namespace?: string
  readonly name: string
}

export interface StoreOptions<T> {
  /** The object to store instead of `before`. Default: unchanged. */
  readonly admit?: (before: T | undefined, object: T) => T
  readonly same: (a: T, b: T) => boolean
  /** Called after a change; never with both undefined. */
  readonly changed: (before: T | undefined, after: T | undefined) => void
}

export function createResourceStore<T extends Named>({ admit, same, changed }: StoreOptions<T>): ResourceStore<T> {
  const namespaces = new Map<string, Map<string, T>>()
  /** During a list: objects that it has not confirmed yet. */
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
