/** The `template` directive. */
import { suggestion } from '../../corefile/nearest.ts'
import { fail, normalizeZone, optionLines, unknownProperty, unsigned, value, zonesOf } from '../../corefile/read.ts'
import type { BodyLine, Directive, DirectiveSchema, Position, Token } from '../../corefile/schema.ts'
import { rcode } from '../../dns/codes.ts'
import { type Environment, type Expression, isReserved, keywords, type Type } from '../../expression/index.ts'
import { queryClass, queryType, responseCode } from '../../plugin/dns-values.ts'
import { readPattern } from '../../plugin/pattern-value.ts'
import { queryFunctions, readExpression } from '../../plugin/query-expression.ts'
import { compilePattern, type Pattern } from '../../regexp/index.ts'
import { compileTemplate, type Template, TemplateError } from '../../text-template/index.ts'
import type { MatchContext } from './match-context.ts'

export const sections = ['answer', 'additional', 'authority'] as const
export type Section = (typeof sections)[number]

export interface Variable {
  readonly name: string
  readonly expression: Expression<MatchContext>
}

export interface Settings {
  readonly class: number
  readonly type: number
  readonly zones: readonly string[]
  /** The first one that matches counts. */
  readonly patterns: readonly Pattern[]
  readonly records: Readonly<Record<Section, readonly Template[]>>
  readonly rcode: number
  readonly extendedError: { readonly code: number; readonly reason: string } | undefined
  /** Zones whose names go to the next template where nothing matches. */
  readonly fallthrough: readonly string[]
  readonly variables: readonly Variable[]
  readonly conditions: readonly Expression<MatchContext>[]
  /** As written, and where, for `explain`. */
  readonly text: string
  readonly at: Position
}

type Draft = { -readonly [Key in Exclude<keyof Settings, 'records'>]: Settings[Key] } & {
  readonly records: Record<Section, readonly Template[]>
  /** The names that expressions of the directive can use so far. */
  environment: Environment<MatchContext>
}

export const schema: DirectiveSchema<readonly Settings[]> = {
  usage:
    'template CLASS TYPE [ZONES...] { match | answer | additional | authority | rcode | ederror | var | expr | fallthrough }',
  repeat: 'many',
  read: ({ occurrences, zones }) => occurrences.map((directive) => readTemplate(directive, zones)),
}

function readTemplate(directive: Directive, zones: readonly string[]): Settings {
  const [classWord, typeWord, ...zoneWords] = directive.args
  if (typeWord === undefined) throw fail('template must have a class and a type', classWord ?? directive)
  const draft: Draft = {
    class: readClass(classWord),
    type: readType(typeWord),
    zones: zonesOf(zoneWords, zones),
    patterns: [],
    records: { answer: [], additional: [], authority: [] },
    rcode: rcode.NOERROR,
    extendedError: undefined,
    fallthrough: [],
    variables: [],
    conditions: [],
    text: `template ${directive.args.map(({ text }) => text).join(' ')}`,
    at: directive.at,
    environment: { functions: { ...queryFunctions, group }, variables: {} },
  }
  for (const line of optionLines(directive, ({ word }) => (word.text === 'rcode' ? 1 : undefined))) {
    if (!Object.hasOwn(options, line.word.text)) throw unknownProperty(directive, line, Object.keys(options))
    options[line.word.text](draft, line)
  }
  return { ...draft, patterns: draft.patterns.length > 0 ? draft.patterns : [compilePattern('.*')] }
}

function readClass(token: Token): number {
  return value(queryClass(), token, 'template')
}

function readType(token: Token): number {
  return value(queryType(), token, 'template')
}

/** A group by number or name; '' if it does not exist. */
const group = {
  args: ['any'],
  result: 'string',
  call: ({ groups }: MatchContext, [name]: readonly unknown[]) => groups.get(String(name)) ?? '',
} as const

const options: Readonly<Record<string, (draft: Draft, line: BodyLine) => void>> = {
  match(draft, { word, args }) {
    needArgs(word, args)
    draft.patterns = [...draft.patterns, ...args.map(readPattern)]
  },
  answer: readRecords('answer'),
  additional: readRecords('additional'),
  authority: readRecords('authority'),
  rcode(draft, { word, args: [name] }) {
    if (name === undefined) throw fail('rcode must have a code', word)
    draft.rcode = value(responseCode(), name, 'rcode')
  },
  ederror(draft, { word, args }) {
    if (args.length < 1 || args.length > 2)
      throw fail('ederror must have a code, and at most one reason', args[2] ?? word)
    draft.extendedError = {
      code: value(unsigned({ max: 65_535 }), args[0], 'ederror'),
      reason: args[1]?.text ?? '',
    }
  },
  var(draft, { word, args: [name, ...words] }) {
    if (name === undefined || words.length === 0) throw fail('var must have a name and an expression', word)
    checkVariable(draft, name)
    const expression = readExpression(words, draft.environment)
    const { functions, variables } = draft.environment
    const variable = {
      type: expression.type as Type,
      read: (context: MatchContext) => context.variables.get(name.text) ?? null,
    }
    draft.environment = { functions, variables: { ...variables, [name.text]: variable } }
    draft.variables = [...draft.variables, { name: name.text, expression }]
  },
  expr(draft, { word, args }) {
    needArgs(word, args)
    draft.conditions = [...draft.conditions, readExpression(args, draft.environment)]
  },
  fallthrough(draft, { args }) {
    draft.fallthrough = args.length === 0 ? ['.'] : args.flatMap(({ text }) => normalizeZone(text))
  },
  // CoreDNS accepts and ignores it.
  upstream() {},
}

function needArgs(word: Token, args: readonly Token[]): void {
  if (args.length === 0) throw fail(`${word.text} must have an argument`, word)
}

function readRecords(section: Section): (draft: Draft, line: BodyLine) => void {
  return ({ records }, { word, args }) => {
    needArgs(word, args)
    records[section] = [...records[section], ...args.map(readRecordTemplate)]
  }
}

function readRecordTemplate(token: Token): Template {
  try {
    return compileTemplate(token.text)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    const column = token.at.column + (token.quoted ? 1 : 0) + error.offset
    const hint = error.unknown ? suggestion(error.unknown.word, error.unknown.known) : ''
    throw fail(`could not compile template: ${error.message}${hint}`, { ...token, at: { ...token.at, column } })
  }
}

function checkVariable({ environment }: Draft, name: Token): void {
  if (!/^[a-zA-Z_]\w*$/.test(name.text)) throw fail(`invalid variable name '${name.text}'`, name)
  const { functions, variables = {} } = environment
  const taken = Object.hasOwn(functions, name.text) || Object.hasOwn(variables, name.text)
  if (taken || isReserved(name.text) || keywords.includes(name.text))
    throw fail(`variable name '${name.text}' is reserved`, name)
}
