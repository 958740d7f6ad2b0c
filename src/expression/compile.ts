/** From the parts of an expression to a function: names and types are checked once, before any query. */
import { builtins, type Loose, memberOf, unsupported } from './builtins.ts'
import { ExpressionError } from './error.ts'
import { literalPattern, matchAny, matchOne } from './matches.ts'
import { operators } from './operators.ts'
import { parse } from './parser.ts'
import { applyPredicate, predicateFunctions } from './predicates.ts'
import type { Node } from './syntax.ts'
import {
  asBoolean,
  asInteger,
  asNumber,
  asString,
  EvaluationError,
  isArray,
  isMap,
  type Run,
  spend,
  type Type,
  type Value,
} from './value.ts'

/** A function of the environment: `incidr(ip, cidr)`. Throws EvaluationError for arguments that it cannot use. */
export interface FunctionSpec<Context> {
  readonly args: readonly Type[]
  readonly result: Type
  call(context: Context, args: readonly Value[]): Value
}

export interface VariableSpec<Context> {
  readonly type: Type
  read(context: Context): Value
}

/** What an expression can name besides the functions of expr-lang. */
export interface Environment<Context> {
  readonly functions: Readonly<Record<string, FunctionSpec<Context>>>
  readonly variables?: Readonly<Record<string, VariableSpec<Context>>>
}

export interface Expression<Context> {
  readonly source: string
  /** The type of the value, `any` where only the evaluation tells. */
  readonly type: Type
  /** Throws EvaluationError: a function that failed, or more steps than one evaluation may take. */
  evaluate(context: Context): Value
}

type Evaluate<Context> = (run: Run<Context>) => Value

interface Typed<Context> {
  readonly type: Type
  readonly evaluate: Evaluate<Context>
}

interface Scope {
  /** Names that `let` declared, with their slot and type. */
  readonly locals: ReadonlyMap<string, { readonly slot: number; readonly type: Type }>
  /** How many predicates the part stands in. */
  readonly predicates: number
}

/** Reads, checks and compiles an expression. Throws ExpressionError with the place. */
export function compileExpression<Context>(source: string, environment: Environment<Context>): Expression<Context> {
  const { type, evaluate } = compileNode(parse(source), environment, { locals: new Map(), predicates: 0 })
  return { source, type, evaluate: (context) => evaluate({ context, steps: 0, locals: [], scopes: [] }) }
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
      return call(node, environment, scope)
    case 'let':
      return declaration(node, environment, scope)
  }
}

type Compile<Context> = (node: Node, within?: Scope) => Typed<Context>
type NodeOf<Kind extends Node['kind']> = Extract<Node, { kind: Kind }>

/** Each part counts its step when it is evaluated. */
function typed<Context>(type: Type, evaluate: Evaluate<Context>): Typed<Context> {
  return {
    type,
    evaluate(run) {
      const value = evaluate(run)
      spend(run, typeof value === 'string' ? value.length : isArray(value) ? value.length << 6 : 0)
      return value
    },
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
  throw new ExpressionError(`unknown name ${name}`, offset)
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

/** Whether expr-lang has a function of this name. */
export function isReserved(name: string): boolean {
  return Object.hasOwn(builtins, name) || Object.hasOwn(predicateFunctions, name) || unsupported.includes(name)
}

function call<Context>(node: NodeOf<'call'>, environment: Environment<Context>, scope: Scope): Typed<Context> {
  const { name, offset } = node
  const { functions } = environment
  if (Object.hasOwn(predicateFunctions, name) && !Object.hasOwn(functions, name))
    return callPredicate(node, environment, scope)
  const args = node.args.map((arg) => compileNode(arg, environment, scope))
  if (Object.hasOwn(functions, name)) {
    const { args: wanted, result, call } = functions[name]
    checkArgs(node, args, wanted, wanted.length, wanted.length)
    return typed(result, (run) =>
      call(
        run.context,
        args.map((arg) => arg.evaluate(run)),
      ),
    )
  }
  if (unsupported.includes(name)) throw new ExpressionError(`slicedns does not have the function ${name}`, offset)
  if (!Object.hasOwn(builtins, name)) throw new ExpressionError(`unknown name ${name}`, offset)
  const builtin = builtins[name]
  const most = builtin.many ? Number.POSITIVE_INFINITY : builtin.args.length
  checkArgs(node, args, builtin.args, builtin.min ?? builtin.args.length, most)
  return typed(builtin.result, (run) => {
    const values = args.map((arg) => arg.evaluate(run))
    for (const value of values)
      if (isArray(value) || isMap(value)) spend(run, isArray(value) ? value.length << 6 : value.size << 6)
    return builtin.call(values)
  })
}

const accepted: Readonly<Record<string, readonly Type[]>> = {
  number: ['int', 'float'],
  sized: ['string', 'array', 'map'],
}

function checkArgs<Context>(
  { name, offset, args: nodes }: NodeOf<'call'>,
  args: readonly Typed<Context>[],
  wanted: readonly (Type | Loose)[],
  min: number,
  max: number,
): void {
  if (args.length < min) throw new ExpressionError(`not enough arguments to call ${name}`, offset)
  if (args.length > max) throw new ExpressionError(`too many arguments to call ${name}`, offset)
  for (const [i, { type }] of args.entries()) {
    const expected = wanted[Math.min(i, wanted.length - 1)]
    const fits = type === 'any' || (accepted[expected] ?? [expected]).includes(type) || expected === 'any'
    if (!fits)
      throw new ExpressionError(`cannot use ${type} as argument (type ${expected}) to call ${name}`, nodes[i].offset)
  }
}

function callPredicate<Context>(node: NodeOf<'call'>, environment: Environment<Context>, scope: Scope): Typed<Context> {
  const { name, offset, args } = node
  const spec = predicateFunctions[name]
  if (args.length < (spec.optional ? 1 : 2)) throw new ExpressionError(`not enough arguments to call ${name}`, offset)
  if (args.length > (spec.extra ? 3 : 2)) throw new ExpressionError(`too many arguments to call ${name}`, offset)
  const array = compileNode(args[0], environment, scope)
  if (array.type !== 'array' && array.type !== 'any')
    throw new ExpressionError(`builtin ${name} takes only array (got ${array.type})`, offset)
  const predicate = args[1] && compileNode(args[1], environment, { ...scope, predicates: scope.predicates + 1 })
  if (spec.condition && predicate && predicate.type !== 'bool' && predicate.type !== 'any')
    throw new ExpressionError(`predicate should return boolean (got ${predicate.type})`, offset)
  const extra = args[2] && compileNode(args[2], environment, scope)
  return typed(spec.result, (run) =>
    applyPredicate(run, spec, array.evaluate(run), predicate?.evaluate, extra?.evaluate(run)),
  )
}
