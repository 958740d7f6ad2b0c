import { argCount, noBody } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { dnsClass, rcode, type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { below } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import { replyTo } from '../../dns/reply.ts'
import { type Decision, decisions } from '../../plugin/capabilities/decisions.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { provide } from '../../plugin/capability.ts'
import { constantRecords } from '../../plugin/constant-records.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { zoneMatcher } from '../../plugin/name-matcher.ts'
import { transparencyOf } from '../../plugin/transparency-of.ts'

const plugin = 'no_aaaa'

/** Seconds that a client may cache NODATA. */
const ttl = 30

const schema: DirectiveSchema<void> = {
  usage: plugin,
  repeat: 'many',
  read({ occurrences }) {
    for (const directive of occurrences) {
      argCount(directive, 0, 0)
      noBody(directive)
    }
  },
}

/** Answers every AAAA query with NODATA, for clusters without IPv6. */
export const noAaaa: Plugin<void> = {
  name: plugin,
  schema,
  setup: (_, { block, directive: { at } }) => ({
    handler(query, next) {
      if (query.qtype !== type.AAAA || query.qclass !== dnsClass.IN) return next(query)
      const authority = [soaOf(query.zone)]
      return { kind: 'reply', plugin, message: replyTo(query.request, { authoritative: true, authority }) }
    },
    provides: [
      provide(decisions, {
        list: block.zones.toSorted((a, b) => b.length - a.length).map(decisionIn),
        complete: false,
      }),
      provide(
        transparency,
        transparencyOf([
          { names: zoneMatcher('.'), types: [type.AAAA], reason: 'no_aaaa answers every AAAA query with NODATA', at },
        ]),
      ),
    ],
  }),
}

/** Decisions are sorted innermost zone first, because the first one counts. */
function decisionIn(zone: string): Decision {
  return {
    questions: { zone, names: 'zone', texts: [], types: [type.AAAA] },
    action: { rcode: rcode.NOERROR, records: constantRecords({ authority: [soaOf(zone)] }) },
  }
}

/** RFC 2308 §5: NODATA is cached only with an SOA. */
function soaOf(zone: string): ResourceRecord {
  const data = rdata.soa({
    mname: below('ns.dns', zone),
    rname: below('hostmaster', zone),
    serial: 1,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: ttl,
  })
  return { name: zone, type: type.SOA, class: dnsClass.IN, ttl, rdata: data }
}
