/**
 * Counters in the sources as they are loaded: at the beginning of each function, branch, loop and switch case, and of
 * what a conditional or logical expression may leave out. Lines and columns before a counter stay what they are.
 */
import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'
import { type AnyNode, type Node, parse } from 'acorn'
import { addPlace } from './counters.ts'

const sources = new URL('../../../src/', import.meta.url).href
const counters = new URL('./counters.ts', import.meta.url).href

/** Texts that stand in the instrumented sources: what a parser compares its input with is among them. */
export const sourceTexts = new Set<string>()

/** Instruments every module of src/ that is imported from now on. */
export function instrumentImports(): void {
  registerHooks({
    load(url, context, nextLoad) {
      if (!url.startsWith(sources) || !url.endsWith('.ts')) return nextLoad(url, context)
      const source = instrument(stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8')))
      return { format: 'module', source, shortCircuit: true }
    },
  })
}

/** JavaScript of a module, with counters. */
export function instrument(code: string): string {
  const insertions: Insertion[] = []
  visit(parse(code, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true }), insertions)
  insertions.sort((a, b) => a.at - b.at || a.order - b.order)
  let [result, from] = [`import{hit as $hit}from${JSON.stringify(counters)};`, 0]
  for (const { at, text } of insertions) {
    result += code.slice(from, at) + text
    from = at
  }
  return result + code.slice(from)
}

interface Insertion {
  readonly at: number
  readonly text: string
  /** Of those at one place: what ends stands before what begins, inner ends before outer ones, outer beginnings before inner ones. */
  readonly order: number
}

const count = (): string => `$hit(${addPlace()})`

function wrap(node: AnyNode, before: string, after: string, insertions: Insertion[]): void {
  const order = insertions.length + 1
  insertions.push({ at: node.start, text: before, order }, { at: node.end, text: after, order: -order })
}

function visit(node: AnyNode | Node, insertions: Insertion[]): void {
  const found = node as AnyNode
  instrumentNode(found, insertions)
  for (const value of Object.values(found))
    for (const child of Array.isArray(value) ? value : [value])
      if (typeof child?.type === 'string') visit(child, insertions)
}

function instrumentNode(node: AnyNode, insertions: Insertion[]): void {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
      if (node.body) countStatement(node.body, insertions)
      break
    case 'ArrowFunctionExpression':
      if (node.body.type === 'BlockStatement') countStatement(node.body, insertions)
      else countExpression(node.body, insertions)
      break
    case 'IfStatement':
      countStatement(node.consequent, insertions)
      if (node.alternate) countStatement(node.alternate, insertions)
      break
    case 'ForStatement':
    case 'ForInStatement':
    case 'ForOfStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
      countStatement(node.body, insertions)
      break
    case 'CatchClause':
      countStatement(node.body, insertions)
      break
    case 'SwitchCase':
      if (node.consequent.length > 0) begin(node.consequent[0].start, insertions)
      break
    case 'ConditionalExpression':
      countExpression(node.consequent, insertions)
      countExpression(node.alternate, insertions)
      break
    case 'LogicalExpression':
      countExpression(node.right, insertions)
      break
    case 'Literal':
      if (typeof node.value === 'string' && /^(?!\.|node:)\S{1,32}$/.test(node.value)) sourceTexts.add(node.value)
      break
  }
}

function begin(at: number, insertions: Insertion[]): void {
  insertions.push({ at, text: `${count()};`, order: insertions.length + 1 })
}

function countStatement(node: AnyNode, insertions: Insertion[]): void {
  if (node.type === 'BlockStatement') begin(node.start + 1, insertions)
  else wrap(node, `{${count()};`, '}', insertions)
}

function countExpression(node: AnyNode, insertions: Insertion[]): void {
  wrap(node, `(${count()},`, ')', insertions)
}
