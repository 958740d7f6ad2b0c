/** Expressions mean what expr-lang 1.17.8 (the one in CoreDNS 1.15.0) makes of them; what it said is in expr-lang.json. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  compileExpression,
  type Environment,
  EvaluationError,
  ExpressionError,
  type Value,
} from '../../src/expression/index.ts'
import { StepsError } from '../../src/regexp/index.ts'

type Recorded = { readonly expression: string } & ({ readonly value: unknown } | { readonly error: string })

const recorded: readonly Recorded[] = JSON.parse(readFileSync(join(import.meta.dirname, 'expr-lang.json'), 'utf8'))

const text = (value: string) => ({ args: [], result: 'string', call: () => value }) as const
const number = (value: number) => ({ args: [], result: 'int', call: () => value }) as const

/** The query that the recorded answers are about. */
const environment: Environment<undefined> = {
  functions: {
    type: text('A'),
    name: text('www.example.org.'),
    class: text('IN'),
    proto: text('udp'),
    size: number(40),
    client_ip: text('10.1.2.3'),
    port: text('5353'),
    id: number(7),
    opcode: number(0),
    do: { args: [], result: 'bool', call: () => false },
    bufsize: number(1232),
    server_ip: text('127.0.0.1'),
    server_port: text('53'),
    metadata: { args: ['string'], result: 'string', call: (_, [label]) => (label === 'a/b' ? 'v' : '') },
    incidr: {
      args: ['string', 'string'],
      result: 'bool',
      call(_, [address, network]) {
        if (address === 'x' || network === 'x') throw new EvaluationError('not an address')
        return network === '10.0.0.0/8'
      },
    },
  },
}

function plain(value: Value): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
  return Array.isArray(value) ? value.map(plain) : value
}

function outcome(expression: string): Omit<Recorded, 'expression'> {
  try {
    const compiled = compileExpression(expression, environment)
    try {
      return { value: plain(compiled.evaluate(undefined)) }
    } catch (error) {
      if (error instanceof EvaluationError) return { error: 'run error' }
      throw error
    }
  } catch (error) {
    if (error instanceof ExpressionError) return { error: 'compile error' }
    throw error
  }
}

describe('an expression has the value that expr-lang gives it', () => {
  for (const { expression, ...expected } of recorded)
    it(`the expression ${expression} has the value that expr-lang gives it`, () =>
      assert.deepEqual(outcome(expression), expected))
})

describe('an invalid expression names the part that is invalid', () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["type() == 'A' and nosuch == 1", 'unknown name nosuch', 18],
    ['0 constructor 0', "unexpected 'constructor'", 2],
    ['toString', 'unknown name toString', 0],
    ["type == 'A'", "'type' is a function: write type(…)", 0],
    ['port() > 1024', 'invalid operation: > (mismatched types string and int)', 7],
    ["name() matches 'a('", 'invalid regular expression: missing closing ): `a(`', 16],
    ['incidr(client_ip())', 'not enough arguments to call incidr', 0],
    ['lower(5)', 'cannot use int as argument (type string) to call lower', 6],
    ["'abc", 'string is not terminated', 0],
    ['(1 + 2', "unexpected end of the expression, expected ')'", 6],
    ['now()', 'slicedns does not have the function now', 0],
    ['a § b', "unrecognized character '§'", 2],
  ]
  for (const [expression, message, offset] of cases)
    it(`the invalid expression ${expression} is refused by its invalid part`, () =>
      assert.throws(
        () => compileExpression(expression, environment),
        (error: unknown) => {
          assert.ok(error instanceof ExpressionError)
          assert.deepEqual([error.message, error.offset], [message, offset])
          return true
        },
      ))
})

describe('one evaluation is bounded in steps', () => {
  const costly = [
    'all(1..1000, any(1..1000, # == 1000))',
    "len(reduce(1..1000, #acc + #acc, 'aaaaaaaa')) > 0",
    "repeat('a', 1000000)",
    '1..100000',
    'sum(map(1..900, sum(1..900)))',
    "any(1..1000, name() matches '^' + string(#) + 'x')",
    "any(1..1000, name() matches '(.*[a-z]){9}[=~]')",
    "repeat('a', 2000) matches '(.*){100}[=~]'",
    "name() matches ('(a{1000}' + 'b?)+$')",
  ]
  for (const expression of costly)
    it(`the expression ${expression} ends with an error`, () => {
      const compiled = compileExpression(expression, environment)
      assert.throws(
        () => compiled.evaluate(undefined),
        (error) => error instanceof StepsError || error instanceof EvaluationError,
      )
    })

  // 2^24 elements, each of the arrays has the one before twice.
  const doubled = ['let a0 = [1, 1]', ...Array.from({ length: 24 }, (_, i) => `let a${i + 1} = [a${i}, a${i}]`)].join(
    '; ',
  )
  for (const use of [
    "string(a24) == ''",
    'len(flatten(a24)) > 3',
    'a24 == a24',
    'a24 in [a24]',
    "string({'x': a24}) == ''",
  ])
    it(`the expression ${use} ends with an error where a24 holds one array many times over`, () => {
      const compiled = compileExpression(`${doubled}; ${use}`, environment)
      assert.throws(() => compiled.evaluate(undefined), StepsError)
    })

  it('an expression is bounded in depth', () =>
    assert.throws(() => compileExpression(`${'('.repeat(5000)}1`, environment), /nested more than 100 deep/))
})

describe('the parser of expressions', () => {
  it('the parser of expressions reads or refuses any text, and never fails in another way', () => {
    const word = fc.constantFrom(
      ...[
        'name()',
        'size()',
        '1',
        "'a'",
        '+',
        '==',
        'and',
        'not',
        'in',
        '[',
        ']',
        '(',
        ')',
        '{',
        '}',
        ',',
        '#',
        '.',
        '?',
      ],
      ...[':', '|', 'let x =', ';', 'if', 'else', 'matches', '..', 'any(', 'map(', 'len(', '-', '`', '\\'],
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
          fc.string(),
        ),
        (source) => {
          outcome(source)
        },
      ),
      { numRuns: 3000 },
    )
  })
})
