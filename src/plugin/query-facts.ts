/** What formats (query-format.ts) know of a query, whether the table or the chain answered it. */
import type { AnsweredQuery } from './observer.ts'
import type { Query } from './query.ts'
import type { QueryFacts } from './query-format.ts'
import { messageOctets } from './size.ts'

/** Of a query of the chain, before it has a reply. */
export function factsOfQuery(query: Query): QueryFacts {
  const { request } = query
  const transport = query.transport === 'udp' ? 'udp' : 'tcp'
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
    limit: limitOf(transport, request.edns?.payloadSize),
    reply: undefined,
    seconds: undefined,
    metadata: query.metadata,
  }
}

/** Of a query that the table answered, without its reply. */
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
    limit: limitOf(query.transport, query.edns?.payloadSize),
    reply: undefined,
    seconds: undefined,
  }
}

/** RFC 6891 §6.2.3: sizes below 512 count as 512. */
function limitOf(transport: 'udp' | 'tcp', payloadSize = 512): number {
  return transport === 'udp' ? Math.max(512, payloadSize) : 65_535
}
