/** Compiles a parsed expression to a function: names and types are checked once, before any query. */
import { beginWithin, type StepAllowance } from '../regexp/index.ts'
import { memberOf } from './builtins.ts'
import { call, functionNames, isReserved } from './calls.ts'
import { ExpressionError } from './error.ts'
import { literalPattern, matchAny, matchOne } from './matches.ts'
import { operators } from './operators.ts'
import { parse } from './parser.ts'
import type { Node } from './syntax.ts'
import { type Compile, type Environment, type NodeOf, type Scope, type Typed, typed } from './typed.ts'
import {
  asBoolean,
  asInteger,
  asNumber,
  asString,
  EvaluationError,
  isArray,
  searchSteps,
  type Type,
  type Value,
} from './value.ts'

export interface Expression<Context> {
  readonly source: string
  /** The type of the value, `any` where only the evaluation tells. */
  readonly type: Type
  /** Throws EvaluationError when a function fails, StepsError when it takes too many steps. */
  evaluate(context: Context, allowance?: StepAllowance): Value
}

/** Reads, checks and compiles an expression. Throws ExpressionError with the place. */
export function compileExpression<Context>(source: string, environment: Environment<Context>): Expression<Context> {
  const { type, evaluate } = compileNode(parse(source), environment, { locals: new Map(), predicates: 0 })
  return {
    source,
    type,
    evaluate(context, allowance) {
      beginWithin(allowance)
      const run = { context, steps: 0, locals: [], scopes: [] }
      try {
        return evaluate(run)
      } finally {
        if (allowance !== undefined) allowance.left -= (1 + run.steps) * searchSteps
      }
    },
  }
}

function compileNode<Context>(node: Node, environment: Environment<Context>, scope: Scope): Typed<Context> {
  const compile = (inner: Node, within = scope): Typed<Context> => compileNode(inner, environment, within)
  switch (node.kind) {
    case 'literal':
      return literal(node)
    case 'name':
      return named(node, environment, scope)
    case 'pointer':
      return pointer(node, scope)
    case 'array': {
      const items = node.items.map((item) => compile(item).evaluate)
      return typed('array', (run) => items.map((item) => item(run)))
    }
    case 'map': {
      const entries = node.entries.map(([key, value]) => [compile(key).evaluate, compile(value).evaluate] as const)
      return typed('map', (run) => new Map(entries.map(([key, value]) => [asString(key(run)), value(run)])))
    }
    case 'unary':
      return unary(node.operator, compile(node.operand), node.offset)
    case 'binary':
      return binary(node, compile)
    case 'conditional':
      return conditional(node, compile)
    case 'member':
      return member(node, compile)
    case 'slice':
      return slice(node, compile)
    case 'call':
      return call(node, environment, scope, compile)
    case 'let':
      return declaration(node, environment, scope)
  }
}

function literal<Context>({ value, integer }: NodeOf<'literal'>): Typed<Context> {
  const types: Readonly<Record<string, Type>> = { string: 'string', boolean: 'bool', object: 'nil' }
  const type = typeof value === 'number' ? (integer ? 'int' : 'float') : types[typeof value]
  return { type, evaluate: () => value }
}

function named<Context>(node: NodeOf<'name'>, { functions, variables = {} }: Environment<Context>, { locals }: Scope) {
  const { name, offset } = node
  const local = locals.get(name)
  if (local !== undefined) return typed<Context>(local.type, (run) => run.locals[local.slot])
  if (Object.hasOwn(variables, name)) {
    const { type, read } = variables[name]
    return typed<Context>(type, ({ context }) => read(context))
  }
  if (Object.hasOwn(functions, name)) throw new ExpressionError(`'${name}' is a function: write ${name}(…)`, offset)
  const known = [...locals.keys(), ...Object.keys(variables), ...functionNames(functions)]
  throw new ExpressionError(`unknown name ${name}`, offset, { word: name, known })
}

function pointer<Context>({ name, offset }: NodeOf<'pointer'>, { predicates }: Scope): Typed<Context> {
  if (predicates === 0) throw new ExpressionError('# stands only inside a predicate', offset)
  if (name === '') return typed('any', ({ scopes }) => scopes[scopes.length - 1].element)
  if (name === 'index') return typed('int', ({ scopes }) => scopes[scopes.length - 1].index)
  if (name === 'acc') return typed('any', ({ scopes }) => scopes[scopes.length - 1].accumulator)
  throw new ExpressionError(`unknown pointer #${name}`, offset)
}

function unary<Context>(operator: string, operand: Typed<Context>, offset: number): Typed<Context> {
  const { type, evaluate } = operand
  const isLogical = operator === 'not' || operator === '!'
  const fits = type === 'any' || (isLogical ? type === 'bool' : type === 'int' || type === 'float')
  if (!fits) throw new ExpressionError(`invalid operation: ${operator} (mismatched type ${type})`, offset)
  if (isLogical) return typed('bool', (run) => !asBoolean(evaluate(run)))
  return typed(type, (run) => (operator === '-' ? -asNumber(evaluate(run)) : asNumber(evaluate(run))))
}

