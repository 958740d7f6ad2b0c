/**
 * The rules of a space of the answer table: what plugins decide by name, type and client alone, and which missing names
 * they claim. The data plane evaluates them before it looks a name up, and before it denies one.
 */
import type { Prefix } from '../dns/address.ts'
import { rcode, type as rrType } from '../dns/codes.ts'
import { isSubdomain } from '../dns/name.ts'
import { compiledSource } from '../plugin/capabilities/compiled-source.ts'
import { type ConstantReply, decisions } from '../plugin/capabilities/decisions.ts'
import type { ClaimedQuestions } from '../plugin/capabilities/transparency.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { BlockPlugin } from '../plugin/contract.ts'
import type { TableWriter } from '../table/api.ts'
import type { NameText, QuestionsSpec, RuleSpec, SpaceRules } from '../table/spec.ts'
import { claimsOf, combineEffects, createGate, type PublishedBlock } from './gate.ts'

/**
 * Maximum number of rules of each kind, and of networks in rules, per space: each costs every query, or every denial, some
 * 20 ns. Beyond it everything is left to the chain.
 */
export const maxRules = 256

/** A rule that may skip the rules after it: the rest of its plugin's, or of its block's. */
type Draft = Omit<RuleSpec, 'action'> & {
  readonly action: Exclude<RuleSpec['action'], { kind: 'skip' }> | 'pass' | 'undecided'
}

/** A server block whose view takes certain clients only: their queries go to the chain. */
export interface ClientView {
  readonly zones: readonly string[]
  readonly clients: readonly Prefix[]
}

/** The rules of all blocks on the space's listener. `onOverflow` gets the number of rules that would be needed. */
export function spaceRules(
  blocks: readonly PublishedBlock[],
  views: readonly ClientView[],
  space: number,
  writer: TableWriter,
  onOverflow: (rules: number) => void,
): SpaceRules {
  const first = [...views.flatMap(leftToChain), ...blocks.flatMap((block) => decidedIn(block, space, writer))]
  const missing = blocks.flatMap(claimedMissing)
  const steps = first.reduce((sum, { clients = [] }) => sum + 1 + clients.length, 0)
  const exceptions = Math.max(0, ...first.map(({ action }) => unlessOf(action)))
  const most = Math.max(steps, missing.length, exceptions)
  if (most > maxRules) onOverflow(most)
  return {
    first: Math.max(steps, exceptions) > maxRules ? withoutDecisions(first) : first,
    missing: missing.length > maxRules ? [every] : missing,
  }
}

const unlessOf = (action: RuleSpec['action']): number =>
  typeof action === 'object' && action.kind === 'reply' ? action.unless.length : 0

function leftToChain({ zones, clients }: ClientView): readonly RuleSpec[] {
  return zones.map((zone): RuleSpec => ({ questions: { ...every, zone }, clients, action: 'chain' }))
}

/** Clients whose queries a rule sends to the chain must not be answered from the table: so the chain gets all queries. */
function withoutDecisions(rules: readonly RuleSpec[]): readonly RuleSpec[] {
  return rules.some(({ action }) => action === 'chain' || action === 'signed')
    ? [{ questions: every, action: 'chain' }]
    : []
}

const every: QuestionsSpec = { zone: '.', names: 'zone', texts: [], types: [] }

const ownZones = (block: PublishedBlock): readonly string[] => block.zones.filter(block.owns)

function decidedIn(block: PublishedBlock, space: number, writer: TableWriter): readonly RuleSpec[] {
  const groups = block.plugins.map((_, position) => decisionsAt(block, position, space, writer))
  if (groups.every((group) => group.length === 0)) return []
  return numbered([elsewhere(block), ...groups])
}

/** Zones of other blocks without a zone of this block below them: the block decides nothing there. */
function elsewhere(block: PublishedBlock): readonly Draft[] {
  const own = ownZones(block)
  const foreign = new Set(own.flatMap(block.foreignZonesBelow))
  return [...foreign]
    .filter((zone) => !own.some((each) => isSubdomain(zone, each)))
    .map((zone) => ({ questions: { ...every, zone }, action: 'undecided' }))
}

/** Converts skips to numbers of rules. */
function numbered(groups: readonly (readonly Draft[])[]): readonly RuleSpec[] {
  const total = groups.reduce((sum, { length }) => sum + length, 0)
  let at = 0
  return groups.flatMap((group) => {
    const end = at + group.length
    return group.map((draft): RuleSpec => {
      at++
      const { action } = draft
      if (action === 'pass') return { ...draft, action: { kind: 'skip', rules: end - at } }
      if (action === 'undecided') return { ...draft, action: { kind: 'skip', rules: total - at } }
      return { ...draft, action }
    })
  })
}

