import { hostname } from 'node:os'
import { noBody } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import type { Edns, Message } from '../../dns/message.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'

/** RFC 5001 §2.3. */
const code = 3

const schema: DirectiveSchema<string | undefined> = {
  usage: 'nsid [DATA]',
  repeat: 'once',
  read({ occurrences: [directive] }) {
    noBody(directive)
    return directive.args.length > 0 ? directive.args.map(({ text }) => text).join(' ') : undefined
  },
}

/**
 * Identifies the server to clients that ask with NSID (RFC 5001). UDP threads leave queries with that option to the
 * chain.
 */
export const nsid: Plugin<string | undefined> = {
  name: 'nsid',
  schema,
  setup(text) {
    const data = Buffer.from(text ?? hostname(), 'utf8')
    return {
      handler(query, next) {
        if (!query.request.edns?.options.some((option) => option.code === code)) return next(query)
        return withOutcome(next(query), (outcome) => identified(outcome, query, data))
      },
      provides: [provide(relayPassage, passesEverything)],
    }
  },
}

function identified(outcome: Outcome, { request }: Query, data: Uint8Array): Outcome {
  // A reply that no plugin wrote gets no NSID, as in CoreDNS.
  if (outcome.kind !== 'reply') return outcome
  const edns: Edns = outcome.message.edns ?? { ...request.edns!, dnssecOk: true, options: [] }
  const options = [...edns.options.filter((option) => option.code !== code), { code, data }]
  const message: Message = { ...outcome.message, edns: { ...edns, options } }
  return { ...outcome, message }
}
