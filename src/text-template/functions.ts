/** Functions that templates may call: those of Go's text/template, and CoreDNS's `parseInt`. */
import { ExecutionError, quote } from './error.ts'
import { formatted } from './printf.ts'
import { isArray, isMap, isTrue, kindOf, textOf, type Value } from './value.ts'

export interface TemplateFunction {
  readonly min: number
  readonly max: number
  call(args: readonly Value[]): Value
}

const many = Number.POSITIVE_INFINITY

function basic(value: Value): string | number | bigint | boolean {
  if (typeof value === 'object' || value === undefined) throw new ExecutionError('invalid type for comparison')
  return value
}

function sameKind(left: string | number | bigint | boolean, right: string | number | bigint | boolean): void {
  const group = (value: typeof left) => (kindOf(value) === 'int' ? 'int' : kindOf(value))
  if (group(left) !== group(right)) throw new ExecutionError('incompatible types for comparison')
}

function equals(left: Value, right: Value): boolean {
  if (left === null || right === null) return left === right
  const [a, b] = [basic(left), basic(right)]
  sameKind(a, b)
  // Integers are numbers or, when large, bigints.
  return typeof a === typeof b ? a === b : BigInt(a) === BigInt(b)
}

function isLess(left: Value, right: Value): boolean {
  const [a, b] = [basic(left), basic(right)]
  sameKind(a, b)
  if (typeof a === 'boolean') throw new ExecutionError('invalid type for comparison')
  return a < b
}

const comparison = (decide: (left: Value, right: Value) => boolean): TemplateFunction => ({
  min: 2,
  max: 2,
  call: ([left, right]) => decide(left, right),
})

function integer(value: Value): number {
  if (!Number.isInteger(value)) throw new ExecutionError(`cannot index slice/array with type ${kindOf(value)}`)
  return value as number
}

function indexed(target: Value, key: Value): Value {
  if (isMap(target)) return target.get(textOf(key))
  if (!isArray(target) && typeof target !== 'string')
    throw new ExecutionError(`cannot index item of type ${kindOf(target)}`)
  const index = integer(key)
  if (index < 0 || index >= target.length) throw new ExecutionError(`index out of range: ${index}`)
  return typeof target === 'string' ? target.charCodeAt(index) : target[index]
}

function sliced(target: Value, bounds: readonly Value[]): Value {
  if (!isArray(target) && typeof target !== 'string')
    throw new ExecutionError(`cannot slice item of type ${kindOf(target)}`)
  const [from = 0, to = target.length] = bounds.map(integer)
  if (from < 0 || to > target.length || from > to) throw new ExecutionError(`index out of range: ${from}:${to}`)
  return target.slice(from, to)
}

/** Go's strconv.ParseUint. */
function parseUint(text: Value, base: Value, bits: Value): Value {
  if (typeof text !== 'string') throw new ExecutionError(`wrong type for value; expected string; got ${kindOf(text)}`)
  const invalid = (why: string) => new ExecutionError(`error calling parseInt: parsing ${quote(text)}: ${why}`)
  const radix = integer(base)
  const size = integer(bits)
  if (radix < 2 || radix > 36) throw invalid(`invalid base ${radix}`)
  if (size < 0 || size > 64) throw invalid(`invalid bit size ${size}`)
  const digits = '0123456789abcdefghijklmnopqrstuvwxyz'.slice(0, radix)
  if (text === '' || [...text.toLowerCase()].some((digit) => !digits.includes(digit))) throw invalid('invalid syntax')
  // More digits than 64 bits hold in any base.
  const significant = text.toLowerCase().replace(/^0+/, '')
  if (significant.length > 64) throw invalid('value out of range')
  let value = 0n
  for (const digit of significant) value = value * BigInt(radix) + BigInt(digits.indexOf(digit))
  if (value >> BigInt(size === 0 ? 64 : size) !== 0n) throw invalid('value out of range')
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

/** As Go's fmt.Sprint: a blank between two values of which neither is a string. */
function print(args: readonly Value[]): string {
  return args
    .map((arg, i) => (i > 0 && typeof arg !== 'string' && typeof args[i - 1] !== 'string' ? ' ' : '') + textOf(arg))
    .join('')
}

const escapedBy = (escapes: Readonly<Record<string, string>>): TemplateFunction => ({
  min: 0,
  max: many,
  call: (args) => [...print(args)].map((character) => escapes[character] ?? character).join(''),
})

export const functions: Readonly<Record<string, TemplateFunction>> = {
  // `and` and `or` stop at the first argument that decides; execute.ts evaluates the arguments one by one for them.
  and: { min: 1, max: many, call: (args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1) },
  or: { min: 1, max: many, call: (args) => args.find(isTrue) ?? args.at(-1) },
  not: { min: 1, max: 1, call: ([arg]) => !isTrue(arg) },
  eq: { min: 2, max: many, call: ([first, ...rest]) => rest.some((other) => equals(first, other)) },
  ne: comparison((left, right) => !equals(left, right)),
  lt: comparison(isLess),
  le: comparison((left, right) => isLess(left, right) || equals(left, right)),
  gt: comparison((left, right) => !isLess(left, right) && !equals(left, right)),
  ge: comparison((left, right) => !isLess(left, right)),
  len: {
    min: 1,
    max: 1,
    call([arg]) {
      if (typeof arg === 'string') return Buffer.byteLength(arg)
      if (isArray(arg)) return arg.length
      if (isMap(arg)) return arg.size
      throw new ExecutionError(`len of type ${kindOf(arg)}`)
    },
  },
  index: { min: 1, max: many, call: ([target, ...keys]) => keys.reduce<Value>(indexed, target) },
  slice: { min: 1, max: 3, call: ([target, ...bounds]) => sliced(target, bounds) },
  print: { min: 0, max: many, call: print },
  println: { min: 0, max: many, call: (args) => `${args.map(textOf).join(' ')}\n` },
  printf: {
    min: 1,
    max: many,
    call([format, ...args]) {
      if (typeof format !== 'string')
        throw new ExecutionError(`wrong type for value; expected string; got ${kindOf(format)}`)
      return formatted(format, args)
    },
  },
  html: escapedBy({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;', '\0': '\uFFFD' }),
  js: escapedBy({
    '\\': '\\\\',
    "'": "\\'",
    '"': '\\"',
    '<': '\\u003C',
    '>': '\\u003E',
    '&': '\\u0026',
    '=': '\\u003D',
  }),
  urlquery: { min: 0, max: many, call: (args) => encodeURIComponent(print(args)).replaceAll('%20', '+') },
  parseInt: { min: 3, max: 3, call: ([text, base, bits]) => parseUint(text, base, bits) },
}
