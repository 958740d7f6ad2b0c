/** Functions that every expression may call, as expr-lang has them. Those that take a predicate are in predicates.ts. */
import {
  asArray,
  asInteger,
  asNumber,
  asString,
  EvaluationError,
  isArray,
  isEqual,
  isMap,
  type Type,
  textOf,
  typeOf,
  type Value,
} from './value.ts'

/** `number`: int or float. `sized`: what has a length. */
export type Loose = 'number' | 'sized'

export interface Builtin {
  /** The types of the arguments; further ones are as the last. */
  readonly args: readonly (Type | Loose)[]
  /** The least number of arguments, where some are optional; `many`: any number. */
  readonly min?: number
  readonly many?: true
  readonly result: Type
  call(args: readonly Value[]): Value
}

const text = (call: (value: string) => Value, result: Type = 'string'): Builtin => ({
  args: ['string'],
  result,
  call: ([value]) => call(asString(value)),
})

const texts = (call: (value: string, other: string) => Value, result: Type): Builtin => ({
  args: ['string', 'string'],
  result,
  call: ([value, other]) => call(asString(value), asString(other)),
})

const rounding = (call: (value: number) => number): Builtin => ({
  args: ['number'],
  result: 'float',
  call: ([value]) => call(asNumber(value)),
})

const bits = (call: (left: bigint, right: bigint) => bigint): Builtin => ({
  args: ['int', 'int'],
  result: 'int',
  call: ([left, right]) => Number(BigInt.asIntN(64, call(BigInt(asInteger(left)), BigInt(asInteger(right))))),
})

const list = (call: (items: readonly Value[]) => Value, result: Type): Builtin => ({
  args: ['array'],
  result,
  call: ([items]) => call(asArray(items)),
})

/** Folds numbers, given one by one or in arrays. */
const fold = (call: (numbers: readonly number[]) => number, result: Type): Builtin => ({
  args: ['any'],
  many: true,
  result,
  call(args) {
    const numbers = args.flatMap((arg) => (isArray(arg) ? arg.map(asNumber) : [asNumber(arg)]))
    if (numbers.length === 0) throw new EvaluationError('expected at least one number')
    return call(numbers)
  },
})

const trimmed = (set: string, start: boolean, end: boolean) => (value: string) => {
  let from = 0
  let to = value.length
  while (start && from < to && set.includes(value[from])) from++
  while (end && to > from && set.includes(value[to - 1])) to--
  return value.slice(from, to)
}

/** Go's SplitN: the last part is what is left. */
function split(value: string, separator: string, most: number, keep: boolean): string[] {
  const parts = value.split(separator)
  const limit = most < 0 ? parts.length : most
  if (limit === 0) return []
  const cut = parts.length > limit ? [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)] : parts
  return keep ? cut.map((part, i) => (i < cut.length - 1 ? part + separator : part)) : cut
}

const splitting = (keep: boolean): Builtin => ({
  args: ['string', 'string', 'int'],
  min: 2,
  result: 'array',
  call: ([value, separator, most = -1]) => split(asString(value), asString(separator), asInteger(most), keep),
})

function compare(left: Value, right: Value): number {
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0
  return asNumber(left) - asNumber(right)
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function flatten(items: readonly Value[]): Value[] {
  return items.flatMap((item) => (isArray(item) ? flatten(item) : [item]))
}

function toNumber(value: Value): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
  if (typeof value === 'number') return value
  if (!Number.isFinite(number)) throw new EvaluationError(`'${textOf(value)}' is not a number`)
  return number
}

function toInteger(value: Value): number {
  const number = toNumber(value)
  if (typeof value === 'string' && !Number.isInteger(number)) throw new EvaluationError(`'${value}' is not an integer`)
  return Math.trunc(number)
}

/** Longest text, in characters, that `repeat` and `replace` may make. */
const maxRepeated = 65_536

function repeat(value: string, times: number): string {
  if (times < 0 || value.length * times > maxRepeated)
    throw new EvaluationError(`repeat exceeds ${maxRepeated} characters`)
  return value.repeat(times)
}

const sorted: Builtin = {
  args: ['array', 'string'],
  min: 1,
  result: 'array',
  call([items, order = 'asc']) {
    if (order !== 'asc' && order !== 'desc') throw new EvaluationError(`invalid order '${textOf(order)}'`)
    const result = [...asArray(items)].sort(compare)
    return order === 'desc' ? result.reverse() : result
  },
}

