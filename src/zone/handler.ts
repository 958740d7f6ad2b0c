/** Answers questions from zones, like CoreDNS's file plugin: docs/coredns-behaviour.md. */
import { opcode, rcode, type } from '../dns/codes.ts'
import type { ResourceRecord } from '../dns/message.ts'
import { isSubdomain } from '../dns/name.ts'
import { replyTo } from '../dns/reply.ts'
import type { Handler, Outcome, Query } from '../plugin/query.ts'
import { closest } from './closest.ts'
import { type Found, lookUp } from './lookup.ts'
import type { Zone } from './zone.ts'

/** A zone and its current contents. */
export interface ServedZone {
  /** Undefined while unknown or no longer valid: its names are then SERVFAIL. */
  readonly current: Zone | undefined
}

export interface ZoneHandlerOptions {
  /** The plugin that answers. */
  readonly plugin: string
  /** By name, lower case and absolute. */
  readonly zones: ReadonlyMap<string, ServedZone>
  /** Zones whose missing names go on to the next plugin. */
  readonly fallthrough: readonly string[]
  /** Whether this is the block's last plugin: then a name outside all zones is REFUSED. */
  isLast(): boolean
  /** Called for each answer made from a wildcard. */
  onWildcard(query: Query, wildcard: string): void
  /** The result of a NOTIFY for a zone; undefined: it is answered like a question. */
  notify(query: Query, zone: string): Outcome | undefined
}

export function createZoneHandler(options: ZoneHandlerOptions): Handler {
  const { plugin, zones, fallthrough, onWildcard, notify, isLast } = options
  const fallsThrough = (name: string) => fallthrough.some((zone) => isSubdomain(zone, name))
  const bare = (code: number): Outcome => ({ kind: 'rcode', rcode: code, plugin })

  return (query, next) => {
    const { name, qtype } = query
    const origin = closest(zones, name)
    if (origin === undefined) return isLast() ? bare(rcode.REFUSED) : next(query)
    // No `transfer`, or a client that it does not allow.
    if (qtype === type.AXFR || qtype === type.IXFR) return bare(rcode.REFUSED)
    if (query.request.opcode === opcode.NOTIFY) {
      const outcome = notify(query, origin)
      if (outcome) return outcome
    }
    const zone = zones.get(origin)?.current
    if (!zone) return bare(rcode.SERVFAIL)
    const answer = (found: Found): Outcome | Promise<Outcome> => {
      if (found.wildcard !== undefined) onWildcard(query, found.wildcard)
      if (isMissing(found) && fallsThrough(name)) return next(query)
      if (found.kind === 'servfail' && found.answer.length === 0) return bare(rcode.SERVFAIL)
      return { kind: 'reply', message: reply(query, found), plugin }
    }
    const found = lookUp(zone, {
      name,
      qtype,
      dnssecOk: query.request.edns?.dnssecOk ?? false,
      elsewhere: (target) => (query.budget.spendLookup() ? query.lookup(target, qtype) : undefined),
    })
    return found instanceof Promise ? found.then(answer) : answer(found)
  }
}

const isMissing = ({ kind, answer, isBare }: Found): boolean =>
  answer.length === 0 && (kind === 'nxdomain' || isBare === true)

const rcodes: Readonly<Partial<Record<Found['kind'], number>>> = {
  nxdomain: rcode.NXDOMAIN,
  servfail: rcode.SERVFAIL,
  yxdomain: rcode.YXDOMAIN,
}

function reply(query: Query, { kind, answer, authority, additional }: Found) {
  // Owners have the question's case, for resolvers that compare it.
  const spelled = ({ name, ...rest }: ResourceRecord): ResourceRecord => ({
    ...rest,
    name: name === query.name ? query.qname : name,
  })
  return replyTo(query.request, {
    rcode: rcodes[kind] ?? rcode.NOERROR,
    // A referral is not authoritative, but a CNAME that led to it is.
    authoritative: kind !== 'delegation' || answer.length > 0,
    answer: answer.map(spelled),
    authority,
    additional,
  })
}
