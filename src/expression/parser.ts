/** The grammar of expr-lang (github.com/expr-lang/expr, docs/language-definition.md): tokens to a syntax tree. */
import { ExpressionError } from './error.ts'
import { type Token, tokenize } from './lexer.ts'
import { maxDepth, maxNodes, type Node } from './syntax.ts'

// Maps and not objects: an expression may contain the name of a property that every object has, such as `constructor`.
const unary: ReadonlyMap<string, number> = new Map(Object.entries({ not: 50, '!': 50, '-': 90, '+': 90 }))
const binary: ReadonlyMap<string, number> = new Map(
  Object.entries({
    '|': 0,
    or: 10,
    '||': 10,
    and: 15,
    '&&': 15,
    '==': 20,
    '!=': 20,
    '<': 20,
    '>': 20,
    '>=': 20,
    '<=': 20,
    in: 20,
    matches: 20,
    contains: 20,
    startsWith: 20,
    endsWith: 20,
    '..': 25,
    '+': 30,
    '-': 30,
    '*': 60,
    '/': 60,
    '%': 60,
    '**': 100,
    '^': 100,
    '??': 500,
  }),
)
const rightToLeft = ['**', '^']
const negatable = ['in', 'matches', 'contains', 'startsWith', 'endsWith']
const comparisons = ['<', '>', '<=', '>=']

/** Words that cannot name anything. */
export const keywords: readonly string[] = [
  'true',
  'false',
  'nil',
  'let',
  'if',
  'else',
  'not',
  ...[...binary.keys()].filter((word) => /^\w/.test(word)),
]

