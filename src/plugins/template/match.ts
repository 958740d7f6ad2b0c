/** Matches templates against queries. */
import { dnsClass, properClassName, properTypeName, type } from '../../dns/codes.ts'
import { innermostZone, isSubdomain } from '../../dns/name.ts'
import { EvaluationError } from '../../expression/index.ts'
import type { Query } from '../../plugin/query.ts'
import type { MatchContext } from './match-context.ts'
import type { Settings } from './settings.ts'

/** `skip`: the next template is tried. `fail`: SERVFAIL. */
export type MatchOutcome =
  | { readonly kind: 'match'; readonly context: MatchContext }
  | { readonly kind: 'skip' }
  | { readonly kind: 'fail' }

const skip: MatchOutcome = { kind: 'skip' }
const failed: MatchOutcome = { kind: 'fail' }

/** Throws StepsError. */
export function matchTemplate(template: Settings, query: Query): MatchOutcome {
  const { name, qtype, qclass } = query
  const zone = innermostZone(template.zones, name)
  if (zone === undefined) return skip
  if (template.class !== dnsClass.ANY && qclass !== dnsClass.ANY && qclass !== template.class) return skip
  if (template.type !== type.ANY && qtype !== type.ANY && qtype !== template.type) return skip
  const otherwise = template.fallthrough.some((through) => isSubdomain(through, name)) ? skip : failed
  for (const pattern of template.patterns) {
    const matches = pattern.exec(name, query.budget.steps)
    if (matches === undefined) continue
    const context: MatchContext = {
      query,
      zone,
      class: properClassName(qclass === dnsClass.ANY ? template.class : qclass) ?? '',
      type: properTypeName(qtype === type.ANY ? template.type : qtype) ?? '',
      pattern: pattern.source,
      matches,
      groups: groupsOf(matches, pattern.groupNames),
      variables: new Map(),
    }
    // An expression that cannot be evaluated fails the query, even with fallthrough, as in CoreDNS.
    const holds = evaluate(template, context)
    if (holds === undefined) return failed
    return holds ? { kind: 'match', context } : otherwise
  }
  return otherwise
}

function groupsOf(matches: readonly string[], names: ReadonlyMap<string, number>): ReadonlyMap<string, string> {
  const groups = new Map(matches.map((match, number) => [String(number), match]))
  for (const [name, number] of names) groups.set(name, matches[number])
  return groups
}

/** Evaluates the variables, then the conditions; undefined where one cannot be evaluated. Throws StepsError. */
function evaluate({ variables, conditions }: Settings, context: MatchContext): boolean | undefined {
  const { steps } = context.query.budget
  try {
    for (const { name, expression } of variables) context.variables.set(name, expression.evaluate(context, steps))
    return conditions.every((condition) => condition.evaluate(context, steps) === true)
  } catch (error) {
    if (error instanceof EvaluationError) return undefined
    throw error
  }
}
