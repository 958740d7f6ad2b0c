/** Where one of several sources of a block publishes: it decides what may be said at a name, and which source owns it. */

import { isSubdomain, parentOf } from '../dns/name.ts'
import type { TableSink } from '../plugin/capabilities/compiled-source.ts'
import type { Claim } from '../plugin/capabilities/transparency.ts'
import { defaultPolicy, type ExtendedErrorPolicy } from '../plugin/extended-error.ts'
import type { AnswerSpec, NodeSpec } from '../table/spec.ts'
import { withoutClaimed } from './claims.ts'
import type { Gate } from './gate.ts'

/** Position of a source among those of its block. A name published by an earlier source is not its own. */
export interface SourceOrder {
  readonly before: ReadonlySet<string>
  readonly after: ReadonlySet<string>
  readonly later: () => readonly SourceSink[]
}

export interface SourceSink extends TableSink {
  /** An earlier source has given up the name: publishes what this source has there, if anything. */
  restore(name: string): boolean
}

export function tableSink(gate: Gate, { before, after, later }: SourceOrder): SourceSink {
  const { space, writer, block } = gate
  const declared = new Set<string>()
  /** Names and zones within the source's zones that are left entirely to the chain. */
  const barred = new Set<string>()
  /** What the source has at names that earlier sources own. */
  const shadowed = new Map<string, NodeSpec>()
  /** Names of later sources that this one has replaced: what those had there is no longer known. */
  const replaced = new Set<string>()

  /**
   * Closed nodes above would deny a zone of another block, or a name that a plugin claims: puts a node that leaves
   * everything to the chain in its place.
   */
  function bar(zone: string): void {
    if (declared.has(zone)) return
    declared.add(zone)
    const claimed = gate.claimed.filter((name) => isSubdomain(zone, name) && block.owns(name))
    for (const name of [...block.foreignZonesBelow(zone), ...claimed]) {
      if (barred.has(name)) continue
      barred.add(name)
      if (!isTaken(name)) putForChain(name, zone)
    }
  }

  function putForChain(name: string, zone: string): void {
    writer.put(space, gate.chainProfile(zone), name, forChain(zone))
  }

  const isTaken = (name: string): boolean => before.size > 0 && before.has(writer.pluginAt(space, name) ?? '')

  function put(name: string, node: NodeSpec): void {
    const mayDeny = !isForeign(node.zone)
    const isLeftToChain = isExplainedByChain(node)
    const denies = node.below === 'closed' && mayDeny && !isLeftToChain && !gate.isOpenBelow(name)
    const claims = [
      ...gate.claims(name),
      ...(mayDeny ? [] : [foreignDenials]),
      ...(isLeftToChain ? [explainedDenials] : []),
    ]
    const published = withoutClaimed(mayDeny ? node : withoutNameServers(node), claims)
    const shown = withAllowed(published, gate.extendedErrors)
    writer.put(space, gate.profileFor(name), name, { ...shown, below: denies ? 'closed' : 'open' })
  }

  /** The data plane implements the default policy only. */
  function isExplainedByChain({ explanation }: NodeSpec): boolean {
    const { extendedErrors } = gate
    return explanation !== undefined && extendedErrors !== defaultPolicy && !extendedErrors.off
  }

  function remove(name: string): void {
    const wasReplaced = replaced.delete(name)
    if (!barred.has(name) && later().some((sink) => sink.restore(name))) return
    if (barred.has(name) || wasReplaced) putForChain(name, nearest(declared, name))
    else writer.remove(space, name)
  }

  // A zone has one SOA in a space: that of the block with its apex. Another block's may have another TTL.
  const isForeign = (zone: string) => !block.owns(zone)

  return {
    zone(zone) {
      if (!zone.soa) writer.zoneUnlessKnown(space, { zone: zone.zone, soa: noSoa, open: true })
      else if (isForeign(zone.zone)) writer.zoneUnlessKnown(space, zone)
      else writer.zone(space, zone)
      bar(zone.zone)
    },
    put(name, node) {
      if (!block.owns(name)) return
      if (isTaken(name)) {
        shadowed.set(name, node)
        return
      }
      if (after.size > 0 && after.has(writer.pluginAt(space, name) ?? '')) replaced.add(name)
      put(name, node)
    },
    remove(name) {
      if (!block.owns(name)) return
      if (isTaken(name)) shadowed.delete(name)
      else remove(name)
    },
    restore(name) {
      const node = shadowed.get(name)
      shadowed.delete(name)
      if (node) put(name, node)
      else if (barred.has(name)) putForChain(name, nearest(declared, name))
      else return false
      return true
    },
  }
}

const foreignDenials: Claim = { answers: 'denials', reason: 'another server block has the SOA of the zone' }

const explainedDenials: Claim = { answers: 'denials', reason: 'extended_errors has networks of its own' }

/** Without NS records: the ones in force belong to the block with the zone's apex. */
function withoutNameServers(node: NodeSpec): NodeSpec {
  const answers = [...node.answers].map(([type, answer]): [number, AnswerSpec] => [
    type,
    'withNameServers' in answer && answer.withNameServers ? { kind: 'chain' } : answer,
  ])
  return { ...node, answers: new Map(answers) }
}

/** Without extended errors that the block's policy excludes, or would give to other clients than the data plane does. */
function withAllowed(node: NodeSpec, policy: ExtendedErrorPolicy): NodeSpec {
  if (policy === defaultPolicy) return node
  const { explanation: _, stale, ...rest } = node
  return stale && !policy.off ? { ...rest, stale } : rest
}

/** For a zone whose nodes deny nothing: it is never sent. */
const noSoa = { mname: '.', rname: '.', serial: 0, refresh: 0, retry: 0, expire: 0, minimum: 0, ttl: 0 }

function forChain(zone: string): NodeSpec {
  return { zone, below: 'open', otherTypes: 'chain', answers: new Map() }
}

/** The innermost of these zones that holds the name. */
function nearest(zones: ReadonlySet<string>, name: string): string {
  let zone = name
  while (zone !== '.' && !zones.has(zone)) zone = parentOf(zone)
  return zone
}
