/**
 * A and AAAA of names that are CNAMEs (ExternalName, FQDN slices): the targets are resolved
 * (docs/coredns-behaviour.md §4.5).
 *
 * Targets of ours are visited breadth first, each once, whatever number of names lead to it; targets elsewhere are asked
 * for at once. The answer is put together when all are known. All of it is bounded by the question's budget: names that
 * lead to names multiply, so six services of six targets each could otherwise keep the main thread for minutes.
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
  /** Resources that a target of ours depends on are not known: see Answer's `unknown`. */
  readonly unknown: boolean
  /** Why a target of ours has no records, where that is known. */
  readonly unready: string | undefined
  /** The bounds that were reached: the answer has what was found until then. */
  readonly limits: ReadonlySet<ChaseLimit>
}

export type ChaseLimit = 'names' | 'lookups' | 'octets' | 'deadline'

/**
 * Lookups besides the first of each question, of all questions that are in work: a question must not be worth eight in a
 * flood of them.
 */
export interface ExtraLookups {
  /** False when too many are in work. */
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

/** CNAMEs of ours that may lead to another one: CoreDNS follows eleven in all. */
const maxChain = 10

/** A record in a message takes at least an owner's pointer, type, class, TTL and length. */
const recordOverhead = 12

/** A name with what has been found at it. */
interface Visited {
  /** Records of its own: addresses, or what another zone answered. */
  readonly records: ResourceRecord[]
  readonly links: Link[]
  /** It is answered from elsewhere, so its CNAME stands, whether or not it has records. */
  isElsewhere: boolean
}

/** A CNAME that leads from one name to another. */
interface Link {
  readonly cname: ResourceRecord
  readonly target: Visited
}

/** A name of ours whose targets are to be visited. */
interface Pending {
  readonly owner: string
  readonly depth: number
  readonly spec: Pick<ChaseSpec, 'groups' | 'ttl'>
  readonly visited: Visited
}

/** Follows the names in `spec`, which the query's name in `zone` was found to have. */
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

  /** What is at a target, visited now if it was not before; undefined where a bound keeps it from being visited. */
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

  /** The first lookup of a question is free, as that of an ExternalName is; the others are of a bounded number. */
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

  /** False when no message holds the record. */
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

/** Names of one service that are looked at: more than any bound lets through. */
const maxTargets = 256

/** The names that the groups lead to, by their lower case. */
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

/** Waits for all lookups, but no longer than the question lives: what is late then is missing in the answer. */
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

/** The records of a name, then each of its CNAMEs with what it leads to. A CNAME to a name without records is left out. */
function assemble(root: Visited): ResourceRecord[] {
  const answer = new Map<string, ResourceRecord>()
  /** `open`: between the name and the root, so that a CNAME to it would close a circle. */
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

  /** Several slices may have one address, and several targets lead to one: an RRset has no record twice (RFC 2181 §5). */
  function add(record: ResourceRecord): void {
    const { name, type, rdata } = record
    answer.set(`${lowerName(name)} ${type} ${Buffer.from(rdata).toString('hex')}`, record)
  }

  emit(root)
  return [...answer.values()]
}

/** Whether something is found at a name or at one that it leads to. */
function createReachability(): (visited: Visited) => boolean {
  const results = new Map<Visited, boolean>()
  return function hasRecords(visited: Visited): boolean {
    const known = results.get(visited)
    if (known !== undefined) return known
    // Names that lead in a circle add nothing to one another.
    results.set(visited, false)
    const result = visited.isElsewhere || visited.records.length > 0 || visited.links.some((l) => hasRecords(l.target))
    results.set(visited, result)
    return result
  }
}

const cname = (owner: string, target: string, ttl: number): ResourceRecord =>
  record(owner, dnsType.CNAME, ttl, rdata.name(target))