/** Reads an expression. Throws ExpressionError. */
export function parse(text: string): Node {
  const tokens = tokenize(text)
  let next = 0
  let depth = 0
  let nodes = 0

  const peek = (): Token => tokens[next]
  const is = (word: string, token = peek()): boolean =>
    token.kind !== 'string' && token.kind !== 'end' && token.text === word
  const take = (): Token => tokens[next++]

  function accept(word: string): boolean {
    if (!is(word)) return false
    next++
    return true
  }

  function expect(word: string): void {
    if (!accept(word)) throw unexpected(`expected '${word}'`)
  }

  function unexpected(wanted?: string): ExpressionError {
    const { kind, text, offset } = peek()
    const found = kind === 'end' ? 'unexpected end of the expression' : `unexpected '${text}'`
    return new ExpressionError(wanted === undefined ? found : `${found}, ${wanted}`, offset)
  }

  function node<N extends Node>(made: N): N {
    if (++nodes > maxNodes) throw new ExpressionError(`expression exceeds ${maxNodes} parts`, made.offset)
    return made
  }

  function nested<T>(read: () => T): T {
    if (++depth > maxDepth) throw new ExpressionError(`expression is nested more than ${maxDepth} deep`, peek().offset)
    const result = read()
    depth--
    return result
  }

  function expression(): Node {
    return nested(() => {
      if (is('let')) return declaration()
      if (is('if')) return ifElse()
      return ternary(operation(0))
    })
  }

  function declaration(): Node {
    const { offset } = take()
    const name = identifier()
    expect('=')
    const value = expression()
    expect(';')
    return node({ kind: 'let', name, value, body: expression(), offset })
  }

  function ifElse(): Node {
    const { offset } = take()
    const condition = expression()
    const whenTrue = braced()
    expect('else')
    const whenFalse = is('if') ? ifElse() : braced()
    return node({ kind: 'conditional', condition, whenTrue, whenFalse, offset })
  }

  function braced(): Node {
    expect('{')
    const body = expression()
    expect('}')
    return body
  }

  function ternary(condition: Node): Node {
    const { offset } = peek()
    if (!accept('?')) return condition
    if (accept(':'))
      return node({ kind: 'conditional', condition, whenTrue: condition, whenFalse: expression(), offset })
    const whenTrue = expression()
    expect(':')
    return node({ kind: 'conditional', condition, whenTrue, whenFalse: expression(), offset })
  }

  function operation(lowest: number): Node {
    let left = nested(operand)
    let compared: Node | undefined
    for (;;) {
      const negated = is('not') && negatable.some((word) => is(word, tokens[next + 1]))
      const { text: operator, offset } = tokens[negated ? next + 1 : next]
      const precedence = is(operator, tokens[negated ? next + 1 : next]) ? binary.get(operator) : undefined
      if (precedence === undefined || precedence < lowest) return left
      next += negated ? 2 : 1
      if (operator === '|') {
        left = postfix(call(identifier(), offset, [left]))
        continue
      }
      const right = operation(rightToLeft.includes(operator) ? precedence : precedence + 1)
      let made: Node = node({ kind: 'binary', operator, left, right, offset })
      if (negated) made = node({ kind: 'unary', operator: 'not', operand: made, offset })
      // `1 < x < 3` is two comparisons.
      if (comparisons.includes(operator) && compared !== undefined) {
        const second = node({ kind: 'binary', operator, left: compared, right, offset })
        made = node({ kind: 'binary', operator: 'and', left, right: second, offset })
      }
      compared = comparisons.includes(operator) ? right : undefined
      left = made
    }
  }

  function operand(): Node {
    const token = peek()
    const precedence = token.kind === 'string' ? undefined : unary.get(token.text)
    if (precedence !== undefined && token.kind !== 'end') {
      next++
      return node({ kind: 'unary', operator: token.text, operand: operation(precedence), offset: token.offset })
    }
    return postfix(primary())
  }

  function primary(): Node {
    const { kind, text, offset } = take()
    if (kind === 'number') return numberLiteral(text, offset)
    if (kind === 'string') return node({ kind: 'literal', value: text, offset })
    if (kind === 'name') return named(text, offset)
    if (text === '(') {
      const inner = expression()
      expect(')')
      return inner
    }
    if (text === '[') return array(offset)
    if (text === '{') return map(offset)
    if (text === '#') {
      const name = peek().kind === 'name' && peek().offset === offset + 1 ? take().text : ''
      return node({ kind: 'pointer', name, offset })
    }
    if (text === '.' && peek().kind === 'name') {
      next--
      return node({ kind: 'pointer', name: '', offset })
    }
    next--
    throw unexpected()
  }

  function numberLiteral(text: string, offset: number): Node {
    const digits = text.replaceAll('_', '')
    const value = Number(digits)
    if (!Number.isFinite(value)) throw new ExpressionError(`invalid number '${text}'`, offset)
    return node({ kind: 'literal', value, integer: /^(?:\d+|0[xbo].*)$/i.test(digits), offset })
  }

  function named(text: string, offset: number): Node {
    if (text === 'true' || text === 'false') return node({ kind: 'literal', value: text === 'true', offset })
    if (text === 'nil') return node({ kind: 'literal', value: null, offset })
    if (is('(')) return call(text, offset, [])
    if (keywords.includes(text)) {
      next--
      throw unexpected()
    }
    return node({ kind: 'name', name: text, offset })
  }

  function call(name: string, offset: number, first: readonly Node[]): Node {
    expect('(')
    const args = [...first]
    while (!accept(')')) {
      args.push(is('{') && args.length > 0 ? predicateOrMap() : expression())
      if (!is(')')) expect(',')
    }
    return node({ kind: 'call', name, args, offset })
  }

  /** `{# > 1}` is a predicate in braces, `{a: 1}` a map. */
  function predicateOrMap(): Node {
    const isMap = (tokens[next + 1].kind === 'name' || tokens[next + 1].kind === 'string') && is(':', tokens[next + 2])
    return isMap || is('}', tokens[next + 1]) ? expression() : braced()
  }

  function array(offset: number): Node {
    const items: Node[] = []
    while (!accept(']')) {
      items.push(expression())
      if (!is(']')) expect(',')
    }
    return node({ kind: 'array', items, offset })
  }

  function map(offset: number): Node {
    const entries: (readonly [Node, Node])[] = []
    while (!accept('}')) {
      const key = mapKey()
      expect(':')
      entries.push([key, expression()])
      if (!is('}')) expect(',')
    }
    return node({ kind: 'map', entries, offset })
  }

  function mapKey(): Node {
    const token = peek()
    if (accept('(')) {
      const key = expression()
      expect(')')
      return key
    }
    if (token.kind === 'operator' || token.kind === 'end') throw unexpected('expected a key')
    next++
    return node({ kind: 'literal', value: token.text, offset: token.offset })
  }

  function postfix(target: Node): Node {
    let result = target
    for (;;) {
      const { offset } = peek()
      if (is('.') || is('?.')) {
        const optional = take().text === '?.'
        const name = identifier()
        const property = node({ kind: 'literal', value: name, offset })
        result = node({ kind: 'member', target: result, property, optional, offset })
      } else if (accept('[')) result = index(result, offset)
      else return result
    }
  }

  function index(target: Node, offset: number): Node {
    if (accept(':')) return slice(target, undefined, offset)
    const property = expression()
    if (accept(':')) return slice(target, property, offset)
    expect(']')
    return node({ kind: 'member', target, property, optional: false, offset })
  }

  function slice(target: Node, from: Node | undefined, offset: number): Node {
    const to = is(']') ? undefined : expression()
    expect(']')
    return node({ kind: 'slice', target, from, to, offset })
  }

  function identifier(): string {
    if (peek().kind !== 'name') throw unexpected('expected a name')
    return take().text
  }

  const result = expression()
  if (peek().kind !== 'end') throw unexpected()
  return result
}
