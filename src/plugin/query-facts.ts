/** The facts of queries for formats: of queries in the chain, and of those that the table answered. */
import type { AnsweredQuery } from './observer.ts'
import { protocolOf, type Query } from './query.ts'
import { payloadLimit, type QueryFacts } from './query-format.ts'
import { messageOctets } from './size.ts'

export function factsOf(query: Query): QueryFacts {
  const { request } = query
  const transport = protocolOf(query.transport)
  return {
    id: request.id,
    opcode: request.opcode,
    name: query.name,
    type: query.qtype,
    class: query.qclass,
    transport,
    client: query.client,
    local: query.local,
    octets: messageOctets(request),
    dnssecOk: request.edns?.dnssecOk ?? false,
    limit: payloadLimit(transport, request.edns?.payloadSize),
    reply: undefined,
    seconds: undefined,
    metadata: query.metadata,
  }
}

/** Without a reply, which only some formats are about. */
export function factsOfAnswered(query: AnsweredQuery): QueryFacts {
  return {
    id: query.id,
    opcode: query.opcode,
    name: query.name,
    type: query.qtype,
    class: query.qclass,
    transport: query.transport,
    client: query.client,
    local: query.local,
    octets: query.requestOctets,
    dnssecOk: query.edns?.dnssecOk ?? false,
    limit: payloadLimit(query.transport, query.edns?.payloadSize),
    reply: undefined,
    seconds: undefined,
  }
}
