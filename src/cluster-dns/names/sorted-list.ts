/** Sorted lists of thousands, into which one value at a time is inserted. */

type Compare<T> = (a: T, b: T) => number

export const byText: Compare<string> = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

/** The index where the value is, or would be inserted. */
function indexOf<T>(list: readonly T[], value: T, compare: Compare<T>): number {
  let from = 0
  let to = list.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (compare(list[middle]!, value) < 0) from = middle + 1
    else to = middle
  }
  return from
}

/** Does nothing when the list has an equal value. */
export function insert<T>(list: T[], value: T, compare: Compare<T>): void {
  const index = indexOf(list, value, compare)
  if (index === list.length || compare(list[index]!, value) !== 0) list.splice(index, 0, value)
}

export function remove<T>(list: T[], value: T, compare: Compare<T>): void {
  const index = indexOf(list, value, compare)
  if (index < list.length && compare(list[index]!, value) === 0) list.splice(index, 1)
}
