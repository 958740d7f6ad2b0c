import { argCount, noBody } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { opcode, rcode, type } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import { dataPlaneEffects } from '../../plugin/capabilities/data-plane-effects.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import type { Outcome } from '../../plugin/query.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'

const schema: DirectiveSchema<void> = {
  usage: 'minimal',
  repeat: 'many',
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 0)
    noBody(directive)
  },
}

/** Removes the authority and additional sections from positive replies. */
export const minimal: Plugin<void> = {
  name: 'minimal',
  schema,
  setup: () => ({
    handler: (query, next) => withOutcome(next(query), strip),
    provides: [provide(dataPlaneEffects, { minimal: true })],
  }),
}

function strip(outcome: Outcome): Outcome {
  if (outcome.kind !== 'reply' || outcome.moreMessages !== undefined || !isPositive(outcome.message)) return outcome
  return { ...outcome, message: { ...outcome.message, authority: [], additional: [], edns: undefined } }
}

/** NOERROR to a query with records, or without records, SOA and delegation. */
function isPositive({ opcode: operation, rcode: code, questions, answer, authority }: Message): boolean {
  const isTransfer = questions.some(({ type: asked }) => asked === type.AXFR || asked === type.IXFR)
  if (code !== rcode.NOERROR || operation !== opcode.QUERY || isTransfer) return false
  return answer.length > 0 || !authority.some((record) => record.type === type.SOA || record.type === type.NS)
}
