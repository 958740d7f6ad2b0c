import { custom, oneOf, readBody, value } from '../../corefile/read.ts'
import type { Directive, DirectiveSchema } from '../../corefile/schema.ts'
import { rcode } from '../../dns/codes.ts'
import { isSubdomain, lowerName } from '../../dns/name.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Plugin, Transparency } from '../../plugin/contract.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'
import { classOf, type ReplyClass } from './classify.ts'
import { compileFormat, defaultFormat, type Format } from './format.ts'

interface Rule {
  /** Absolute, lower case. */
  readonly name: string
  readonly format: Format
  readonly classes: ReadonlySet<ReplyClass>
}

const everyClass: readonly ReplyClass[] = ['success', 'denial', 'error']

const rows = {
  class: custom<readonly ReplyClass[]>({ min: 1 }, (line, before = []) => [
    ...before,
    ...line.args.flatMap((word) => {
      const found = value(oneOf(['all', ...everyClass]), word, 'class')
      return found === 'all' ? everyClass : [found]
    }),
  ]),
}

const schema: DirectiveSchema<readonly Rule[]> = {
  usage: 'log [NAMES...] [FORMAT] { class all|success|denial|error... }',
  repeat: 'many',
  read: ({ occurrences }) => occurrences.flatMap(readRules),
}

function readRules(directive: Directive): Rule[] {
  const words = directive.args.map(({ text }) => text)
  // Only the last of several words can be a format: `log {common}` is about the name `{common}`, as in CoreDNS.
  const hasFormat = words.length > 1 && words.at(-1)!.includes('{')
  const format = compileFormat(hasFormat ? words.pop()! : defaultFormat)
  const classes = new Set(readBody(directive, rows).class ?? everyClass)
  return (words.length === 0 ? ['.'] : words).map((name) => ({ name: absolute(name), format, classes }))
}

function absolute(name: string): string {
  return lowerName(name.endsWith('.') ? name : `${name}.`)
}

/** Writes a line per query. */
export const log: Plugin<readonly Rule[]> = {
  name: 'log',
  schema,
  setup(rules, { log: ownLog, clock }) {
    // As CoreDNS: the query log is the one whose lines do not name their plugin.
    const lines = ownLog.plugin('')
    return {
      handler(query, next) {
        const rule = rules.find(({ name }) => isSubdomain(name, query.name))
        if (!rule) return next(query)
        return withOutcome(next(query), (outcome) => {
          const seen = written(query, outcome)
          if (rule.classes.has(classOf(seen.message)))
            lines.info(rule.format({ query, ...seen, seconds: (clock.now() - query.receivedAt) / 1_000 }))
          return outcome
        })
      },
      ...transparencyOf(rules),
    }
  },
}

/** Rcodes that a chain gives when it has written nothing: then the server's reply is what is logged. */
const serverWrites: ReadonlySet<number> = new Set([rcode.SERVFAIL, rcode.REFUSED, rcode.FORMERR, rcode.NOTIMP])

function written(query: Query, outcome: Outcome) {
  if (outcome.kind === 'reply') return { message: outcome.message }
  if (outcome.kind === 'drop' || !serverWrites.has(outcome.rcode)) return { message: undefined }
  return { message: replyTo(query.request, { rcode: outcome.rcode }) }
}

/**
 * The data plane writes no log, so names that are logged take the chain. Errors never come from the table: a log of
 * errors alone keeps no name out of it.
 */
function transparencyOf(rules: readonly Rule[]): { readonly transparency?: Transparency } {
  const logsAnswers = ({ classes }: Rule): boolean => classes.has('success') || classes.has('denial')
  if (!rules.some(logsAnswers)) return {}
  const ruleFor = (name: string) => rules.find((rule) => isSubdomain(rule.name, name))
  const passes = (name: string): boolean => {
    const rule = ruleFor(name)
    return !rule || !logsAnswers(rule)
  }
  return {
    transparency: {
      passes,
      passesBelow: (name) => passes(name) && !rules.some((rule) => isSubdomain(name, rule.name) && logsAnswers(rule)),
      reason: 'its queries are logged, and only the chain writes the log',
    },
  }
}
