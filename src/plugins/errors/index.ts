import { argCount, custom, fail, flag, oneOf, parseDuration, readBody, value } from '../../corefile/read.ts'
import type { BodyLine, DirectiveSchema } from '../../corefile/schema.ts'
import { typeName } from '../../dns/codes.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { readPattern } from '../../plugin/pattern-value.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import { rcodeOf, withOutcome } from '../../plugin/with-outcome.ts'
import { type Consolidation, createConsolidator, type Level } from './consolidator.ts'

interface Settings {
  readonly stacktrace: boolean
  /** In file order: the first whose pattern matches takes the error. */
  readonly consolidate: readonly Consolidation[]
}

const levels: readonly Level[] = ['warning', 'error', 'info', 'debug']

const rows = {
  stacktrace: flag({ closes: true }),
  consolidate: custom<readonly Consolidation[], readonly Consolidation[]>(
    { min: 2, max: 4 },
    (line, before = []) => [...before, readConsolidation(line)],
    { default: [] },
  ),
}

const schema: DirectiveSchema<Settings> = {
  usage: 'errors [stdout] { stacktrace | consolidate DURATION REGEXP [LEVEL] [show_first] }',
  repeat: 'once',
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 1)
    // CoreDNS accepts no other file.
    if (directive.args[0]) value(oneOf(['stdout']), directive.args[0], 'errors')
    return readBody(directive, rows)
  },
}

function readConsolidation({ args }: BodyLine): Consolidation {
  const [period, pattern, ...rest] = args
  const milliseconds = parseDuration(period.text)
  if (milliseconds === undefined) throw fail(`'${period.text}' is not a duration such as 30s or 5m`, period)
  const compiled = readPattern(pattern)
  const [first, second] = rest
  const onlyShowFirst = first?.text === 'show_first'
  if (onlyShowFirst && second && second.text !== 'show_first')
    throw fail('show_first must come after the level', second)
  if (second && second.text !== 'show_first') throw fail(`unknown option '${second.text}' of consolidate`, second)
  if (onlyShowFirst || !first)
    return { period: milliseconds, pattern: compiled, text: pattern.text, level: 'error', showFirst: onlyShowFirst }
  const level = value(oneOf(levels), first, 'consolidate')
  return { period: milliseconds, pattern: compiled, text: pattern.text, level, showFirst: second !== undefined }
}

/** Logs errors of queries; repeated ones can be counted instead. */
export const errors: Plugin<Settings> = {
  name: 'errors',
  schema,
  setup({ consolidate, stacktrace }, { log, clock }) {
    const consolidator = createConsolidator(consolidate, clock, log)
    const logError = (query: Query, outcome: Outcome): Outcome => {
      if (outcome.kind === 'drop' || !outcome.error) return outcome
      const { message, stack } = outcome.error
      const place = `${rcodeOf(outcome)} ${query.name} ${typeName(query.qtype)}`
      if (consolidator.takes(message, `${place}: ${message}`, query.budget.steps)) return outcome
      log.error(`${place}: ${stacktrace && stack ? stack : message}`)
      return outcome
    }
    return {
      handler: (query, next) =>
        query.unrecorded ? next(query) : withOutcome(next(query), (outcome) => logError(query, outcome)),
      provides: [provide(relayPassage, passesEverything)],
      stop: consolidator.flush,
    }
  },
}
