/** What was true when: the values that something had, each from the moment when it was set. */

export interface Timeline<T> {
  set(value: T, at: number): void
  readonly latest: T
  /** The values at any moment from `from` to `to`. */
  within(from: number, to: number): readonly T[]
  /** How long before `at` it was so last; 0: at `at` or since. Undefined: never, as far as is remembered. */
  ageOf(value: T, at: number): number | undefined
  /** Forgets what ended before `at`. */
  forget(at: number): void
}

export function createTimeline<T>(first: T, at: number): Timeline<T> {
  let entries = [{ at, value: first }]
  return {
    set: (value, at) => void entries.push({ at, value }),
    get latest() {
      return entries.at(-1)!.value
    },
    within(from, to) {
      const begun = entries.filter((entry) => entry.at <= to)
      const last = begun.findLastIndex((entry) => entry.at <= from)
      return begun.slice(Math.max(0, last)).map(({ value }) => value)
    },
    ageOf(value, at) {
      const last = entries.findLastIndex((entry) => entry.value === value)
      if (last < 0) return undefined
      return Math.max(0, at - (entries[last + 1]?.at ?? at))
    },
    forget(at) {
      const last = entries.findLastIndex((entry) => entry.at <= at)
      if (last > 0) entries = entries.slice(last)
    },
  }
}
