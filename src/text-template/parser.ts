/** The grammar of Go's text/template, without `define`, `template` and `block`: a record is one line. */
import { quote, TemplateError } from './error.ts'
import { functions } from './functions.ts'
import { cut, type Piece, type Token } from './lexer.ts'
import type { Command, List, Node, Operand, Pipeline } from './syntax.ts'

const maxDepth = 50
const keywords = ['if', 'else', 'end', 'range', 'with', 'break', 'continue', 'define', 'template', 'block']

/** Reads a template. Throws TemplateError. */
export function parse(template: string): List {
  const pieces = cut(template)
  let next = 0
  let depth = 0
  let ranges = 0
  const scopes: Set<string>[] = [new Set(['$'])]

  /** What ends a list: the keyword, and a reader of the rest of its action. */
  interface Ending {
    readonly keyword: 'end' | 'else'
    readonly reader: Reader
  }

  function list(): { nodes: List; ending: Ending | undefined } {
    const nodes: Node[] = []
    while (next < pieces.length) {
      const piece = pieces[next++]
      if (piece.kind === 'text') {
        nodes.push({ kind: 'text', text: piece.text })
        continue
      }
      const reader = createReader(piece)
      const keyword = reader.acceptKeyword()
      if (keyword === 'end' || keyword === 'else') return { nodes, ending: { keyword, reader } }
      nodes.push(keyword === undefined ? print(reader) : controlled(keyword, reader))
    }
    return { nodes, ending: undefined }
  }

  function print(reader: Reader): Node {
    const read = pipeline(reader, 1)
    reader.end()
    return { kind: 'print', pipeline: read }
  }

  function controlled(keyword: string, reader: Reader): Node {
    switch (keyword) {
      case 'if':
      case 'with':
      case 'range':
        return block(keyword, reader)
      case 'break':
      case 'continue':
        reader.end()
        if (ranges === 0) throw new TemplateError(`{{${keyword}}} outside {{range}}`, reader.offset)
        return { kind: keyword }
      default:
        throw new TemplateError(`slicedns does not support {{${keyword}}} in templates`, reader.offset)
    }
  }

  function block(kind: 'if' | 'with' | 'range', reader: Reader): Node {
    if (++depth > maxDepth) throw new TemplateError(`template is nested more than ${maxDepth} deep`, reader.offset)
    scopes.push(new Set())
    const head = pipeline(reader, kind === 'range' ? 2 : 1)
    reader.end()
    if (kind === 'range') ranges++
    const body = list()
    if (kind === 'range') ranges--
    const otherwise = rest(kind, body.ending, reader)
    scopes.pop()
    depth--
    return { kind, pipeline: head, body: body.nodes, otherwise }
  }

  /** What follows a block's body: `{{end}}`, `{{else}}` or `{{else if …}}`. */
  function rest(kind: 'if' | 'with' | 'range', ending: Ending | undefined, opening: Reader): List {
    if (ending === undefined)
      throw new TemplateError(`unexpected end of the template: {{${kind}}} has no {{end}}`, opening.offset)
    if (ending.keyword === 'end') {
      ending.reader.end()
      return []
    }
    const chained = ending.reader.acceptKeyword()
    if (chained !== undefined && chained === kind && kind !== 'range') return [block(kind, ending.reader)]
    ending.reader.end()
    const otherwise = list()
    if (otherwise.ending?.keyword !== 'end')
      throw new TemplateError(`{{else}} of {{${kind}}} has no {{end}}`, ending.reader.offset)
    otherwise.ending.reader.end()
    return otherwise.nodes
  }

  function pipeline(reader: Reader, maxVariables: number): Pipeline {
    if (++depth > maxDepth) throw new TemplateError(`template is nested more than ${maxDepth} deep`, reader.offset)
    const { variables, declares } = reader.declaration(maxVariables)
    const commands: Command[] = [command(reader)]
    while (reader.accept('symbol', '|')) commands.push(command(reader))
    for (const { operands } of commands.slice(1))
      if (operands[0].kind === 'literal')
        throw new TemplateError('a literal cannot take an argument from a pipe', operands[0].offset)
    for (const variable of variables)
      if (declares) scopes.at(-1)!.add(variable)
      else if (!isDeclared(variable)) throw new TemplateError(`undefined variable ${variable}`, reader.offset)
    depth--
    return { variables, declares, commands }
  }

  const isDeclared = (name: string): boolean => scopes.some((scope) => scope.has(name))

  function command(reader: Reader): Command {
    const { offset } = reader.peek()
    const operands: Operand[] = []
    for (let token = reader.operandToken(); token !== undefined; token = reader.operandToken()) {
      operands.push(operand(token, reader))
      reader.endOfOperand()
    }
    if (operands.length === 0) throw new TemplateError('missing value for command', offset)
    return { offset, operands }
  }

  function operand(token: Token, reader: Reader): Operand {
    const { kind, text, offset } = token
    switch (kind) {
      case 'string':
        return { kind: 'literal', value: text, offset }
      case 'number':
        return { kind: 'literal', value: numberOf(text, offset), offset }
      case 'field':
        return { kind: 'dot', fields: [text, ...reader.fields()], offset }
      case 'variable':
        if (!isDeclared(text)) throw new TemplateError(`undefined variable ${text}`, offset)
        return { kind: 'variable', name: text, fields: reader.fields(), offset }
      case 'word':
        return word(text, offset)
      default:
        break
    }
    if (text === '.') return { kind: 'dot', fields: [], offset }
    if (text !== '(') throw new TemplateError(`unexpected ${text} in a command`, offset)
    const inner = pipeline(reader, 0)
    if (!reader.accept('symbol', ')')) throw new TemplateError('unclosed left parenthesis', offset)
    return { kind: 'pipeline', pipeline: inner, fields: reader.fields(), offset }
  }

  function word(text: string, offset: number): Operand {
    if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true', offset }
    if (text === 'nil') return { kind: 'literal', value: null, offset }
    if (!Object.hasOwn(functions, text))
      throw new TemplateError(`function "${text}" is not defined`, offset, {
        word: text,
        known: Object.keys(functions),
      })
    return { kind: 'function', name: text, offset }
  }

  const { nodes, ending } = list()
  if (ending !== undefined) throw new TemplateError(`unexpected {{${ending.keyword}}}`, ending.reader.offset)
  return nodes
}

