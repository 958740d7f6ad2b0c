/**
 * A and AAAA of names that are CNAMEs (ExternalName, FQDN slices): the targets are resolved (docs/coredns-behaviour.md
 * §4.5).
 *
 * Targets in the zone are visited breadth first, each once however many names lead to it; targets outside of it are
 * looked up concurrently. The answer is assembled when all are known. All of it is bounded by the question's budget:
 * names that lead to names multiply, so six services of six targets each could otherwise block the main thread for
 * minutes.
 */

import type { ClusterContext } from '../../cluster-dns/context.ts'
import type { ChaseSpec } from '../../cluster-dns/features/split/split-answers.ts'
import type { EndpointGroup } from '../../cluster-dns/lookup/endpoints.ts'
import { unreadyText } from '../../cluster-dns/lookup/unready.ts'
import { grammarOf, parseClusterName } from '../../cluster-dns/names/cluster-name.ts'
import { resolve } from '../../cluster-dns/records/answers.ts'
import { recordsOf } from '../../cluster-dns/records/reply-records.ts'
import { type Random, selectVariant } from '../../cluster-dns/records/selection.ts'
import { type as dnsType } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { isSubdomain, lowerName } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import { record } from '../../dns/record.ts'
import type { QueryBudget } from '../../plugin/budget.ts'
import type { Query } from '../../plugin/query.ts'
import type { Clock } from '../../scheduling/clock.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'

export interface Chased {
  readonly answer: readonly ResourceRecord[]
  readonly truncated: boolean
  /** Resources that a target in the zone depends on are not known: see Answer's `unknown`. */
  readonly unknown: boolean
  /** Why a target in the zone has no records, where that is known. */
  readonly unready: string | undefined
  /** The bounds that were reached: the answer has the records found until then. */
  readonly limits: ReadonlySet<ChaseLimit>
}

export type ChaseLimit = 'names' | 'lookups' | 'octets' | 'deadline'

/**
 * Bounds the lookups besides the first of each question, over all questions: in a flood, each could otherwise cause
 * eight.
 */
export interface ExtraLookups {
  /** False when too many are under way. */
  enter(): boolean
  leave(): void
}

const maxExtraLookups = 512

export function createExtraLookups(): ExtraLookups {
  let left = maxExtraLookups
  return {
    enter: () => left > 0 && left-- > 0,
    leave: () => void left++,
  }
}

export interface ChaseDeps {
  readonly extraLookups: ExtraLookups
  readonly random: Random
  readonly clock: Clock
  readonly scheduler: CooperativeScheduler
}

/** Depth up to which CNAMEs are followed: CoreDNS follows eleven in all. */
const maxChain = 10

/** The least octets of a record in a message: a compression pointer, type, class, TTL and length. */
const recordOverhead = 12

/** A name and the records found at it. */
interface Visited {
  /** Addresses, or the answer of another zone. */
  readonly records: ResourceRecord[]
  readonly links: Link[]
  /** It is outside of the zone, so CNAMEs to it are kept whether or not it has records. */
  isElsewhere: boolean
}

/** A CNAME that leads from one name to another. */
interface Link {
  readonly cname: ResourceRecord
  readonly target: Visited
}

/** A name in the zone whose targets are to be visited. */
interface Pending {
  readonly owner: string
  readonly depth: number
  readonly spec: Pick<ChaseSpec, 'groups' | 'ttl'>
  readonly visited: Visited
}

