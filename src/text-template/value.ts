/** The data of templates: Go's strings, numbers, slices, maps and structs. */
import { ExecutionError } from './error.ts'

export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Value[]
  | ReadonlyMap<string, Value>
  | Struct
  /** A missing key of a map: printed as `<no value>`. */
  | undefined

/** Fields by name; a function is a method. A missing field is an error. */
export interface Struct {
  readonly fields: Readonly<Record<string, Value | Method>>
}

export type Method = (args: readonly Value[]) => Value

export const isArray = (value: Value | Method): value is readonly Value[] => Array.isArray(value)
export const isMap = (value: Value | Method): value is ReadonlyMap<string, Value> => value instanceof Map
export const isStruct = (value: Value | Method): value is Struct =>
  typeof value === 'object' && value !== null && 'fields' in value

/** Go's name for the kind of a value. */
export function kindOf(value: Value): string {
  if (value === undefined || value === null) return 'nil'
  if (isArray(value)) return 'slice'
  if (isMap(value)) return 'map'
  if (isStruct(value)) return 'struct'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  if (typeof value === 'bigint') return 'int'
  return typeof value === 'boolean' ? 'bool' : 'string'
}

/** Truth as `if`, `and`, `or`, `with` see it: everything is true but the empty value of its kind. */
export function isTrue(value: Value): boolean {
  if (isArray(value)) return value.length > 0
  if (isMap(value)) return value.size > 0
  return isStruct(value) || Boolean(value)
}

/** As `{{ value }}` prints it. */
export function textOf(value: Value): string {
  if (value === undefined) return '<no value>'
  if (value === null) return '<nil>'
  if (isArray(value)) return `[${value.map(textOf).join(' ')}]`
  if (isMap(value))
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${textOf(value.get(key))}`)
      .join(' ')}]`
  if (isStruct(value)) throw new ExecutionError('only fields of a structure can be printed')
  return String(value)
}

export function sortedKeys(map: ReadonlyMap<string, Value>): string[] {
  return [...map.keys()].sort()
}
