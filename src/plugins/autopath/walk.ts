/**
 * Follows a client's search list on its behalf. The outcome is what the client's own search would find (glibc's
 * res_search, with getaddrinfo's pair of queries): the first domain under which the name has an address of either
 * family, or a record of the query type. If no domain has one, or a lookup fails, the client gets a negative answer and
 * continues the search itself.
 */
import { dnsClass, type as dnsType, rcode } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { lowerName, NameError, nameToWire } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import type { Next, Outcome, Query, Reply } from '../../plugin/query.ts'

/** Seconds (RFC 2181 §8). */
const longestTtl = 2 ** 31 - 1

/** `list`: the search list; the query name is below its first domain. `found` is called for a positive answer. */
export async function search(list: readonly string[], query: Query, next: Next, found: () => void): Promise<Outcome> {
  const base = query.qname.slice(0, -list[0].length)
  /** NODATA of the first domain that has the name without the type: it is preferred to NXDOMAIN. */
  let empty: Outcome | undefined
  let own: Outcome | undefined
  // Like clients, it tries the name as given last.
  for (const domain of new Set([...list, '.'])) {
    const asked = own === undefined ? query : questionFor(query, domain === '.' ? base : base + domain)
    if (!asked) continue
    const outcome = await next(asked)
    own ??= outcome
    switch (judge(outcome)) {
      case 'found':
        found()
        return asked === query ? outcome : aliased(query, asked, outcome as Reply)
      case 'failed':
        return empty ?? underOwnName(query, outcome)
      case 'missing':
        continue
    }
    empty ??= underOwnName(query, outcome)
    if ((await otherFamily(asked, next)) !== 'none') return empty
  }
  return empty ?? own!
}

/** The same question for another name; undefined when the name is too long, as it would be for the client. */
function questionFor(query: Query, qname: string): Query | undefined {
  try {
    nameToWire(qname)
  } catch (error) {
    if (error instanceof NameError) return undefined
    throw error
  }
  const question = { name: qname, type: query.qtype, class: query.qclass }
  return { ...query, qname, name: lowerName(qname), request: { ...query.request, questions: [question] } }
}

/** found: records. empty: no records of the type. missing: the name does not exist. failed: the lookup failed. */
type Verdict = 'found' | 'empty' | 'missing' | 'failed'

/** As stub resolvers judge: a CNAME without its target is an answer, too. */
function judge(outcome: Outcome): Verdict {
  // As in CoreDNS a domain that is only dropped or refused, without an error (`hosts` without `fallthrough`), is passed over.
  if (outcome.kind === 'drop') return 'missing'
  if (outcome.kind === 'rcode') return outcome.error || outcome.ofQuestion ? 'failed' : 'missing'
  const { rcode: code, answer, truncated } = outcome.message
  if (code === rcode.NXDOMAIN) return 'missing'
  if (code !== rcode.NOERROR) return 'failed'
  return answer.length > 0 || truncated ? 'found' : 'empty'
}

/**
 * A client asks for A and AAAA together, and takes the domain where it gets either. Both queries must lead it to the
 * same domain, or it would mix the addresses of two hosts. So a name without one family is asked for the other.
 */
async function otherFamily(asked: Query, next: Next): Promise<'found' | 'none' | 'failed'> {
  const other = asked.qtype === dnsType.A ? dnsType.AAAA : asked.qtype === dnsType.AAAA ? dnsType.A : undefined
  if (other === undefined) return 'none'
  const question = { name: asked.qname, type: other, class: asked.qclass }
  const verdict = judge(await next({ ...asked, qtype: other, request: { ...asked.request, questions: [question] } }))
  return verdict === 'found' || verdict === 'failed' ? verdict : 'none'
}

/** The records, after a CNAME from the query name (RFC 1034 §3.6.2). */
function aliased(query: Query, asked: Query, outcome: Reply): Outcome {
  const { message } = outcome
  const alias: ResourceRecord = {
    name: query.qname,
    type: dnsType.CNAME,
    class: dnsClass.IN,
    ttl: message.answer.reduce((lowest, { ttl }) => Math.min(lowest, ttl), longestTtl),
    rdata: rdata.name(asked.qname),
  }
  return underOwnName(query, { ...outcome, message: { ...message, answer: [alias, ...message.answer] } })
}

/** A negative answer has no CNAME, because any record ends a stub resolver's search. */
function underOwnName(query: Query, outcome: Outcome): Outcome {
  if (outcome.kind !== 'reply') return outcome
  return { ...outcome, message: { ...outcome.message, questions: query.request.questions } }
}