function binary<Context>(node: NodeOf<'binary'>, compile: Compile<Context>): Typed<Context> {
  const { operator, offset } = node
  const left = compile(node.left)
  const right = compile(node.right)
  const mismatched = () =>
    new ExpressionError(`invalid operation: ${operator} (mismatched types ${left.type} and ${right.type})`, offset)
  const isLogical = (type: Type) => type === 'bool' || type === 'any'
  switch (operator) {
    case 'and':
    case '&&':
      if (!isLogical(left.type) || !isLogical(right.type)) throw mismatched()
      return typed('bool', (run) => asBoolean(left.evaluate(run)) && asBoolean(right.evaluate(run)))
    case 'or':
    case '||':
      if (!isLogical(left.type) || !isLogical(right.type)) throw mismatched()
      return typed('bool', (run) => asBoolean(left.evaluate(run)) || asBoolean(right.evaluate(run)))
    case '??':
      return typed(left.type === right.type ? left.type : 'any', (run) => left.evaluate(run) ?? right.evaluate(run))
    case 'matches':
      return matches(node, left, right, mismatched)
  }
  const { result, apply } = operators[operator]
  const type = result(left.type, right.type)
  if (type === undefined) throw mismatched()
  return typed(type, (run) => apply(left.evaluate(run), right.evaluate(run)))
}

function matches<Context>(
  { right: node }: NodeOf<'binary'>,
  left: Typed<Context>,
  right: Typed<Context>,
  mismatched: () => ExpressionError,
): Typed<Context> {
  const isString = (type: Type) => type === 'string' || type === 'any'
  if (!isString(left.type) || !isString(right.type)) throw mismatched()
  const pattern =
    node.kind === 'literal' && typeof node.value === 'string' ? literalPattern(node.value, node.offset) : undefined
  if (pattern !== undefined) return typed('bool', (run) => matchOne(run, asString(left.evaluate(run)), pattern))
  return typed('bool', (run) => matchAny(run, asString(left.evaluate(run)), asString(right.evaluate(run))))
}

function conditional<Context>(node: NodeOf<'conditional'>, compile: Compile<Context>): Typed<Context> {
  const condition = compile(node.condition)
  const whenTrue = compile(node.whenTrue)
  const whenFalse = compile(node.whenFalse)
  if (condition.type !== 'bool' && condition.type !== 'any')
    throw new ExpressionError(`non-bool expression (type ${condition.type}) used as condition`, node.offset)
  const type = whenTrue.type === whenFalse.type ? whenTrue.type : 'any'
  return typed(type, (run) => (asBoolean(condition.evaluate(run)) ? whenTrue.evaluate(run) : whenFalse.evaluate(run)))
}

function member<Context>(node: NodeOf<'member'>, compile: Compile<Context>): Typed<Context> {
  const target = compile(node.target)
  const property = compile(node.property)
  if (!['array', 'map', 'any', 'nil'].includes(target.type))
    throw new ExpressionError(`type ${target.type} has no members`, node.offset)
  return typed('any', (run) => memberOf(target.evaluate(run), property.evaluate(run), node.optional))
}

function slice<Context>(node: NodeOf<'slice'>, compile: Compile<Context>): Typed<Context> {
  const target = compile(node.target)
  const from = node.from && compile(node.from).evaluate
  const to = node.to && compile(node.to).evaluate
  if (!['array', 'string', 'any'].includes(target.type))
    throw new ExpressionError(`cannot slice ${target.type}`, node.offset)
  return typed(target.type, (run) => {
    const value = target.evaluate(run)
    if (typeof value !== 'string' && !isArray(value)) throw new EvaluationError('only arrays and strings have slices')
    return value.slice(from ? asInteger(from(run)) : 0, to ? asInteger(to(run)) : value.length)
  })
}

function declaration<Context>(node: NodeOf<'let'>, environment: Environment<Context>, scope: Scope): Typed<Context> {
  const { functions, variables = {} } = environment
  const taken = Object.hasOwn(functions, node.name) || Object.hasOwn(variables, node.name) || isReserved(node.name)
  if (taken || scope.locals.has(node.name)) throw new ExpressionError(`cannot redeclare ${node.name}`, node.offset)
  const value = compileNode(node.value, environment, scope)
  const slot = scope.locals.size
  const locals = new Map(scope.locals).set(node.name, { slot, type: value.type })
  const body = compileNode(node.body, environment, { ...scope, locals })
  return typed(body.type, (run) => {
    run.locals[slot] = value.evaluate(run)
    return body.evaluate(run)
  })
}
