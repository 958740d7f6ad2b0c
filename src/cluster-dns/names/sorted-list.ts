/** Lists that are kept in order: of thousands, one is put in or taken out at a time. */

type Compare<T> = (a: T, b: T) => number

export const byText: Compare<string> = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

/** Where the value is, or would be. */
function placeOf<T>(list: readonly T[], value: T, compare: Compare<T>): number {
  let from = 0
  let to = list.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (compare(list[middle]!, value) < 0) from = middle + 1
    else to = middle
  }
  return from
}

/** Does nothing when an equal one is there. */
export function insert<T>(list: T[], value: T, compare: Compare<T>): void {
  const place = placeOf(list, value, compare)
  if (place === list.length || compare(list[place]!, value) !== 0) list.splice(place, 0, value)
}

export function remove<T>(list: T[], value: T, compare: Compare<T>): void {
  const place = placeOf(list, value, compare)
  if (place < list.length && compare(list[place]!, value) === 0) list.splice(place, 1)
}
