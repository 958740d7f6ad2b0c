/** Expressions of `view` and `template`: a text is an expression or an error with its place; its value has its type. */
import assert from 'node:assert/strict'
import {
  compileExpression,
  EvaluationError,
  type Expression,
  ExpressionError,
  type Value,
} from '../../../src/expression/index.ts'
import { type QueryContext, queryFunctions } from '../../../src/plugin/query-expression.ts'
import { StepsError } from '../../../src/regexp/index.ts'
import { ask } from '../../support/plugin-harness.ts'
import type { Target } from '../engine/target.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const seeds = [
  "incidr(client_ip(), '127.0.0.0/24') and name() matches '^a.*$'",
  "type() in ['A', 'AAAA'] || not (name() contains 'x') && size() > 100 ? true : false",
  'let x = 5 + 2 ** 3 % 4; all([1, 2, x], # > 0) and none(1..3, {# == 5})',
  "map(filter([1,2,3], # != 2), {# * 1.5}) | sum() > 3 ?? {'a': 1, b: [2]}.b[0]",
  'split(name(), ".")[1:-1] | join("-") | upper() startsWith "X"',
  'metadata("a/b")?.c ?? reduce(1..9, #acc + #, 0) // comment',
  'if bufsize() > 512 {"a"} else if do() {"b"} else {"c" + string(port()) + toJSON([1])}',
  "sortBy(['b','a'], #) == ['a','b'] and 1 < opcode() <= 3 and len(id()) == 0x1f + 0b1 + 1_000 + .5e3",
  'any(groupBy([1,2,3], # % 2)["1"], # == 3) or lastIndexOf("abcabc", "c") == 5 and now() > duration("1h")',
]

export const target: Target = {
  seeds: seeds.map((text) => Buffer.from(text)),
  words: [
    ...Object.keys(queryFunctions).map((name) => `${name}()`),
    'let x = ',
    '; ',
    ' and ',
    ' or ',
    'not ',
    ' in ',
    ' matches ',
    ' contains ',
    ' ?? ',
    '?.',
    '..',
    '1..1000000',
    '**',
    '#',
    '#acc',
    '#index',
    '[',
    ']',
    '{',
    '}',
    '(',
    ')',
    ' | ',
    ' ? ',
    ' : ',
    'nil',
    "'a'",
    '"\\u0041"',
    '`',
    '-1',
    '9223372036854775807',
    '1e308',
    '[0:9]',
    'repeat("a", 100000)',
    '__proto__',
    'constructor',
    '.length',
  ],
  maxOctets: 800,
  maxSteps: (octets) => 3_000_000 + 1_000 * octets,
  check(input) {
    const text = decoder.decode(input)
    let expression: Expression<QueryContext>
    try {
      expression = compileExpression(text, { functions: queryFunctions })
    } catch (error) {
      assert.ok(error instanceof ExpressionError, String(error))
      assert.ok(error.offset >= 0 && error.offset <= text.length, `offset ${error.offset} of ${text.length}`)
      assert.ok(error.message.length < text.length + 400)
      return
    }
    const value = evaluate(expression)
    if ('failed' in value) return
    checkValue(value.value)
    assert.ok(hasType(value.value, expression.type), `a value of type ${expression.type}`)
    // What the clock says may differ, and what random numbers are.
    if (!/now|random|shuffle/i.test(text)) assert.deepEqual(evaluate(expression), value)
  },
}

function evaluate(expression: Expression<QueryContext>): { readonly value: Value } | { readonly failed: string } {
  const query = ask('www.Example.org. A', { edns: {} })
  try {
    return { value: expression.evaluate({ query }, query.budget.steps) }
  } catch (error) {
    assert.ok(error instanceof EvaluationError || error instanceof StepsError, String(error))
    return { failed: error.message }
  }
}

/** Nothing of JavaScript's own gets into a value. */
function checkValue(value: unknown): void {
  if (Array.isArray(value)) for (const item of value.slice(0, 100)) checkValue(item)
  else if (value instanceof Map) for (const item of value.values()) checkValue(item)
  else
    assert.ok(
      value === null || value === undefined || ['string', 'number', 'bigint', 'boolean'].includes(typeof value),
      typeof value,
    )
}

function hasType(value: unknown, type: string): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string'
    case 'bool':
      return typeof value === 'boolean'
    case 'int':
    case 'float':
      return typeof value === 'number' || typeof value === 'bigint'
    case 'array':
      return Array.isArray(value)
    case 'map':
      return value instanceof Map
    case 'nil':
      return value === null || value === undefined
    default:
      return true
  }
}
