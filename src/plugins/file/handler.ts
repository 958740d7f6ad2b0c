import { opcode, rcode, type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { isSubdomain, parentOf } from '../../dns/name.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Handler, Outcome, Query } from '../../plugin/query.ts'
import { type Found, lookUp } from './lookup.ts'
import type { Zone } from './zone.ts'

const plugin = 'file'

/**
 * `zoneAt` gives a zone as it is at the moment, undefined while its file has not been read; `onWildcard` hears of each
 * answer that a wildcard has made.
 */
export function createHandler(
  zoneAt: (name: string) => Zone | undefined,
  zones: readonly string[],
  fallthrough: readonly string[],
  onWildcard: (query: Query, wildcard: string) => void,
): Handler {
  const ours = new Set(zones)
  const fallsThrough = (name: string) => fallthrough.some((zone) => isSubdomain(zone, name))

  return (query, next) => {
    const { name, qtype } = query
    const origin = closest(ours, name)
    if (origin === undefined) return next(query)
    // Without `transfer`, or for a client that it does not know.
    if (qtype === type.AXFR || qtype === type.IXFR) return bare(rcode.REFUSED)
    // Only a secondary expects a NOTIFY; CoreDNS does not answer it either.
    if (query.request.opcode === opcode.NOTIFY) return { kind: 'drop', plugin }
    const zone = zoneAt(origin)
    if (!zone) return bare(rcode.SERVFAIL)
    const answer = (found: Found): Outcome | Promise<Outcome> => {
      if (found.wildcard !== undefined) onWildcard(query, found.wildcard)
      return isMissing(found) && fallsThrough(name) ? next(query) : reply(query, found)
    }
    const found = lookUp(zone, query)
    return found instanceof Promise ? found.then(answer) : answer(found)
  }
}

/** The longest of the zones that the name is in. */
function closest(zones: ReadonlySet<string>, name: string): string | undefined {
  for (let at = name; ; at = parentOf(at)) {
    if (zones.has(at)) return at
    if (at === '.') return undefined
  }
}

const isMissing = ({ kind, answer, isBare }: Found): boolean =>
  answer.length === 0 && (kind === 'nxdomain' || isBare === true)

const bare = (code: number): Outcome => ({ kind: 'rcode', rcode: code, plugin })

const rcodes: Readonly<Partial<Record<Found['kind'], number>>> = {
  nxdomain: rcode.NXDOMAIN,
  servfail: rcode.SERVFAIL,
  yxdomain: rcode.YXDOMAIN,
}

function reply(query: Query, { kind, answer, authority, additional }: Found): Outcome {
  if (kind === 'servfail' && answer.length === 0) return bare(rcode.SERVFAIL)
  // The owner of an answer has the case of the question, for resolvers that compare it.
  const spelled = ({ name, ...rest }: ResourceRecord): ResourceRecord => ({
    ...rest,
    name: name === query.name ? query.qname : name,
  })
  const message = replyTo(query.request, {
    rcode: rcodes[kind] ?? rcode.NOERROR,
    // A referral is not authoritative, but the alias that led to it is.
    authoritative: kind !== 'delegation' || answer.length > 0,
    answer: answer.map(spelled),
    authority,
    additional,
  })
  return { kind: 'reply', plugin, message }
}
