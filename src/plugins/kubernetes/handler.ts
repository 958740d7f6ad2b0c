/** The chain's handler of cluster names: resolves the name, then writes the reply. */

import type { ClusterContext } from '../../cluster-dns/context.ts'
import { type AliasName, aliasAt } from '../../cluster-dns/features/alias/claims.ts'
import type { ChaseSpec } from '../../cluster-dns/features/split/split-answers.ts'
import { unreadyText } from '../../cluster-dns/lookup/unready.ts'
import { grammarOf, parseClusterName } from '../../cluster-dns/names/cluster-name.ts'
import { type Answer, resolve } from '../../cluster-dns/records/answers.ts'
import { type ReplySections, recordsOf, soaRecord } from '../../cluster-dns/records/reply-records.ts'
import type { Random, Selected } from '../../cluster-dns/records/selection.ts'
import { zoneSpec } from '../../cluster-dns/records/table-node.ts'
import { fallsThrough, zoneOf } from '../../cluster-dns/settings.ts'
import { type as dnsType, rcode } from '../../dns/codes.ts'
import { infoCode, staleCode } from '../../dns/extended-error.ts'
import { replyTo } from '../../dns/reply.ts'
import type { ExtendedError } from '../../plugin/extended-error.ts'
import type { Handler, Next, Outcome, Query, Reply } from '../../plugin/query.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import type { ChaseLimitReport } from './chase-limits.ts'
import { type Chased, chase, createExtraLookups } from './cname-chase.ts'
import type { HoldQueue } from './hold/hold-queue.ts'
import { selectFor } from './variants.ts'

const plugin = 'kubernetes'

export interface HandlerOptions {
  readonly context: () => ClusterContext
  /** Called for each name that the chain answered with records: the table may answer it from then on. */
  readonly answered: (zone: string, name: string, type: number) => void
  readonly holdQueue: Pick<HoldQueue, 'wait'>
  /** The startup timeout is over: from then on, names in alias-only zones go to the next plugin until the cluster has synced. */
  readonly overdue: () => boolean
  /** Chooses a variant per query. Default Math.random. */
  readonly random?: Random
  readonly clock: Clock
  /** Reports CNAME chases that reached a bound. */
  readonly chaseLimits: ChaseLimitReport
}

/** Follows the CNAMEs of a query's name; `home`: the zone whose names are looked up without leaving the plugin. */
type FollowCnames = (context: ClusterContext, home: string, query: Query, spec: ChaseSpec) => Promise<Chased>

/** Seconds: the TTL of a denial after holding the query in vain. The name may appear at any moment. */
const heldDenialTtl = 1

export function createHandler(options: HandlerOptions): Handler {
  const { answered, holdQueue, overdue, clock, chaseLimits, random = Math.random } = options
  const chaseDeps = { random, clock, scheduler: createCooperativeScheduler(clock), extraLookups: createExtraLookups() }

  const followCnames: FollowCnames = async (context, home, query, spec) => {
    const chased = await chase(context, home, query, query.budget, spec, chaseDeps)
    chaseLimits.reached(query.name, chased.limits)
    return chased
  }

  function answerFound(
    context: ClusterContext,
    zone: string,
    query: Query,
    found: Answer,
    next: Next,
  ): Outcome | Promise<Outcome> {
    const answer = selectFor(query, found, random)
    if (answer.kind === 'chase') return answerChase(context, zone, zone, query, answer, followCnames)
    const outcome = toOutcome(context, zone, query, answer, next)
    if (answer.kind === 'addresses' || answer.kind === 'services' || answer.kind === 'records') {
      answered(zone, query.name, query.qtype)
    }
    return outcome
  }

  /** Holds the query if the missing name may be about to appear. */
  function answerMissing(context: ClusterContext, zone: string, query: Query, next: Next): Outcome | Promise<Outcome> {
    const held = holdQueue.wait(query, zone, () => {
      const answer = resolve(context, zone, query.name, query.qtype)
      if (answer.kind === 'nxdomain') return undefined
      // The slice of the other address family may arrive a moment later.
      if (answer.kind === 'nodata') return toOutcome(context, zone, query, answer, next, { maxTtl: heldDenialTtl })
      return answerFound(context, zone, query, answer, next)
    })
    if (held === undefined) return toOutcome(context, zone, query, { kind: 'nxdomain' }, next)
    const deny = () => toOutcome(context, zone, query, { kind: 'nxdomain' }, next, { maxTtl: heldDenialTtl })
    return held === 'over' ? deny() : held.then((outcome) => outcome ?? deny())
  }

  /** A name in an alias zone, outside of the plugin's own zones. */
  function passOn(context: ClusterContext, zone: string, query: Query, next: Next): Outcome | Promise<Outcome> {
    return context.view.synced || overdue() ? next(query) : negative(context, zone, query, rcode.SERVFAIL)
  }

  return (query, next) => {
    const context = options.context()
    const place = aliasAt(context, query.name)
    if (place?.alias) return answerAlias(context, place.zone, place.alias, query, next, random, followCnames)
    const zone = place?.zone ?? zoneOf(context.settings, query.name)
    if (zone === undefined) return next(query)
    if (!context.settings.zones.includes(zone)) return passOn(context, zone, query, next)
    // The `transfer` plugin transfers zones.
    if (query.qtype === dnsType.AXFR || query.qtype === dnsType.IXFR) {
      return { kind: 'rcode', rcode: rcode.REFUSED, plugin, extendedError: { code: infoCode.prohibited } }
    }
    const answer = resolve(context, zone, query.name, query.qtype)
    return answer.kind === 'nxdomain'
      ? answerMissing(context, zone, query, next)
      : answerFound(context, zone, query, answer, next)
  }
}

