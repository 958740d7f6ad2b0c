/**
 * A and AAAA of names that are CNAMEs (ExternalName, FQDN slices): the targets are resolved
 * (docs/coredns-behaviour.md §4.5).
 */

import type { ClusterContext } from '../../cluster-dns/context.ts'
import type { ChaseSpec } from '../../cluster-dns/features/split/split-answers.ts'
import type { EndpointGroup } from '../../cluster-dns/lookup/endpoints.ts'
import { resolve } from '../../cluster-dns/records/answers.ts'
import { recordsOf } from '../../cluster-dns/records/reply-records.ts'
import { type Random, selectVariant } from '../../cluster-dns/records/selection.ts'
import { dnsClass, type as dnsType } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { isSubdomain, lowerName } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import type { Query } from '../../plugin/query.ts'

export interface Chased {
  readonly answer: readonly ResourceRecord[]
  readonly truncated: boolean
  /** A target of ours could not be told: see Answer's `unknown`. */
  readonly unknown: boolean
}

/** CNAMEs of ours that may lead to another one: CoreDNS follows eleven in all. */
const maxChain = 10

/** Follows the names in `groups`, which `qname` in `zone` was found to have. */
export async function chase(
  context: ClusterContext,
  zone: string,
  query: Query,
  { groups, ttl }: ChaseSpec,
  random: Random,
): Promise<Chased> {
  const answer: ResourceRecord[] = []
  let truncated = false
  let unknown = false
  /** Adds what `owner` has; returns false when that is nothing. `path`: the names that led here. */
  async function follow(
    owner: string,
    entries: readonly EndpointGroup[],
    ttl: number,
    path: readonly string[],
  ): Promise<boolean> {
    const start = answer.length
    for (const group of entries) if (group.width !== 0) addAddresses(owner, group, ttl)
    const targets = new Map(entries.flatMap(({ names }) => names.map((target) => [lowerName(target), target])))
    for (const target of targets.values()) await followName(owner, target, ttl, path)
    return answer.length > start
  }

  async function followName(owner: string, target: string, ttl: number, path: readonly string[]): Promise<void> {
    const name = lowerName(target)
    if (isSubdomain(lowerName(owner), name) || path.length > maxChain || path.includes(name)) return
    const at = answer.push(cname(owner, target, ttl))
    if (isSubdomain(zone, name)) {
      if (!(await followOwn(target, name, [...path, lowerName(owner)]))) answer.length = at - 1
      return
    }
    const outcome = await query.lookup(target, query.qtype)
    if (outcome.kind === 'drop') answer.length = at - 1
    if (outcome.kind !== 'reply') return
    answer.push(...outcome.message.answer)
    truncated ||= outcome.message.truncated
  }

  async function followOwn(target: string, name: string, path: readonly string[]): Promise<boolean> {
    const found = selectVariant(resolve(context, zone, name, query.qtype), random)
    if (found.kind === 'chase') return follow(target, found.groups, found.ttl, path)
    if (found.kind === 'unknown') unknown = true
    if (found.kind !== 'addresses') return false
    answer.push(...recordsOf(found, target, query.qtype, zone).answer)
    return true
  }

  function addAddresses(owner: string, group: EndpointGroup, ttl: number): void {
    if (group.width !== (query.qtype === dnsType.A ? 4 : 16)) return
    const spec = { kind: 'addresses' as const, ttl, addresses: group.addresses }
    answer.push(...recordsOf(spec, owner, query.qtype, zone).answer)
  }

  await follow(query.qname, groups, ttl, [])
  return { answer: withoutRepeats(answer), truncated, unknown }
}

/** Several slices may have one address, and several targets lead to one: an RRset has no record twice (RFC 2181 §5). */
function withoutRepeats(records: readonly ResourceRecord[]): ResourceRecord[] {
  const key = ({ name, type, rdata }: ResourceRecord) =>
    `${lowerName(name)} ${type} ${Buffer.from(rdata).toString('hex')}`
  return [...new Map(records.map((record) => [key(record), record])).values()]
}

const cname = (owner: string, target: string, ttl: number): ResourceRecord => ({
  name: owner,
  type: dnsType.CNAME,
  class: dnsClass.IN,
  ttl,
  rdata: rdata.name(target),
})