/** Follows the CNAME targets in `spec`, which are those of the query name in `zone`. */
export async function chase(
  context: ClusterContext,
  zone: string,
  query: Query,
  budget: QueryBudget,
  spec: Pick<ChaseSpec, 'groups' | 'ttl'>,
  { random, clock, scheduler, extraLookups }: ChaseDeps,
): Promise<Chased> {
  const limits = new Set<ChaseLimit>()
  const byName = new Map<string, Visited>()
  const lookups: Promise<void>[] = []
  let truncated = false
  let unknown = false
  let unready: string | undefined

  /** The target, which is visited on its first use; undefined where a bound forbids that. */
  function visit(target: string, depth: number): Visited | undefined {
    const name = lowerName(target)
    const known = byName.get(name)
    if (known) return known
    const isOurs = isSubdomain(zone, name)
    if (!(isOurs ? budget.spendName() : mayLookUp())) {
      limits.add(isOurs ? 'names' : 'lookups')
      return undefined
    }
    const visited = newVisited()
    byName.set(name, visited)
    if (isOurs) visitOurs(target, name, depth, visited)
    else lookups.push(lookUp(target, visited, lookups.length > 0))
    return visited
  }

  /**
   * The first lookup of a question is always allowed, as for an ExternalName; further ones are bounded over all
   * questions.
   */
  function mayLookUp(): boolean {
    if (lookups.length > 0 && !extraLookups.enter()) return false
    if (budget.spendLookup()) return true
    if (lookups.length > 0) extraLookups.leave()
    return false
  }

  function visitOurs(target: string, name: string, depth: number, visited: Visited): void {
    const found = selectVariant(resolve(context, zone, name, query.qtype), random)
    if (found.kind === 'chase') pending.push({ owner: target, depth, spec: found, visited })
    if (found.kind === 'unknown') unknown = true
    if (found.kind === 'addresses') addRecords(visited, recordsOf(found, target, query.qtype, zone).answer)
    else unready ??= unreadyText(context, parseClusterName(zone, name, grammarOf(context.settings, zone)))
  }

  async function lookUp(target: string, visited: Visited, isExtra: boolean): Promise<void> {
    const outcome = await query.lookup(target, query.qtype).finally(() => isExtra && extraLookups.leave())
    visited.isElsewhere = outcome.kind !== 'drop'
    if (outcome.kind !== 'reply') return
    addRecords(visited, outcome.message.answer)
    truncated ||= outcome.message.truncated
  }

  function addRecords(visited: Visited, records: readonly ResourceRecord[]): void {
    for (const record of records) {
      if (!spendRecord(record)) return
      visited.records.push(record)
    }
  }

  /** False when the record would exceed the message. */
  function spendRecord(record: ResourceRecord): boolean {
    if (budget.spendOctets(recordOverhead + record.rdata.length)) return true
    limits.add('octets')
    truncated = true
    return false
  }

  /** False when a bound ends the visits. */
  function follow({ owner, depth, spec, visited }: Pending): boolean {
    for (const group of spec.groups) if (group.width !== 0) addAddresses(visited, owner, group, spec.ttl)
    const lowerOwner = lowerName(owner)
    for (const [name, target] of depth > maxChain ? [] : targetsOf(spec.groups)) {
      if (isSubdomain(lowerOwner, name)) continue
      const found = visit(target, depth + 1)
      if (!found) continue
      const link = { cname: cname(owner, target, spec.ttl), target: found }
      if (!spendRecord(link.cname)) return false
      visited.links.push(link)
    }
    return true
  }

  function addAddresses(visited: Visited, owner: string, group: EndpointGroup, ttl: number): void {
    if (group.width !== (query.qtype === dnsType.A ? 4 : 16)) return
    const answer = { kind: 'addresses' as const, ttl, addresses: group.addresses }
    addRecords(visited, recordsOf(answer, owner, query.qtype, zone).answer)
  }

  const root = newVisited()
  byName.set(query.name, root)
  const pending: Pending[] = [{ owner: query.qname, depth: 0, spec, visited: root }]
  scheduler.begin()
  for (let next = pending.shift(); next !== undefined && follow(next); next = pending.shift()) {
    while (scheduler.due) await scheduler.rest()
    if (clock.now() >= budget.deadline || budget.ended) break
  }
  await settledBy(budget, clock, lookups)
  if (clock.now() >= budget.deadline) limits.add('deadline')
  return { answer: assemble(root), truncated, unknown, unready, limits }
}

/** Targets of one service that are read: more than any bound allows to be followed. */
const maxTargets = 256

/** The target names of the groups, by their lower case. */
function targetsOf(groups: readonly EndpointGroup[]): ReadonlyMap<string, string> {
  const targets = new Map<string, string>()
  for (const { names } of groups) {
    for (const target of names) {
      if (targets.size === maxTargets) return targets
      targets.set(lowerName(target), target)
    }
  }
  return targets
}

const newVisited = (): Visited => ({ records: [], links: [], isElsewhere: false })

/** Waits for all lookups until the question ends: the answer is without the results of later ones. */
async function settledBy(
  { deadline, signal, ended }: QueryBudget,
  clock: Clock,
  lookups: readonly Promise<void>[],
): Promise<void> {
  if (lookups.length === 0 || ended) return
  const late = Promise.withResolvers<void>()
  const timer = clock.after(Math.max(0, deadline - clock.now()), late.resolve)
  signal.addEventListener('abort', () => late.resolve(), { once: true })
  try {
    await Promise.race([Promise.all(lookups), late.promise])
  } finally {
    timer.cancel()
  }
}

/**
 * The records of a name, then each of its CNAMEs with the records of the target. CNAMEs to names without records are
 * left out.
 */
function assemble(root: Visited): ResourceRecord[] {
  const answer = new Map<string, ResourceRecord>()
  /** `open`: on the path from the root, so that a CNAME to it would close a loop. */
  const emitted = new Map<Visited, 'open' | 'done'>()
  const hasRecords = createReachability()

  function emit(visited: Visited): void {
    if (emitted.has(visited)) return
    emitted.set(visited, 'open')
    for (const record of visited.records) add(record)
    for (const { cname, target } of visited.links) {
      if (emitted.get(target) === 'open' || !hasRecords(target)) continue
      add(cname)
      emit(target)
    }
    emitted.set(visited, 'done')
  }

  /** Several slices may have one address, and several targets lead to one: an RRset has no duplicates (RFC 2181 §5). */
  function add(record: ResourceRecord): void {
    const { name, type, rdata } = record
    answer.set(`${lowerName(name)} ${type} ${Buffer.from(rdata).toString('hex')}`, record)
  }

  emit(root)
  return [...answer.values()]
}

/** Whether a name, or one that it leads to, has records. */
function createReachability(): (visited: Visited) => boolean {
  const results = new Map<Visited, boolean>()
  return function hasRecords(visited: Visited): boolean {
    const known = results.get(visited)
    if (known !== undefined) return known
    // Names in a loop add no records to one another.
    results.set(visited, false)
    const result = visited.isElsewhere || visited.records.length > 0 || visited.links.some((l) => hasRecords(l.target))
    results.set(visited, result)
    return result
  }
}

const cname = (owner: string, target: string, ttl: number): ResourceRecord =>
  record(owner, dnsType.CNAME, ttl, rdata.name(target))
