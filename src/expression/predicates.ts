/** Functions that apply a predicate to each element of an array: `any(list, # == name())`. */
import {
  asArray,
  asBoolean,
  asNumber,
  EvaluationError,
  type Run,
  type Scope,
  spend,
  type Type,
  type Value,
} from './value.ts'

export interface PredicateFunction {
  /** Whether the predicate must be true or false; else it may be anything. */
  readonly condition: boolean
  /** Whether the predicate may be left out. */
  readonly optional?: true
  /** Whether one more argument may follow the predicate. */
  readonly extra?: true
  readonly result: Type
  apply(items: readonly Value[], each: Each, extra: Value | undefined): Value
}

/** The predicate's value for one element. */
export type Each = (element: Value, index: number, accumulator?: Value) => Value

const holds = (each: Each) => (item: Value, i: number) => asBoolean(each(item, i))

/** Nil where no element fits, as in expr-lang. */
function firstIndex(items: readonly Value[], each: Each): number | null {
  const index = items.findIndex(holds(each))
  return index < 0 ? null : index
}

function lastIndex(items: readonly Value[], each: Each): number | null {
  for (let i = items.length - 1; i >= 0; i--) if (asBoolean(each(items[i], i))) return i
  return null
}

function reduce(items: readonly Value[], each: Each, initial: Value | undefined): Value {
  if (initial === undefined && items.length === 0)
    throw new EvaluationError('reduce of an empty array has no initial value')
  let accumulator = initial === undefined ? items[0] : initial
  for (let i = initial === undefined ? 1 : 0; i < items.length; i++) accumulator = each(items[i], i, accumulator)
  return accumulator
}

function sortBy(items: readonly Value[], each: Each, order: Value | undefined): Value {
  const keyed = items.map((item, i) => ({ item, key: each(item, i) }))
  const sign = order === 'desc' ? -1 : 1
  keyed.sort((a, b) => {
    if (typeof a.key === 'string' && typeof b.key === 'string')
      return a.key === b.key ? 0 : a.key < b.key ? -sign : sign
    return sign * (asNumber(a.key) - asNumber(b.key))
  })
  return keyed.map(({ item }) => item)
}

export const predicateFunctions: Readonly<Record<string, PredicateFunction>> = {
  all: { condition: true, result: 'bool', apply: (items, each) => items.every(holds(each)) },
  any: { condition: true, result: 'bool', apply: (items, each) => items.some(holds(each)) },
  none: { condition: true, result: 'bool', apply: (items, each) => !items.some(holds(each)) },
  one: { condition: true, result: 'bool', apply: (items, each) => items.filter(holds(each)).length === 1 },
  filter: { condition: true, result: 'array', apply: (items, each) => items.filter(holds(each)) },
  map: { condition: false, result: 'array', apply: (items, each) => items.map((item, i) => each(item, i)) },
  count: { condition: true, optional: true, result: 'int', apply: (items, each) => items.filter(holds(each)).length },
  sum: {
    condition: false,
    optional: true,
    result: 'any',
    apply: (items, each) => items.reduce<number>((sum, item, i) => sum + asNumber(each(item, i)), 0),
  },
  find: { condition: true, result: 'any', apply: (items, each) => items.find(holds(each)) ?? null },
  findIndex: { condition: true, result: 'any', apply: firstIndex },
  findLast: { condition: true, result: 'any', apply: (items, each) => items[lastIndex(items, each) ?? -1] ?? null },
  findLastIndex: { condition: true, result: 'any', apply: lastIndex },
  reduce: { condition: false, extra: true, result: 'any', apply: reduce },
  sortBy: { condition: false, optional: true, extra: true, result: 'array', apply: sortBy },
}

/** Runs `predicate` for each element, in a new scope. */
export function applyPredicate<Context>(
  run: Run<Context>,
  { apply }: PredicateFunction,
  array: Value,
  predicate: ((run: Run<Context>) => Value) | undefined,
  extra: Value | undefined,
): Value {
  const scope: Scope = { element: null, index: 0, accumulator: null }
  run.scopes.push(scope)
  try {
    return apply(
      asArray(array),
      (element, index, accumulator = null) => {
        spend(run)
        if (predicate === undefined) return element
        // A nested predicate has pushed its own scope and popped it again.
        scope.element = element
        scope.index = index
        scope.accumulator = accumulator
        return predicate(run)
      },
      extra,
    )
  } finally {
    run.scopes.pop()
  }
}
