import { argCount, noBody } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { parseAddress } from '../../dns/address.ts'
import { type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { below, maxNameOctets, nameOctets } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import { addressRecord, record } from '../../dns/record.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Plugin } from '../../plugin/contract.ts'
import type { Outcome, Query } from '../../plugin/query.ts'

const schema: DirectiveSchema<void> = {
  usage: 'whoami',
  repeat: 'many',
  // CoreDNS reads only the first occurrence.
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 0)
    noBody(directive)
  },
}

/** Answers with the client's own address and port. */
export const whoami: Plugin<void> = {
  name: 'whoami',
  schema,
  setup: () => ({ handler: answer }),
}

function answer(query: Query): Outcome {
  // Records have the class of the question, whatever it is.
  const additional = [address(query), ...port(query)].map((each) => ({ ...each, class: query.qclass }))
  const message = replyTo(query.request, { authoritative: true, additional })
  return { kind: 'reply', message, plugin: 'whoami' }
}

function address({ qname, client }: Query): ResourceRecord {
  const octets = parseAddress(client.address)
  if (!octets) throw new Error(`'${client.address}' is not a client address`)
  return addressRecord(qname, 0, octets)
}

/** No record where its name would be too long (RFC 1035 §2.3.4), because no client could parse the reply. */
function port({ qname, client, transport }: Query): ResourceRecord[] {
  const name = below(transport === 'udp' ? '_udp' : '_tcp', qname)
  if (nameOctets(name) > maxNameOctets) return []
  return [record(name, type.SRV, 0, rdata.srv({ priority: 0, weight: 0, port: client.port, target: '.' }))]
}