function decisionsAt(block: PublishedBlock, position: number, space: number, writer: TableWriter): readonly Draft[] {
  const own = capabilityOf(block.plugins[position].instance, decisions)?.list ?? []
  if (own.length === 0) return []
  const replies = own.some(({ action }) => typeof action === 'object')
  const earlier = block.plugins.slice(0, position)
  const unless = replies ? claimedBefore(block, earlier) : []
  const gate = createGate(block, position, space, writer)
  const { minimal } = combineEffects(earlier)
  return own.flatMap((decision): readonly Draft[] => {
    const { action, clients } = decision
    if (typeof action === 'object' && unless === undefined) return []
    return withinBlock(block, decision.questions).flatMap((questions): readonly Draft[] => {
      if (typeof action !== 'object') return [{ questions, clients, action }]
      const records = minimal ? minimised(action) : action.records
      if (records === undefined) return []
      const profileId = gate.profileFor(questions.zone)
      return [
        { questions, clients, action: { kind: 'reply', profileId, rcode: action.rcode, records, unless: unless! } },
      ]
    })
  })
}

/** The questions restricted to the block's zones. */
function withinBlock(block: PublishedBlock, questions: QuestionsSpec): readonly QuestionsSpec[] {
  const { zone, names } = questions
  const own = ownZones(block)
  const holder = own.some((each) => isSubdomain(each, zone)) && block.owns(zone)
  const inside = names === 'apex' ? [] : own.filter((each) => each !== zone && isSubdomain(zone, each))
  return [
    ...(holder ? [questions] : []),
    // Zones of the block below another of its zones are included already.
    ...inside
      .filter((each) => !holder && !inside.some((above) => above !== each && isSubdomain(above, each)))
      .map((each) => ({ ...questions, zone: each, names: 'zone' as const })),
  ]
}

/**
 * What plugins in front may change, and names that they answer: a decision behind them does not apply there. Undefined if
 * they do not state what they claim.
 */
function claimedBefore(block: PublishedBlock, earlier: readonly BlockPlugin[]): readonly QuestionsSpec[] | undefined {
  const found: QuestionsSpec[] = []
  for (const { instance } of earlier) {
    for (const zone of capabilityOf(instance, compiledSource)?.zones ?? [])
      for (const questions of withinBlock(block, { ...every, zone })) found.push(questions)
    const opaque = claimsOf(instance)
    if (opaque === undefined) continue
    if (opaque.questions === undefined) return undefined
    for (const claimed of opaque.questions)
      for (const questions of withinBlock(block, asQuestions(claimed))) found.push(questions)
  }
  const own = ownZones(block)
  for (const zone of own.flatMap(block.foreignZonesBelow))
    if (own.some((each) => isSubdomain(zone, each))) found.push({ ...every, zone })
  return found
}

const asQuestions = ({ zone, texts, types }: ClaimedQuestions): QuestionsSpec => ({
  zone,
  names: 'zone',
  texts,
  types: [...(types ?? [])],
})

/** The reply as `minimal` leaves it; undefined if the data plane cannot do that. */
function minimised({ rcode: code, records }: ConstantReply): ConstantReply['records'] | undefined {
  const { answer, authority = [], additional } = records
  const isDenial = authority.some(({ type }) => type === rrType.SOA || type === rrType.NS)
  if (code === rcode.NOERROR && (answer.length > 0 || !isDenial)) return { ...records, authority: [], additional: [] }
  return additional.length === 0 ? records : undefined
}

/** Names that a closed node would deny although a plugin in front of a source claims them. */
function claimedMissing(block: PublishedBlock): readonly QuestionsSpec[] {
  const found = new Map<string, QuestionsSpec>()
  for (const [position, { instance }] of block.plugins.entries()) {
    const denied = block.plugins
      .slice(position + 1)
      .flatMap((later) => capabilityOf(later.instance, compiledSource) ?? [])
      .flatMap(({ zones, deniesNothing }) => (deniesNothing ? [] : zones))
    for (const claimed of claimsOf(instance)?.questions ?? []) {
      if (claimed.missing !== 'some' || !denied.some((zone) => mayBeIn(zone, claimed))) continue
      for (const questions of withinBlock(block, asQuestions(claimed))) found.set(JSON.stringify(questions), questions)
    }
  }
  return [...found.values()]
}

function mayBeIn(zone: string, claimed: ClaimedQuestions): boolean {
  if (!isSubdomain(zone, claimed.zone) && !isSubdomain(claimed.zone, zone)) return false
  return claimed.texts.every((text) => mayEndIn(zone, text))
}

/** Whether the zone, or a name below it, can have this ending. */
function mayEndIn(zone: string, { at, text }: NameText): boolean {
  if (at !== 'end') return true
  const below = zone === '.' ? '.' : `.${zone}`
  return below.endsWith(text) || text.endsWith(below) || text === zone
}