/** Answers at an alias in `zone` as at the service's own name. */
function answerAlias(
  context: ClusterContext,
  zone: string,
  { own }: NonNullable<AliasName['alias']>,
  query: Query,
  next: Next,
  random: Random,
  followCnames: FollowCnames,
): Outcome | Promise<Outcome> {
  const { home } = context.aliases
  const answer = selectFor(query, resolve(context, home, own, query.qtype), random)
  if (answer.kind === 'chase') return answerChase(context, zone, home, query, answer, followCnames)
  if (answer.kind !== 'nxdomain' && answer.kind !== 'nodata') return toOutcome(context, zone, query, answer, next)
  // An alias belongs to its service: it does not fall through, even where the service's own name does.
  const code = answer.kind === 'nxdomain' ? rcode.NXDOMAIN : rcode.NOERROR
  return negative(context, zone, query, code, { unready: unreadyTextAt(context, home, own) })
}

function toOutcome(
  context: ClusterContext,
  zone: string,
  query: Query,
  answer: Exclude<Selected, { kind: 'chase' }>,
  next: Next,
  denial: DenialOptions = {},
): Outcome | Promise<Outcome> {
  switch (answer.kind) {
    case 'nxdomain':
      if (fallsThrough(context.settings, query.name)) return next(query)
      return negative(context, zone, query, rcode.NXDOMAIN, denial)
    case 'nodata':
      return negative(context, zone, query, rcode.NOERROR, denial)
    case 'unknown':
      // Neither NXDOMAIN nor the next plugin: the name may exist.
      return negative(context, zone, query, rcode.SERVFAIL)
    case 'soa':
      return positive(context, query, {
        answer: [soaRecord(zoneSpec(context, zone, true), query.qname)],
        additional: [],
      })
    default:
      return positive(context, query, recordsOf(answer, query.qname, query.qtype, zone))
  }
}

function positive(context: ClusterContext, query: Query, sections: ReplySections, truncated = false): Reply {
  const message = replyTo(query.request, { rcode: rcode.NOERROR, authoritative: true, ...sections })
  const reply: Reply = { kind: 'reply', message: truncated ? { ...message, truncated } : message, plugin }
  return context.view.restored ? { ...reply, extendedError: { code: infoCode.staleAnswer } } : reply
}

interface DenialOptions {
  /** Bounds the negative TTL, in seconds (RFC 2308 §5: the lesser of the SOA's TTL and minimum). */
  readonly maxTtl?: number
  /** Why the query name has no records, where it is not a Service's own name. */
  readonly unready?: string | undefined
}

/** NXDOMAIN, NODATA and SERVFAIL carry the zone's SOA, as in CoreDNS (RFC 2308 §2 for the first two). */
function negative(
  context: ClusterContext,
  zone: string,
  query: Query,
  code: number,
  { maxTtl = Number.POSITIVE_INFINITY, unready }: DenialOptions = {},
): Reply {
  const spec = zoneSpec(context, zone, true)
  const { ttl, minimum, ...fields } = spec.soa
  const soa = { ...fields, ttl: Math.min(ttl, maxTtl), minimum: Math.min(minimum, maxTtl) }
  const authority = [soaRecord({ ...spec, soa }, query.qname)]
  const message = replyTo(query.request, { rcode: code, authoritative: true, authority })
  return { kind: 'reply', message, plugin, extendedError: reasonOf(context, zone, query, code, unready) }
}

/** The extended error: why there is no record, and whether the answer may be stale. */
function reasonOf(
  context: ClusterContext,
  zone: string,
  query: Query,
  code: number,
  unready: string | undefined,
): ExtendedError | undefined {
  if (code === rcode.SERVFAIL)
    return context.view.synced ? undefined : { code: infoCode.notReady, text: 'the cluster has not been read yet' }
  if (query.request.edns === undefined) return undefined
  const text = unready ?? unreadyTextAt(context, zone, query.name)
  if (context.view.restored) return { code: staleCode(code), text }
  return text === undefined ? undefined : { code: infoCode.other, text }
}

function unreadyTextAt(context: ClusterContext, zone: string, name: string): string | undefined {
  const { settings } = context
  if (!settings.zones.includes(zone)) return undefined
  return unreadyText(context, parseClusterName(zone, name, grammarOf(settings, zone)))
}

/** `zone`: that of the query name. `home`: that in which targets are resolved. */
async function answerChase(
  context: ClusterContext,
  zone: string,
  home: string,
  query: Query,
  spec: ChaseSpec,
  followCnames: FollowCnames,
): Promise<Outcome> {
  const { answer, truncated, unknown, unready, limits } = await followCnames(context, home, query, spec)
  if (unknown) return negative(context, zone, query, rcode.SERVFAIL)
  if (answer.length > 0) return positive(context, query, { answer, additional: [] }, truncated)
  // A bound may have kept existing records from being found.
  return negative(context, zone, query, limits.size > 0 ? rcode.SERVFAIL : rcode.NOERROR, { unready })
}
