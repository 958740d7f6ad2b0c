/** Compiles calls of the environment's functions, of expr-lang's, and of those with a predicate. */
import { builtins, type Loose, unsupported } from './builtins.ts'
import { ExpressionError } from './error.ts'
import { applyPredicate, predicateFunctions } from './predicates.ts'
import { type Compile, type Environment, type NodeOf, type Scope, type Typed, typed } from './typed.ts'
import { isArray, isMap, spendOn, type Type } from './value.ts'

/** Whether expr-lang has a function of this name. */
export function isReserved(name: string): boolean {
  return Object.hasOwn(builtins, name) || Object.hasOwn(predicateFunctions, name) || unsupported.includes(name)
}

/** What a call may name. */
export const functionNames = (own: Readonly<Record<string, unknown>>): readonly string[] => [
  ...Object.keys(own),
  ...Object.keys(builtins),
  ...Object.keys(predicateFunctions),
]

/** `scope`: that of the call, which `compile` takes where no other is given. */
export function call<Context>(
  node: NodeOf<'call'>,
  { functions }: Environment<Context>,
  scope: Scope,
  compile: Compile<Context>,
): Typed<Context> {
  const { name, offset } = node
  if (Object.hasOwn(predicateFunctions, name) && !Object.hasOwn(functions, name))
    return callPredicate(node, scope, compile)
  const args = node.args.map((arg) => compile(arg))
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
  if (!Object.hasOwn(builtins, name))
    throw new ExpressionError(`unknown name ${name}`, offset, { word: name, known: functionNames(functions) })
  const builtin = builtins[name]
  const most = builtin.many ? Number.POSITIVE_INFINITY : builtin.args.length
  checkArgs(node, args, builtin.args, builtin.min ?? builtin.args.length, most)
  return typed(builtin.result, (run) => {
    const values = args.map((arg) => arg.evaluate(run))
    for (const value of values) if (isArray(value) || isMap(value)) spendOn(run, value)
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

function callPredicate<Context>(node: NodeOf<'call'>, scope: Scope, compile: Compile<Context>): Typed<Context> {
  const { name, offset, args } = node
  const spec = predicateFunctions[name]
  if (args.length < (spec.optional ? 1 : 2)) throw new ExpressionError(`not enough arguments to call ${name}`, offset)
  if (args.length > (spec.extra ? 3 : 2)) throw new ExpressionError(`too many arguments to call ${name}`, offset)
  const array = compile(args[0])
  if (array.type !== 'array' && array.type !== 'any')
    throw new ExpressionError(`builtin ${name} takes only array (got ${array.type})`, offset)
  const predicate = args[1] && compile(args[1], { ...scope, predicates: scope.predicates + 1 })
  if (spec.condition && predicate && predicate.type !== 'bool' && predicate.type !== 'any')
    throw new ExpressionError(`predicate should return boolean (got ${predicate.type})`, offset)
  const extra = args[2] && compile(args[2])
  return typed(spec.result, (run) =>
    applyPredicate(run, spec, array.evaluate(run), predicate?.evaluate, extra?.evaluate(run)),
  )
}
