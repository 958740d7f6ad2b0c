/** The chain's way to cluster names: resolve, then say it as a reply. */

import type { ClusterContext } from '../../cluster-dns/context.ts'
import { type AliasName, aliasAt } from '../../cluster-dns/features/alias/claims.ts'
import type { ChaseSpec } from '../../cluster-dns/features/split/split-answers.ts'
import { type Answer, resolve } from '../../cluster-dns/records/answers.ts'
import { type ReplySections, recordsOf, soaRecord } from '../../cluster-dns/records/reply-records.ts'
import type { Random, Selected } from '../../cluster-dns/records/selection.ts'
import { zoneSpec } from '../../cluster-dns/records/table-node.ts'
import { fallsThrough, zoneOf } from '../../cluster-dns/settings.ts'
import { type as dnsType, rcode } from '../../dns/codes.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Handler, Next, Outcome, Query, Reply } from '../../plugin/query.ts'
import { chase } from './cname-chase.ts'
import type { HoldQueue } from './hold/waiting-room.ts'
import { selectFor } from './variants.ts'

const plugin = 'kubernetes'

export interface HandlerOptions {
  readonly context: () => ClusterContext
  /** Called for each name that was answered here with records: the table may take it over. */
  readonly answered: (zone: string, name: string, type: number) => void
  readonly room: Pick<HoldQueue, 'wait'>
  /** The startup timeout is over: what only aliases would be in need of the cluster for is the next plugin's meanwhile. */
  readonly overdue: () => boolean
  /** For what is drawn per query. Default Math.random; tests pass their own. */
  readonly random?: Random
}

/** Seconds that a client may believe in the absence of what was waited for. */
const briefly = 1

export function createHandler(options: HandlerOptions): Handler {
  const { context, answered, room, overdue, random = Math.random } = options

  function give(
    known: ClusterContext,
    zone: string,
    query: Query,
    found: Answer,
    next: Next,
  ): Outcome | Promise<Outcome> {
    const answer = selectFor(query, found, random)
    if (answer.kind === 'chase') return answerChase(known, zone, query, answer, random)
    const outcome = toOutcome(known, zone, query, answer, next)
    if (answer.kind === 'addresses' || answer.kind === 'services' || answer.kind === 'records') {
      answered(zone, query.name, query.qtype)
    }
    return outcome
  }

  /** A missing name: it may be about to appear. */
  function deny(known: ClusterContext, zone: string, query: Query, next: Next): Outcome | Promise<Outcome> {
    const waited = room.wait(query, zone, () => {
      const answer = resolve(known, zone, query.name, query.qtype)
      if (answer.kind === 'nxdomain') return undefined
      // The slice of the other address family may be a moment later.
      if (answer.kind === 'nodata') return toOutcome(known, zone, query, answer, next, briefly)
      return give(known, zone, query, answer, next)
    })
    if (waited === undefined) return toOutcome(known, zone, query, { kind: 'nxdomain' }, next)
    const inVain = () => toOutcome(known, zone, query, { kind: 'nxdomain' }, next, briefly)
    return waited === 'over' ? inVain() : waited.then((outcome) => outcome ?? inVain())
  }

  /** A name in a zone for aliases, and outside of the plugin's own zones. */
  function passOn(known: ClusterContext, zone: string, query: Query, next: Next): Outcome | Promise<Outcome> {
    return known.view.synced || overdue() ? next(query) : negative(known, zone, query, rcode.SERVFAIL)
  }

  return (query, next) => {
    const known = context()
    const place = aliasAt(known, query.name)
    if (place?.alias) return giveAlias(known, place.zone, place.alias, query, next, random)
    const zone = place?.zone ?? zoneOf(known.settings, query.name)
    if (zone === undefined) return next(query)
    if (!known.settings.zones.includes(zone)) return passOn(known, zone, query, next)
    // Zones are not transferred from here (the `transfer` plugin does that).
    if (query.qtype === dnsType.AXFR || query.qtype === dnsType.IXFR) {
      return { kind: 'rcode', rcode: rcode.REFUSED, plugin }
    }
    const answer = resolve(known, zone, query.name, query.qtype)
    return answer.kind === 'nxdomain' ? deny(known, zone, query, next) : give(known, zone, query, answer, next)
  }
}

/** What a service answers by its own name, at its alias in `zone`. */
function giveAlias(
  context: ClusterContext,
  zone: string,
  { own }: NonNullable<AliasName['alias']>,
  query: Query,
  next: Next,
  random: Random,
): Outcome | Promise<Outcome> {
  const { home } = context.aliases
  const answer = selectFor(query, resolve(context, home, own, query.qtype), random)
  if (answer.kind === 'chase') return answerChase(context, zone, query, answer, random, home)
  // The alias is the service's, whatever falls through at its own name.
  if (answer.kind === 'nxdomain') return negative(context, zone, query, rcode.NXDOMAIN)
  return toOutcome(context, zone, query, answer, next)
}

function toOutcome(
  context: ClusterContext,
  zone: string,
  query: Query,
  answer: Exclude<Selected, { kind: 'chase' }>,
  next: Next,
  longest?: number,
): Outcome | Promise<Outcome> {
  switch (answer.kind) {
    case 'nxdomain':
      if (fallsThrough(context.settings, query.name)) return next(query)
      return negative(context, zone, query, rcode.NXDOMAIN, longest)
    case 'nodata':
      return negative(context, zone, query, rcode.NOERROR, longest)
    case 'unknown':
      // Never NXDOMAIN, and never the next plugin's NXDOMAIN: what is not known yet may exist.
      return negative(context, zone, query, rcode.SERVFAIL)
    case 'soa':
      return positive(query, { answer: [soaRecord(zoneSpec(context, zone, true), query.qname)], additional: [] })
    default:
      return positive(query, recordsOf(answer, query.qname, query.qtype, zone))
  }
}

function positive(query: Query, sections: ReplySections, truncated = false): Reply {
  const message = replyTo(query.request, { rcode: rcode.NOERROR, authoritative: true, ...sections })
  return { kind: 'reply', message: truncated ? { ...message, truncated } : message, plugin }
}

/**
 * NXDOMAIN, NODATA and SERVFAIL carry the zone's SOA, as CoreDNS has it (RFC 2308 §2 for the first two). `longest`: how
 * many seconds at most they may be believed (RFC 2308 §5: the lesser of the SOA's TTL and minimum).
 */
function negative(
  context: ClusterContext,
  zone: string,
  query: Query,
  code: number,
  longest = Number.POSITIVE_INFINITY,
): Reply {
  const spec = zoneSpec(context, zone, true)
  const { ttl, minimum, ...fields } = spec.soa
  const soa = { ...fields, ttl: Math.min(ttl, longest), minimum: Math.min(minimum, longest) }
  const authority = [soaRecord({ ...spec, soa }, query.qname)]
  return { kind: 'reply', message: replyTo(query.request, { rcode: code, authoritative: true, authority }), plugin }
}

/** `home`: the zone that targets are looked up in without leaving the plugin; `zone`: that of the name asked for. */
async function answerChase(
  context: ClusterContext,
  zone: string,
  query: Query,
  answer: ChaseSpec,
  random: Random,
  home = zone,
): Promise<Outcome> {
  const chased = await chase(context, home, query, answer, random)
  if (chased.unknown) return negative(context, zone, query, rcode.SERVFAIL)
  if (chased.answer.length === 0) return negative(context, zone, query, rcode.NOERROR)
  return positive(query, { answer: chased.answer, additional: [] }, chased.truncated)
}
