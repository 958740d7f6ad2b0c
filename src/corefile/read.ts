/**
 * Reads directives by rows of data, of which a plugin's schema is made. Words and places all errors.
 *
 *     const rows = {
 *       ttl: option(integer({ min: 0, max: 3600 }), { default: 5, extra: 'ignore' }),  // number
 *       pods: option(oneOf(['disabled', 'insecure', 'verified']), { default: 'disabled' }),
 *       startup_timeout: option(duration(), { default: 5000 }),                        // milliseconds
 *       endpoint: option(text),                                                        // string | undefined
 *       namespaces: list(text, { repeat: 'append' }),                                  // readonly string[] | undefined
 *       tls: list(text, { min: 3, max: 3 }),
 *       noendpoints: flag(),                                                           // boolean
 *       fallthrough: fallthrough(),                                                    // readonly string[] | undefined
 *       policy: custom({ min: 1, max: 2 }, (line, before) => …, { default: … }),       // whatever it returns
 *     }
 *     export const schema: DirectiveSchema<Settings> = {
 *       usage: 'kubernetes [ZONES...] { … }',
 *       repeat: 'once',
 *       read({ occurrences: [directive], zones }) {
 *         const options = readBody(directive, rows)                // { ttl: number, pods: …, … }
 *         return { ...options, zones: zonesOf(directive.args, zones) }
 *       },
 *     }
 *
 * Arguments on the directive's own line: `argCount(directive, 0, 2)` checks how many there are, `value(kind, token,
 * of)` reads one, `zonesOf(args, zones)` reads ZONES. `noBody(directive)` refuses a `{ … }`. Anything else that is
 * wrong: `throw fail('what and why', tokenOrDirectiveOrLine)`. Where a body is not a list of options (inline hosts),
 * walk `directive.body` yourself.
 *
 * Surplus arguments that CoreDNS accepts are accepted by `extra: 'ignore'`. Of an option that is written twice the last
 * one counts, unless the row says `repeat: 'once'` or, for lists, `'append'`.
 */

import { adviceOn, isDirective } from './directives.ts'
import { normalizeZone } from './keys.ts'
import { nearest } from './nearest.ts'
import {
  type BodyLine,
  ConfigError,
  type Directive,
  type DirectiveSchema,
  type Position,
  type Token,
} from './schema.ts'
import { braceHint, type Kind, value } from './values.ts'

export { normalizeZone, zonesOf } from './keys.ts'
export * from './values.ts'

/** How one option is written, and what it means. */
export interface Row<T> {
  /** Arguments, at least and at most. */
  readonly min: number
  readonly max: number
  /** `ignore`: surplus arguments are accepted and have no effect. */
  readonly extra: 'refuse' | 'ignore'
  /**
   * CoreDNS reads the arguments and does not look for the end of the line: what is left of it is the next option, or
   * the block's `}`.
   */
  readonly closes: boolean
  /** `once`: a second line with this option is an error. */
  readonly once: boolean
  /** The value when the option is not written. */
  readonly default: T
  /** The value of a line, its arguments counted; `before` is that of an earlier line of the same option. */
  read(line: BodyLine, before: T | undefined): T
}

export type Rows = Readonly<Record<string, Row<unknown>>>

/** What a body gives: a value for each row. */
export type Options<R extends Rows> = { readonly [Word in keyof R]: R[Word] extends Row<infer T> ? T : never }

interface RowSettings {
  /** See Row.closes. */
  readonly closes?: boolean
  readonly extra?: 'refuse' | 'ignore'
  readonly repeat?: 'last' | 'once'
}

/** An option with exactly one argument. */
export function option<T, D extends T | undefined = undefined>(
  kind: Kind<T>,
  settings: RowSettings & { readonly default?: D } = {},
): Row<T | D> {
  return {
    ...rowFacts(1, 1, settings),
    default: settings.default as D,
    read: (line) => value(kind, line.args[0], line.word.text),
  }
}

/** An option without arguments: false unless written. */
export function flag(settings: RowSettings = {}): Row<boolean> {
  return { ...rowFacts(0, 0, settings), default: false, read: () => true }
}

