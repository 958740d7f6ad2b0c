import { argCount, noBody } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { dnsClass, type } from '../../dns/codes.ts'
import { replyTo } from '../../dns/reply.ts'
import { characterString, join } from '../../dns/values.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import type { Outcome, Query } from '../../plugin/query.ts'

/** Seconds: the RFC's number, as in CoreDNS. */
const ttl = 8482
/** RFC 8482 §4.2: a synthesized HINFO record instead of all records. */
const hinfo = join(characterString('ANY obsoleted'), characterString('See RFC 8482'))

const schema: DirectiveSchema<void> = {
  usage: 'any',
  repeat: 'many',
  // CoreDNS reads only the first occurrence.
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 0)
    noBody(directive)
  },
}

/** Answers queries of type ANY with one short record. The table leaves that type to the chain: nothing is claimed. */
export const any: Plugin<void> = {
  name: 'any',
  schema,
  setup: () => ({
    handler: (query, next) => (query.qtype === type.ANY ? answer(query) : next(query)),
    provides: [provide(relayPassage, passesEverything)],
  }),
}

function answer(query: Query): Outcome {
  const record = { name: query.qname, type: type.HINFO, class: dnsClass.IN, ttl, rdata: hinfo }
  return { kind: 'reply', plugin: 'any', message: replyTo(query.request, { answer: [record] }) }
}
