import { rcode } from '../../dns/codes.ts'
import { NameError } from '../../dns/name.ts'
import { relayPassage } from '../../plugin/capabilities/relay.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { provide } from '../../plugin/capability.ts'
import type { Instance, Plugin } from '../../plugin/contract.ts'
import type { Next, Outcome, Query } from '../../plugin/query.ts'
import { transparencyOf } from '../../plugin/transparency-of.ts'
import { withinSteps } from '../../plugin/within-steps.ts'
import { validName } from './names.ts'
import { restored } from './response.ts'
import type { ResponseRule, Rule } from './rule.ts'
import { type Settings, schema } from './settings.ts'

const plugin = 'rewrite'

/** Changes questions for the later plugins, and replies for the client. */
export const rewrite: Plugin<Settings> = {
  name: plugin,
  schema,
  setup(rules): Instance {
    const echoes = new Set(rules.flatMap(({ echoes }) => echoes ?? []))
    return {
      handler: (query, next) => withinSteps(plugin, query, () => rewriteQuery(rules, echoes, query, next)),
      provides: [
        ...(rules.some(({ changesForUpstreams }) => changesForUpstreams)
          ? [provide(relayPassage, { zones: ['.'] })]
          : []),
        provide(transparency, transparencyOf(rules.flatMap(({ claim }) => claim ?? []))),
      ],
    }
  },
}

function rewriteQuery(
  rules: readonly Rule[],
  echoes: ReadonlySet<number>,
  asked: Query,
  next: Next,
): Outcome | Promise<Outcome> {
  let query = asked
  const response: ResponseRule[] = []
  let [applied, stopped] = [false, false]
  for (const rule of rules) {
    const rewritten = rule.apply(query)
    if (rewritten === undefined) continue
    if (rewritten.query.qname !== query.qname && !isName(rewritten.query.qname))
      return invalidName(rewritten.query.qname)
    applied = true
    query = rewritten.query
    response.push(...rewritten.response)
    stopped = rule.mode === 'stop' && !rewritten.passedOver
    if (stopped) break
  }
  if (!applied) return next(asked)
  const outcome = next(query)
  const writesFailures = stopped || response.length > 0
  const restore = (found: Outcome) =>
    withValidNames(() => restored(found, { asked, sent: query, rules: response, echoes, writesFailures }))
  return outcome instanceof Promise ? outcome.then(restore) : restore(outcome)
}

function isName(text: string): boolean {
  try {
    validName(text)
    return true
  } catch (error) {
    if (error instanceof NameError) return false
    throw error
  }
}

/** SERVFAIL when a rule makes a name in the reply invalid. */
function withValidNames(restore: () => Outcome | Promise<Outcome>): Outcome | Promise<Outcome> {
  const failed = (error: unknown): Outcome => {
    if (error instanceof NameError) return invalidName(error.message)
    throw error
  }
  try {
    const outcome = restore()
    return outcome instanceof Promise ? outcome.catch(failed) : outcome
  } catch (error) {
    return failed(error)
  }
}

function invalidName(name: string): Outcome {
  return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin, error: new Error(`invalid name after rewrite: ${name}`) }
}
