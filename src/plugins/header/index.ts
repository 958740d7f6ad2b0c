import { fail, oneOf, value } from '../../corefile/read.ts'
import type { BodyLine, DirectiveSchema } from '../../corefile/schema.ts'
import { opcode } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import { dataPlaneEffects } from '../../plugin/capabilities/data-plane-effects.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import type { Outcome, RcodeOnly } from '../../plugin/query.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'

/** Flags that a rule sets or clears, by their field in a message. */
type Flags = { readonly [Flag in 'authoritative' | 'recursionAvailable' | 'recursionDesired']?: boolean }

interface Settings {
  readonly query: Flags
  readonly response: Flags
}

const flags = { aa: 'authoritative', ra: 'recursionAvailable', rd: 'recursionDesired' } as const

const schema: DirectiveSchema<Settings> = {
  usage: 'header { query|response set|clear aa|ra|rd... }',
  repeat: 'many',
  read({ occurrences }) {
    // Only the first occurrence with rules counts, as in CoreDNS.
    const first = occurrences.find(({ body }) => body !== undefined && body.length > 0)
    if (first === undefined) throw fail('header must have a block with rules', occurrences[0])
    const settings: { query: Flags; response: Flags } = { query: {}, response: {} }
    for (const line of first.body!) {
      const selector = value(oneOf(['query', 'response'], { ignoreCase: true }), line.word, 'header')
      settings[selector] = { ...settings[selector], ...readFlags(line) }
    }
    return settings
  },
}

function readFlags({ word, args: [action, ...rest] }: BodyLine): Flags {
  if (action === undefined || rest.length === 0) throw fail(`${word.text} must have set or clear, and flags`, word)
  const state = value(oneOf(['set', 'clear'], { ignoreCase: true }), action, word.text) === 'set'
  const names = rest.map((flag) => value(oneOf(['aa', 'ra', 'rd'], { ignoreCase: true }), flag, action.text))
  return Object.fromEntries(names.map((name) => [flags[name], state]))
}

/** Sets and clears flags of queries for the later plugins, and of replies. */
export const header: Plugin<Settings> = {
  name: 'header',
  schema,
  setup({ query: queryFlags, response }) {
    // A reply copies RD from the query as later plugins see it; that to a NOTIFY does not.
    const recursionDesired = response.recursionDesired ?? queryFlags.recursionDesired
    /**
     * The server writes the reply of an rcode for the query as this plugin passed it on; response rules do not apply to
     * it.
     */
    const failed = (outcome: RcodeOnly, operation: number): Outcome =>
      operation === opcode.QUERY && queryFlags.recursionDesired !== undefined
        ? { ...outcome, recursionDesired: queryFlags.recursionDesired }
        : outcome
    const change = (outcome: Outcome, operation: number): Outcome => {
      if (outcome.kind === 'drop') return outcome
      if (outcome.kind === 'rcode') return failed(outcome, operation)
      const message = { ...outcome.message, ...response }
      const copied = message.opcode === opcode.QUERY ? recursionDesired : response.recursionDesired
      const requested = message.opcode === opcode.QUERY ? queryFlags.recursionDesired : undefined
      return {
        ...outcome,
        message,
        ...(copied !== undefined && { recursionDesired: copied }),
        ...(requested !== undefined && { requestRecursionDesired: requested }),
      }
    }
    return {
      handler(query, next) {
        const request: Message = { ...query.request, ...queryFlags }
        return withOutcome(next({ ...query, request }), (outcome) => change(outcome, request.opcode))
      },
      provides: [
        provide(dataPlaneEffects, {
          header: { ...response, ...(recursionDesired !== undefined && { recursionDesired }) },
        }),
      ],
    }
  },
}
