/** The values of expressions, and the bound on the cost of one evaluation. */
import { StepsError } from '../regexp/index.ts'

export type Value = string | number | boolean | null | readonly Value[] | ReadonlyMap<string, Value>

/** `any`: known only when the expression is evaluated (an element of an array, say). */
export type Type = 'string' | 'int' | 'float' | 'bool' | 'nil' | 'array' | 'map' | 'any'

/** Why an expression that is valid has no value for one query. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}

/**
 * Steps of one evaluation: each operation is one step, and so are each element and each 64 characters that it makes. An
 * expression of a Corefile takes a few dozen; one that exceeds this bound is an attack or a mistake.
 */
export const maxSteps = 10_000

/** A step costs about as much as so many steps of a regular expression search. */
export const searchSteps = 6

/** One evaluation under way. */
export interface Run<Context> {
  readonly context: Context
  steps: number
  /** Values of `let`, by slot. */
  readonly locals: Value[]
  /** The scope of each enclosing predicate, the innermost last. */
  readonly scopes: Scope[]
}

export interface Scope {
  element: Value
  index: number
  accumulator: Value
}

/** Counts a step and the characters that it made. Throws StepsError. */
export function spend(run: { steps: number }, made = 0): void {
  run.steps += 1 + (made >> 6)
  if (run.steps > maxSteps) throw new StepsError(`expression exceeds ${maxSteps} steps`)
}

/**
 * Counts a step for a value that was made, and one for each of its elements and theirs: an array may have another as an element
 * many times, and what prints, flattens or compares it walks through all of them. Throws StepsError.
 */
export function spendOn(run: { steps: number }, value: Value): void {
  spend(run, typeof value === 'string' ? value.length : 0)
  if (isArray(value)) for (const element of value) spendOn(run, element)
  else if (isMap(value)) for (const element of value.values()) spendOn(run, element)
}

export const isArray = (value: Value): value is readonly Value[] => Array.isArray(value)
export const isMap = (value: Value): value is ReadonlyMap<string, Value> => value instanceof Map

export function typeOf(value: Value): Type {
  if (value === null) return 'nil'
  if (isArray(value)) return 'array'
  if (isMap(value)) return 'map'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return typeof value === 'boolean' ? 'bool' : 'string'
}

export function isEqual(left: Value, right: Value): boolean {
  if (isArray(left) && isArray(right))
    return left.length === right.length && left.every((item, i) => isEqual(item, right[i]))
  if (isMap(left) && isMap(right))
    return (
      left.size === right.size && [...left].every(([key, item]) => right.has(key) && isEqual(item, right.get(key)!))
    )
  return left === right
}

export function asNumber(value: Value): number {
  if (typeof value !== 'number') throw new EvaluationError(`expected a number, not ${typeOf(value)}`)
  return value
}

export function asInteger(value: Value): number {
  if (!Number.isInteger(value)) throw new EvaluationError(`expected an integer, not ${typeOf(value)}`)
  return value as number
}

export function asString(value: Value): string {
  if (typeof value !== 'string') throw new EvaluationError(`expected a string, not ${typeOf(value)}`)
  return value
}

export function asBoolean(value: Value): boolean {
  if (typeof value !== 'boolean') throw new EvaluationError(`expected a bool, not ${typeOf(value)}`)
  return value
}

export function asArray(value: Value): readonly Value[] {
  if (!isArray(value)) throw new EvaluationError(`expected an array, not ${typeOf(value)}`)
  return value
}

/** As Go prints the value. */
export function textOf(value: Value): string {
  if (value === null) return '<nil>'
  if (isArray(value)) return `[${value.map(textOf).join(' ')}]`
  if (isMap(value)) return `map[${[...value].map(([key, item]) => `${key}:${textOf(item)}`).join(' ')}]`
  return String(value)
}
