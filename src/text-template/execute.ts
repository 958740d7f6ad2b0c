/** Executes a template with the data of one query, bounded in steps and output. */
import { ExecutionError } from './error.ts'
import { functions } from './functions.ts'
import type { Command, List, Node, Operand, Pipeline } from './syntax.ts'
import { isArray, isMap, isStruct, isTrue, kindOf, type Method, sortedKeys, textOf, type Value } from './value.ts'

/** A record takes a few dozen steps; more is an attack or a mistake. */
const maxSteps = 10_000
/** Characters of what a template prints, and of what a function takes or makes: no message holds a larger record. */
const maxOutput = 65_536

interface Run {
  output: string
  steps: number
  readonly scopes: Map<string, Value>[]
}

type Flow = 'next' | 'break' | 'continue'

/** Throws ExecutionError. */
export function execute(nodes: List, data: Value): string {
  const run: Run = { output: '', steps: 0, scopes: [new Map([['$', data]])] }
  executeList(nodes, data, run)
  return run.output
}

function step(run: Run): void {
  if (++run.steps > maxSteps) throw new ExecutionError(`template exceeds ${maxSteps} steps`)
}

function executeList(nodes: List, dot: Value, run: Run): Flow {
  for (const node of nodes) {
    const flow = executeNode(node, dot, run)
    if (flow !== 'next') return flow
  }
  return 'next'
}

function executeNode(node: Node, dot: Value, run: Run): Flow {
  step(run)
  switch (node.kind) {
    case 'text':
      return print(node.text, run)
    case 'print': {
      const value = pipelineValue(node.pipeline, dot, run)
      return node.pipeline.variables.length > 0 ? 'next' : print(textOf(value), run)
    }
    case 'break':
    case 'continue':
      return node.kind
    default:
      return scoped(run, () => {
        if (node.kind === 'range') return range(node, dot, run)
        const value = pipelineValue(node.pipeline, dot, run)
        if (isTrue(value)) return executeList(node.body, node.kind === 'with' ? value : dot, run)
        return executeList(node.otherwise, dot, run)
      })
  }
}

function print(text: string, run: Run): Flow {
  run.output += text
  if (run.output.length > maxOutput) throw new ExecutionError(`template prints more than ${maxOutput} characters`)
  return 'next'
}

function scoped<T>(run: Run, execute: () => T): T {
  run.scopes.push(new Map())
  const result = execute()
  run.scopes.pop()
  return result
}

function range(node: Extract<Node, { kind: 'range' }>, dot: Value, run: Run): Flow {
  const { variables, declares } = node.pipeline
  const elements = elementsOf(pipelineValue({ ...node.pipeline, variables: [] }, dot, run))
  let empty = true
  for (const [key, element] of elements) {
    empty = false
    step(run)
    const [first, second] = variables
    const flow = scoped(run, () => {
      if (second !== undefined) assign(first, key, declares, run)
      if (first !== undefined) assign(second ?? first, element, declares, run)
      return executeList(node.body, element, run)
    })
    if (flow === 'break') break
  }
  return empty ? executeList(node.otherwise, dot, run) : 'next'
}

function* elementsOf(value: Value): Generator<readonly [Value, Value]> {
  if (isArray(value)) yield* value.entries()
  else if (isMap(value)) for (const key of sortedKeys(value)) yield [key, value.get(key)]
  else if (typeof value === 'number' && Number.isInteger(value)) for (let i = 0; i < value; i++) yield [i, i]
  else if (value !== undefined && value !== null) throw new ExecutionError(`range can't iterate over ${textOf(value)}`)
}

function assign(name: string, value: Value, declares: boolean, run: Run): void {
  const scope = declares ? run.scopes.at(-1) : run.scopes.findLast((candidate) => candidate.has(name))
  scope?.set(name, value)
}

function pipelineValue({ commands, variables, declares }: Pipeline, dot: Value, run: Run): Value {
  let value: Value
  for (const [i, command] of commands.entries()) value = commandValue(command, dot, run, i > 0 ? [value] : [])
  for (const name of variables) assign(name, value, declares, run)
  return value
}

/** `piped`: the value of the previous command, which is the last argument of this one. */
function commandValue({ operands }: Command, dot: Value, run: Run, piped: readonly Value[]): Value {
  step(run)
  const [first, ...rest] = operands
  if (first.kind === 'function') return call(first.name, rest, piped, dot, run)
  if (first.kind === 'literal' && first.value === null) throw new ExecutionError('nil is not a command')
  const found = operandValue(first, dot, run)
  const args = () => [...rest.map((operand) => plainValue(operand, dot, run)), ...piped]
  if (typeof found === 'function') return found(args())
  if (rest.length + piped.length > 0) throw new ExecutionError(`can't give argument to non-function (${kindOf(found)})`)
  return found
}

function call(name: string, operands: readonly Operand[], piped: readonly Value[], dot: Value, run: Run): Value {
  const { min, max, call } = functions[name]
  const count = operands.length + piped.length
  if (count < min || count > max)
    throw new ExecutionError(
      `wrong number of args for ${name}: want ${min === max ? min : `at least ${min}`} got ${count}`,
    )
  if (name !== 'and' && name !== 'or') {
    const args = [...operands.map((operand) => plainValue(operand, dot, run)), ...piped]
    checkLength(name, args)
    const result = call(args)
    checkLength(name, [result])
    return result
  }
  let value: Value
  for (const operand of operands) {
    value = plainValue(operand, dot, run)
    if (isTrue(value) === (name === 'or')) return value
  }
  return piped.length > 0 ? piped[0] : value
}

/** A pipeline of printf could double a text with each step, long before anything is printed. */
function checkLength(name: string, values: readonly Value[]): void {
  let length = 0
  for (const value of values) if (typeof value === 'string') length += value.length
  if (length > maxOutput) throw new ExecutionError(`${name}: text exceeds ${maxOutput} characters`)
}

/** An operand as an argument: a method without arguments is called. */
function plainValue(operand: Operand, dot: Value, run: Run): Value {
  step(run)
  if (operand.kind === 'function') return call(operand.name, [], [], dot, run)
  const found = operandValue(operand, dot, run)
  return typeof found === 'function' ? found([]) : found
}

function operandValue(operand: Exclude<Operand, { kind: 'function' }>, dot: Value, run: Run): Value | Method {
  switch (operand.kind) {
    case 'literal':
      return operand.value
    case 'dot':
      return fieldOf(dot, operand.fields)
    case 'variable':
      return fieldOf(run.scopes.findLast((scope) => scope.has(operand.name))?.get(operand.name), operand.fields)
    case 'pipeline':
      return fieldOf(pipelineValue(operand.pipeline, dot, run), operand.fields)
  }
}

function fieldOf(value: Value, fields: readonly string[]): Value | Method {
  let found: Value | Method = value
  for (const field of fields) {
    if (typeof found === 'function') found = found([])
    if (isMap(found)) found = found.get(field)
    else if (isStruct(found) && Object.hasOwn(found.fields, field)) found = found.fields[field]
    else throw new ExecutionError(`can't evaluate field ${field}`)
  }
  return found
}