/** An option with several arguments of one kind; `append` joins the lines of a repeated option. */
export function list<T, D extends readonly T[] | undefined = undefined>(
  kind: Kind<T>,
  settings: {
    readonly min?: number
    readonly max?: number
    readonly extra?: 'refuse' | 'ignore'
    readonly repeat?: 'last' | 'once' | 'append'
    readonly default?: D
  } = {},
): Row<readonly T[] | D> {
  const { min = 1, max = Number.POSITIVE_INFINITY, repeat, ...rest } = settings
  return {
    ...rowFacts(min, max, { ...rest, repeat: repeat === 'once' ? 'once' : 'last' }),
    default: settings.default as D,
    read(line, before) {
      const values = line.args.slice(0, max).map((token) => value(kind, token, line.word.text))
      return repeat === 'append' && before !== undefined ? [...before, ...values] : values
    },
  }
}

/** `fallthrough [ZONES]`: the zones that fall through, every name (`['.']`) without ZONES, undefined when not written. */
export function fallthrough(): Row<readonly string[] | undefined> {
  return zoneList({ whole: ['.'] })
}

/** An option with ZONES; `whole` is the value without any. Words that are not names are skipped, as CoreDNS does. */
export function zoneList(settings: {
  readonly whole?: readonly string[]
  readonly min?: number
}): Row<readonly string[] | undefined> {
  return {
    ...rowFacts(settings.min ?? 0, Number.POSITIVE_INFINITY, {}),
    default: undefined,
    read: ({ args }) => (args.length === 0 ? (settings.whole ?? []) : args.flatMap(({ text }) => normalizeZone(text))),
  }
}

/** An option that `read` parses: it gets the line, its arguments counted, and its own result for an earlier line. */
export function custom<T, D extends T | undefined = undefined>(
  arity: { readonly min: number; readonly max?: number },
  read: (line: BodyLine, before: T | undefined) => T,
  settings: RowSettings & { readonly default?: D } = {},
): Row<T | D> {
  return {
    ...rowFacts(arity.min, arity.max ?? Number.POSITIVE_INFINITY, settings),
    default: settings.default as D,
    // `before` is what `read` itself returned for an earlier line.
    read: (line, before) => read(line, before as T | undefined),
  }
}

function rowFacts(min: number, max: number, { extra = 'refuse', repeat = 'last', closes = false }: RowSettings) {
  return { min, max, extra, closes, once: repeat === 'once' }
}

/** Reads the body of a directive, if it has one. Throws ConfigError at the word that is wrong. */
export function readBody<R extends Rows>(
  directive: Directive,
  rows: R,
  settings: { readonly ignoreCase?: boolean } = {},
): Options<R> {
  const found = new Map<string, unknown>()
  const wordOf = ({ word }: BodyLine) => (settings.ignoreCase ? word.text.toLowerCase() : word.text)
  const rowOf = (line: BodyLine) => (Object.hasOwn(rows, wordOf(line)) ? rows[wordOf(line)] : undefined)
  const closesAfter = (line: BodyLine) => (rowOf(line)?.closes ? rowOf(line)?.max : undefined)
  for (const line of optionLines(directive, closesAfter)) {
    const row = rowOf(line)
    const word = wordOf(line)
    if (row === undefined) throw unknownProperty(directive, line, Object.keys(rows))
    if (row.once && found.has(word)) throw fail(`'${word}' of ${directive.word} can only be given once`, line)
    const max = row.extra === 'ignore' ? Number.POSITIVE_INFINITY : row.max
    countArgs(line.word.text, line.args, row.min, max, line.word.at)
    found.set(word, row.read(line, found.get(word)))
  }
  const entries = Object.entries(rows).map(([word, row]) => [word, found.has(word) ? found.get(word) : row.default])
  return Object.fromEntries(entries) as Options<R>
}

/**
 * The options of a body. `closesAfter` gives the number of arguments of an option that `closes` (Row.closes): what is
 * left of its line is the next option, or the `}` of a block that is written on one line.
 */
