/** A map with several values per key. Nearly every key has one value, which is then stored without an array. */
export interface Multimap<Value extends object> {
  get(key: string): readonly Value[]
  add(key: string, value: Value): void
  remove(key: string, value: Value): void
  readonly size: number
}

export function createMultimap<Value extends object>(): Multimap<Value> {
  const map = new Map<string, Value | readonly Value[]>()
  const none: readonly Value[] = Object.freeze([])
  const get = (key: string): readonly Value[] => {
    const found = map.get(key)
    if (found === undefined) return none
    return Array.isArray(found) ? found : [found as Value]
  }
  return {
    get,
    add(key, value) {
      const found = map.get(key)
      map.set(key, found === undefined ? value : [...get(key), value])
    },
    remove(key, value) {
      const left = get(key).filter((other) => other !== value)
      if (left.length === 0) map.delete(key)
      else map.set(key, left.length === 1 ? left[0] : left)
    },
    get size() {
      return map.size
    },
  }
}