export const builtins: Readonly<Record<string, Builtin>> = {
  len: { args: ['sized'], result: 'int', call: ([value]) => lengthOf(value) },
  type: { args: ['any'], result: 'string', call: ([value]) => typeOf(value) },
  abs: { args: ['number'], result: 'any', call: ([value]) => Math.abs(asNumber(value)) },
  ceil: rounding(Math.ceil),
  floor: rounding(Math.floor),
  round: rounding((value) => Math.sign(value) * Math.round(Math.abs(value))),
  int: { args: ['any'], result: 'int', call: ([value]) => toInteger(value) },
  float: { args: ['any'], result: 'float', call: ([value]) => toNumber(value) },
  string: { args: ['any'], result: 'string', call: ([value]) => textOf(value) },
  upper: text((value) => value.toUpperCase()),
  lower: text((value) => value.toLowerCase()),
  trim: {
    args: ['string', 'string'],
    min: 1,
    result: 'string',
    call: ([value, set]) => trimmed(set === undefined ? ' \t\n\v\f\r' : asString(set), true, true)(asString(value)),
  },
  trimPrefix: texts((value, prefix) => (value.startsWith(prefix) ? value.slice(prefix.length) : value), 'string'),
  trimSuffix: texts(
    (value, suffix) => (value.endsWith(suffix) ? value.slice(0, value.length - suffix.length) : value),
    'string',
  ),
  split: splitting(false),
  splitAfter: splitting(true),
  replace: {
    args: ['string', 'string', 'string', 'int'],
    min: 3,
    result: 'string',
    call: ([value, old, by, most = -1]) => replaced(asString(value), asString(old), asString(by), asInteger(most)),
  },
  repeat: {
    args: ['string', 'int'],
    result: 'string',
    call: ([value, times]) => repeat(asString(value), asInteger(times)),
  },
  join: {
    args: ['array', 'string'],
    min: 1,
    result: 'string',
    call: ([items, separator = '']) => asArray(items).map(asString).join(asString(separator)),
  },
  indexOf: texts((value, part) => value.indexOf(part), 'int'),
  lastIndexOf: texts((value, part) => value.lastIndexOf(part), 'int'),
  hasPrefix: texts((value, prefix) => value.startsWith(prefix), 'bool'),
  hasSuffix: texts((value, suffix) => value.endsWith(suffix), 'bool'),
  max: fold((numbers) => Math.max(...numbers), 'any'),
  min: fold((numbers) => Math.min(...numbers), 'any'),
  mean: fold((numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length, 'float'),
  median: fold(median, 'float'),
  first: list((items) => items[0] ?? null, 'any'),
  last: list((items) => items.at(-1) ?? null, 'any'),
  take: {
    args: ['array', 'int'],
    result: 'array',
    call: ([items, count]) => asArray(items).slice(0, Math.max(0, asInteger(count))),
  },
  get: { args: ['any', 'any'], result: 'any', call: ([target, key]) => memberOf(target, key, true) },
  keys: { args: ['map'], result: 'array', call: ([value]) => [...asMap(value).keys()] },
  values: { args: ['map'], result: 'array', call: ([value]) => [...asMap(value).values()] },
  reverse: list((items) => [...items].reverse(), 'array'),
  concat: { args: ['array'], many: true, result: 'array', call: (args) => args.flatMap((arg) => [...asArray(arg)]) },
  flatten: list(flatten, 'array'),
  uniq: list(unique, 'array'),
  sort: sorted,
  bitand: bits((left, right) => left & right),
  bitor: bits((left, right) => left | right),
  bitxor: bits((left, right) => left ^ right),
  bitnand: bits((left, right) => left & ~right),
  bitnot: { args: ['int'], result: 'int', call: ([value]) => -asInteger(value) - 1 },
  bitshl: bits((left, right) => left << shift(right)),
  bitshr: bits((left, right) => left >> shift(right)),
  bitushr: bits((left, right) => BigInt.asUintN(64, left) >> shift(right)),
}

/** Functions of expr-lang that slicedns does not have: dates, encodings and pairs are of no use for a query. */
export const unsupported: readonly string[] = [
  'now',
  'duration',
  'date',
  'timezone',
  'toJSON',
  'fromJSON',
  'toBase64',
  'fromBase64',
  'toPairs',
  'fromPairs',
  'groupBy',
]

/** Finds scalars in a set, and compares the few arrays and maps one by one. */
function unique(items: readonly Value[]): Value[] {
  const scalars = new Set<Value>()
  const others: Value[] = []
  return items.filter((item) => {
    const seen = isArray(item) || isMap(item) ? others.some((other) => isEqual(item, other)) : scalars.has(item)
    if (isArray(item) || isMap(item)) others.push(item)
    else scalars.add(item)
    return !seen
  })
}

function shift(by: bigint): bigint {
  if (by < 0n || by > 63n) throw new EvaluationError('shift count must be from 0 to 63')
  return by
}

function lengthOf(value: Value): number {
  if (typeof value === 'string') return [...value].length
  if (isArray(value)) return value.length
  if (isMap(value)) return value.size
  throw new EvaluationError(`invalid argument for len (type ${typeOf(value)})`)
}

function replaced(value: string, old: string, by: string, most: number): string {
  if (old === '') throw new EvaluationError('replace needs a text to replace')
  const parts = value.split(old)
  const times = most < 0 ? parts.length - 1 : Math.min(most, parts.length - 1)
  if (by.length * times > maxRepeated) throw new EvaluationError(`replace exceeds ${maxRepeated} characters`)
  return (
    parts.slice(0, times + 1).join(by) +
    parts
      .slice(times + 1)
      .map((part) => old + part)
      .join('')
  )
}

function asMap(value: Value): ReadonlyMap<string, Value> {
  if (!isMap(value)) throw new EvaluationError(`expected a map, not ${typeOf(value)}`)
  return value
}

/** An element of an array (from its end where negative), the value of a key, a character of a string. */
export function memberOf(target: Value, key: Value, lenient: boolean): Value {
  if (isMap(target)) return target.get(asString(key)) ?? null
  if (target === null && lenient) return null
  if (!isArray(target) && typeof target !== 'string')
    throw new EvaluationError(`cannot fetch ${textOf(key)} from ${typeOf(target)}`)
  const index = asInteger(key)
  const found = target.at(index)
  if (found === undefined && !lenient)
    throw new EvaluationError(`index out of range: ${index} (length is ${target.length})`)
  return found ?? null
}