function numberOf(text: string, offset: number): number {
  if (text[0] === "'") {
    const character = text.slice(1, -1).replace(/^\\(['\\])$/, '$1')
    const code = { '\\n': 10, '\\t': 9, '\\r': 13 }[character] ?? character.codePointAt(0)!
    return code
  }
  const digits = text.replaceAll('_', '')
  const value =
    /^[+-]?0x/i.test(digits) && digits[0] === '-' ? -Number(digits.slice(1)) : Number(digits.replace(/^\+/, ''))
  // Go reads 010 as octal.
  const octal = /^[+-]?0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : value
  if (!Number.isFinite(octal)) throw new TemplateError(`bad number syntax: ${quote(text)}`, offset)
  return octal
}

type Reader = ReturnType<typeof createReader>

/** The tokens of one action, taken one after the other. */
function createReader({ tokens, offset }: Extract<Piece, { kind: 'action' }>) {
  let at = 0
  const skipSpace = () => {
    while (tokens[at].kind === 'space') at++
  }
  const peek = (): Token => {
    skipSpace()
    return tokens[at]
  }
  const accept = (kind: Token['kind'], text: string): boolean => {
    const token = peek()
    if (token.kind !== kind || token.text !== text) return false
    at++
    return true
  }
  return {
    offset,
    peek,
    accept,
    /** The keyword that the action begins with. */
    acceptKeyword(): string | undefined {
      const { kind, text } = peek()
      if (kind !== 'word' || !keywords.includes(text)) return undefined
      at++
      return text
    },
    end(): void {
      const { kind, text, offset } = peek()
      if (kind !== 'end') throw new TemplateError(`unexpected ${quote(text)} in an action`, offset)
    },
    /** `$a, $b :=`, `$a =`, or nothing. */
    declaration(most: number): { variables: readonly string[]; declares: boolean } {
      const begin = at
      const variables: string[] = []
      while (variables.length < most && peek().kind === 'variable') {
        variables.push(tokens[at++].text)
        if (!accept('symbol', ',')) break
      }
      if (variables.length > 0 && accept('symbol', ':=')) return { variables, declares: true }
      if (variables.length > 0 && accept('symbol', '=')) return { variables, declares: false }
      at = begin
      return { variables: [], declares: false }
    },
    /** The first token of a command's next operand, or undefined at the command's end. */
    operandToken(): Token | undefined {
      const token = peek()
      if (token.kind === 'end' || (token.kind === 'symbol' && (token.text === '|' || token.text === ')')))
        return undefined
      if (token.kind === 'symbol' && token.text !== '.' && token.text !== '(')
        throw new TemplateError(`unexpected ${quote(token.text)} in an action`, token.offset)
      at++
      return token
    },
    /** Refuses `.Group.1`: a number is not a field. */
    endOfOperand(): void {
      const { kind, text, offset } = tokens[at]
      if (kind !== 'space' && kind !== 'end' && kind !== 'symbol')
        throw new TemplateError(`unexpected ${quote(text)} after an operand`, offset)
    },
    /** Fields that follow without a space: `$x.Name`. */
    fields(): readonly string[] {
      const fields: string[] = []
      while (tokens[at].kind === 'field') fields.push(tokens[at++].text)
      return fields
    },
  }
}