export function* optionLines(
  { body = [] }: Directive,
  closesAfter: (line: BodyLine) => number | undefined,
): Generator<BodyLine> {
  for (let [line, ...lines] = body; line !== undefined; [line, ...lines] = lines) {
    const most = closesAfter(line) ?? line.args.length
    yield { word: line.word, args: line.args.slice(0, most) }
    const [next, ...rest] = line.args.slice(most)
    if (next?.text === '}' && rest.length === 0) return
    if (next?.text === '}')
      throw fail(`Unexpected '${rest[0].text}' after '}': it must begin on a line of its own`, rest[0])
    if (next !== undefined) lines.unshift({ word: next, args: rest })
  }
}

/** The error for an option that the directive does not have; it has those in `words`. */
export function unknownProperty(directive: Directive, line: BodyLine, words: readonly string[]): ConfigError {
  const word = line.word.text
  if (word === '{') return fail(`a block inside a block: '{' in the body of ${directive.word}`, line)
  if (isDirective(word) && directive.opened !== undefined) {
    const opened = placeText(directive.opened)
    return fail(
      `unknown property '${word}' of ${directive.word}: it is a directive (is a '}' missing before it? The block opens at ${opened})`,
      line,
    )
  }
  const advice = adviceOn(word)
  if (advice !== undefined) return fail(`unknown property '${word}' of ${directive.word} (${advice})`, line)
  const known = nearest(word, words)
  const hint = known === undefined ? `; it has ${words.join(', ')}` : `: did you mean '${known}'?`
  return fail(`unknown property '${word}' of ${directive.word}${hint}`, line)
}

/** Checks how many arguments stand on the directive's own line. Throws ConfigError. */
export function argCount(directive: Directive, min: number, max = Number.POSITIVE_INFINITY): void {
  countArgs(directive.word, directive.args, min, max, directive.at)
}

function countArgs(word: string, args: readonly Token[], min: number, max: number, at: Position): void {
  if (args.length >= min && args.length <= max) return
  const wanted = min === max ? `${min}` : max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`
  const plural = wanted === '1' || wanted === 'at least 1' ? '' : 's'
  throw new ConfigError(
    `Wrong argument count or unexpected line ending after '${word}': it takes ${wanted === '0' ? 'no' : wanted} argument${plural}, not ${args.length}${braceHint(args.at(-1))}`,
    args[max]?.at ?? at,
  )
}

/** Refuses a body, an empty one too. */
export function noBody(directive: Directive): void {
  if (directive.opened !== undefined) throw new ConfigError(`${directive.word} takes no block`, directive.opened)
}

/** A ConfigError at a word, a line of a body or a directive, to throw. */
export function fail(message: string, place: Token | BodyLine | Directive): ConfigError {
  return new ConfigError(message, 'at' in place ? place.at : place.word.at)
}

/**
 * Reads the settings of a directive: refuses a second occurrence where the schema says `once`, then leaves the rest to
 * the schema. Throws ConfigError.
 */
export function readSettings<Settings>(
  schema: DirectiveSchema<Settings>,
  occurrences: readonly Directive[],
  zones: readonly string[],
): Settings {
  try {
    const [first] = occurrences
    const settings = schema.read({ occurrences: schema.repeat === 'once' ? [first] : occurrences, zones })
    if (schema.repeat === 'once' && occurrences.length > 1) throw usedTwice(occurrences)
    return settings
  } catch (error) {
    throw blamed(error, occurrences)
  }
}

function usedTwice([first, second]: readonly Directive[]): ConfigError {
  return fail(
    `${second.word}: this plugin can only be used once per Server Block (first used at ${placeText(first.at)})`,
    second,
  )
}

/** An error in words that were not meant as a directive is reported as what made them one. */
function blamed(error: unknown, occurrences: readonly Directive[]): unknown {
  if (!(error instanceof ConfigError)) return error
  const { spill } = occurrences.find((directive) => places(directive).includes(error.at)) ?? {}
  return spill === undefined ? error : new ConfigError(spill.reason, spill.at)
}

function places({ at, args, body = [] }: Directive): (Position | undefined)[] {
  return [
    at,
    ...args.map((token) => token.at),
    ...body.flatMap(({ word, args }) => [word.at, ...args.map((token) => token.at)]),
  ]
}

function placeText({ file, line, column }: Position): string {
  return `${file}:${line}:${column}`
}
