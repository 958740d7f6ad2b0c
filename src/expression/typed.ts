/** What the nodes of an expression are compiled to, and what they can name. */
import type { Node } from './syntax.ts'
import { type Run, spendOn, type Type, type Value } from './value.ts'

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

export type Evaluate<Context> = (run: Run<Context>) => Value

export interface Typed<Context> {
  readonly type: Type
  readonly evaluate: Evaluate<Context>
}

export interface Scope {
  /** Names that `let` declared, with their slot and type. */
  readonly locals: ReadonlyMap<string, { readonly slot: number; readonly type: Type }>
  /** How many predicates enclose the node. */
  readonly predicates: number
}

/** Compiles a node in the scope `within`; by default in that of its parent. */
export type Compile<Context> = (node: Node, within?: Scope) => Typed<Context>
export type NodeOf<Kind extends Node['kind']> = Extract<Node, { kind: Kind }>

/** Each node counts a step when it is evaluated. */
export function typed<Context>(type: Type, evaluate: Evaluate<Context>): Typed<Context> {
  return {
    type,
    evaluate(run) {
      const value = evaluate(run)
      spendOn(run, value)
      return value
    },
  }
}
