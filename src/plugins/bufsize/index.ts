import { argCount, integer, value } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { dataPlaneEffects } from '../../plugin/capabilities/data-plane-effects.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import type { Query } from '../../plugin/query.ts'

/** Octets. 512 is what every client takes (RFC 1035 §4.2.1); 1232 fits IPv6's smallest MTU unfragmented. */
const limits = { min: 512, max: 4096, default: 1232 }

const schema: DirectiveSchema<number> = {
  usage: 'bufsize [SIZE]',
  repeat: 'many',
  // Only the first occurrence counts; others, and any body, are ignored, as in CoreDNS.
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 1)
    const [word] = directive.args
    return word ? value(integer(limits), word, 'bufsize') : limits.default
  },
}

/** Limits the client's UDP payload size, so that replies are not fragmented. */
export const bufsize: Plugin<number> = {
  name: 'bufsize',
  schema,
  setup: (maxPayload) => ({
    handler: (query, next) => next(lowerPayload(query, maxPayload)),
    provides: [provide(dataPlaneEffects, { maxPayload }), provide(relayPassage, passesEverything)],
  }),
}

function lowerPayload(query: Query, maxPayload: number): Query {
  const { edns } = query.request
  if (!edns || edns.payloadSize <= maxPayload) return query
  return { ...query, request: { ...query.request, edns: { ...edns, payloadSize: maxPayload } } }
}
