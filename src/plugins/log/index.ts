import { custom, oneOf, readBody, value } from '../../corefile/read.ts'
import type { Directive, DirectiveSchema } from '../../corefile/schema.ts'
import { isSubdomain, lowerName } from '../../dns/name.ts'
import { metadataScope } from '../../plugin/capabilities/metadata.ts'
import { queryObserver } from '../../plugin/capabilities/query-observer.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import type { Observed } from '../../plugin/observer.ts'
import { compileFormat, defaultFormat, type Format, hasMetadata } from '../../plugin/query-format.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'
import type { ReplyClass } from './classify.ts'
import { recordFields } from './fields.ts'
import { classOfAnswer, type Logged, loggedAnswer, loggedOutcome, replyOf } from './logged.ts'

interface Rule {
  /** Absolute, lower case. */
  readonly name: string
  readonly format: Format
  /** Whether the format has metadata, which only the chain knows. */
  readonly takesMetadata: boolean
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
  const text = hasFormat ? words.pop()! : defaultFormat
  const format = compileFormat(text)
  const takesMetadata = hasMetadata(text)
  const classes = new Set(readBody(directive, rows).class ?? everyClass)
  return (words.length === 0 ? ['.'] : words).map((name) => ({ name: absolute(name), format, takesMetadata, classes }))
}

function absolute(name: string): string {
  return lowerName(name.endsWith('.') ? name : `${name}.`)
}

/** Writes a line per query. */
export const log: Plugin<readonly Rule[]> = {
  name: 'log',
  schema,
  setup(all, { log: ownLog, clock, block }) {
    // As CoreDNS: the query log is the one whose lines do not name their plugin.
    const lines = ownLog.plugin('')
    const write = (format: Format, logged: Logged): void =>
      lines.info(format(logged), lines.structured ? recordFields(logged) : undefined)
    // A rule after a wider one never applies.
    const rules = all.filter((rule) => all.find(({ name }) => isSubdomain(name, rule.name)) === rule)
    const ruleFor = (name: string): Rule | undefined => rules.find((rule) => isSubdomain(rule.name, name))
    const claim = { answers: 'all', reason: 'log: the format has metadata' } as const
    const isClaimed = (name: string): boolean =>
      ruleFor(name)?.takesMetadata === true && block.capability(metadataScope)?.covers(name) === true
    return {
      handler(query, next) {
        const rule = ruleFor(query.name)
        if (!rule || query.unrecorded) return next(query)
        return withOutcome(next(query), (outcome) => {
          const reply = replyOf(query, outcome, clock.wall() / 1_000)
          if (rule.classes.has(reply.class))
            write(rule.format, loggedOutcome(query, reply, (clock.now() - query.receivedAt) / 1_000))
          return outcome
        })
      },
      provides: [
        provide(queryObserver, {
          wants: (name) => wanted(rules, name),
          observe(query) {
            const rule = ruleFor(query.name)
            if (rule?.classes.has(classOfAnswer(query))) write(rule.format, loggedAnswer(query))
          },
        }),
        ...(rules.some(({ takesMetadata }) => takesMetadata)
          ? // Without relay passage: relayed queries have no metadata either.
            [
              provide(transparency, {
                claims: (name) => (isClaimed(name) ? claim : undefined),
                // Names below one that is not covered may be covered.
                claimsBelow: () => (block.capability(metadataScope) ? claim : undefined),
              }),
            ]
          : [provide(relayPassage, passesEverything)]),
      ],
    }
  },
}

/**
 * The classes logged by the first rule for the name and by all rules for names below it. Errors never come from the
 * table.
 */
function wanted(rules: readonly Rule[], name: string): Observed {
  const own = rules.findIndex((rule) => isSubdomain(rule.name, name))
  const concerned = rules.filter((rule, i) => i === own || isSubdomain(name, rule.name))
  const writes = (wantedClass: ReplyClass) => concerned.some(({ classes }) => classes.has(wantedClass))
  return { answers: writes('success'), denials: writes('denial') }
}
