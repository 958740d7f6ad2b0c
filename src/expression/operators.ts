/** Binary operators: the types that they take, and the values that they give. */
import {
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

export interface Operator {
  /** The type of the result, or undefined where the operator does not take these types. */
  result(left: Type, right: Type): Type | undefined
  apply(left: Value, right: Value): Value
}

/** Elements that a range may have. */
const maxRange = 1000

const isNumber = (type: Type): boolean => type === 'int' || type === 'float' || type === 'any'
const isString = (type: Type): boolean => type === 'string' || type === 'any'
const isInteger = (type: Type): boolean => type === 'int' || type === 'any'

function arithmetic(apply: (left: number, right: number) => number, always?: Type): Operator {
  return {
    result(left, right) {
      if (!isNumber(left) || !isNumber(right)) return undefined
      if (always !== undefined) return always
      if (left === 'any' || right === 'any') return 'any'
      return left === 'int' && right === 'int' ? 'int' : 'float'
    },
    apply: (left, right) => apply(asNumber(left), asNumber(right)),
  }
}

function comparison(decide: (order: number) => boolean): Operator {
  return {
    result: (left, right) =>
      (isNumber(left) && isNumber(right)) || (isString(left) && isString(right)) ? 'bool' : undefined,
    apply(left, right) {
      if (typeof left === 'string' && typeof right === 'string') return decide(left < right ? -1 : left > right ? 1 : 0)
      return decide(asNumber(left) - asNumber(right))
    },
  }
}

function equality(wanted: boolean): Operator {
  return {
    result(left, right) {
      const numbers = isNumber(left) && isNumber(right)
      const comparable = left === right || left === 'any' || right === 'any' || left === 'nil' || right === 'nil'
      return numbers || comparable ? 'bool' : undefined
    },
    apply: (left, right) => isEqual(left, right) === wanted,
  }
}

function ofStrings(apply: (left: string, right: string) => boolean): Operator {
  return {
    result: (left, right) => (isString(left) && isString(right) ? 'bool' : undefined),
    apply: (left, right) => apply(asString(left), asString(right)),
  }
}

const plus: Operator = {
  result(left, right) {
    if (left === 'string' || right === 'string') return isString(left) && isString(right) ? 'string' : undefined
    return arithmetic((a, b) => a + b).result(left, right)
  },
  apply: (left, right) => (typeof left === 'string' ? left + asString(right) : asNumber(left) + asNumber(right)),
}

const membership: Operator = {
  result(left, right) {
    if (right === 'map') return isString(left) ? 'bool' : undefined
    return right === 'array' || right === 'any' ? 'bool' : undefined
  },
  apply(left, right) {
    if (isArray(right)) return right.some((item) => isEqual(item, left))
    if (isMap(right)) return right.has(asString(left))
    if (right === null) return false
    throw new EvaluationError(`operator in is not defined on ${typeOf(right)}`)
  },
}

const range: Operator = {
  result: (left, right) => (isInteger(left) && isInteger(right) ? 'array' : undefined),
  apply(left, right) {
    const from = asInteger(left)
    const length = Math.max(0, asInteger(right) - from + 1)
    if (length > maxRange)
      throw new EvaluationError(`range ${textOf(left)}..${textOf(right)} exceeds ${maxRange} elements`)
    return Array.from({ length }, (_, i) => from + i)
  },
}

const remainder: Operator = {
  result: (left, right) => (isInteger(left) && isInteger(right) ? 'int' : undefined),
  apply(left, right) {
    const divisor = asInteger(right)
    if (divisor === 0) throw new EvaluationError('integer divide by zero')
    return asInteger(left) % divisor
  },
}

const power = arithmetic((left, right) => left ** right, 'float')

/** All but `matches`, and `and`, `or`, `??`, which do not always evaluate both sides. */
export const operators: Readonly<Record<string, Operator>> = {
  '==': equality(true),
  '!=': equality(false),
  '<': comparison((order) => order < 0),
  '>': comparison((order) => order > 0),
  '<=': comparison((order) => order <= 0),
  '>=': comparison((order) => order >= 0),
  in: membership,
  contains: ofStrings((left, right) => left.includes(right)),
  startsWith: ofStrings((left, right) => left.startsWith(right)),
  endsWith: ofStrings((left, right) => left.endsWith(right)),
  '..': range,
  '+': plus,
  '-': arithmetic((left, right) => left - right),
  '*': arithmetic((left, right) => left * right),
  '/': arithmetic((left, right) => left / right, 'float'),
  '%': remainder,
  '**': power,
  '^': power,
}
