/** What plugins claim of the answers of later plugins: applied to the table, and worded for `explain`. */
import { missReason } from '../answer/misses.ts'
import { isSubdomain, parentOf } from '../dns/name.ts'
import { decisions } from '../plugin/capabilities/decisions.ts'
import {
  type Claim,
  type ClaimedQuestions,
  type Transparency,
  transparency,
} from '../plugin/capabilities/transparency.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { BlockPlugin } from '../plugin/contract.ts'
import type { AnswerSpec, NameText, NodeSpec } from '../table/spec.ts'

/** The node with everything that is claimed left to the chain. */
export function withoutClaimed(node: NodeSpec, claims: readonly Claim[]): NodeSpec {
  let left = node
  for (const claim of claims) {
    left = claim.types ? withoutTypes(left, claim.types, claim.answers) : withoutAnswers(left, claim.answers)
  }
  return left
}

function withoutAnswers(node: NodeSpec, claimed: Claim['answers']): NodeSpec {
  const answers = claimed === 'all' ? [] : [...node.answers].filter(([, answer]) => !isDenial(answer.kind))
  return { ...node, otherTypes: 'chain', answers: new Map(answers) }
}

function withoutTypes(node: NodeSpec, types: ReadonlySet<number>, claimed: Claim['answers']): NodeSpec {
  const answers = new Map(node.answers)
  for (const each of types) {
    const kind = answers.get(each)?.kind ?? node.otherTypes
    if (claimed === 'all' || isDenial(kind)) answers.set(each, { kind: 'chain' })
  }
  return { ...node, answers }
}

const isDenial = (kind: AnswerSpec['kind']): boolean => kind === 'nodata' || kind === 'nxdomain'

/**
 * Why plugins in front of `plugin` (all of them if it is undefined) keep this question on the chain, each with its
 * reason. `reasonOfMiss`: why the table has no answer.
 */
export function claimsOn(
  plugins: readonly BlockPlugin[],
  plugin: string | undefined,
  question: { readonly name: string; readonly qtype: number },
  reasonOfMiss: number,
): { readonly plugin: string; readonly reason: string }[] {
  const position = plugins.findIndex((each) => each.plugin === plugin)
  const earlier = position < 0 ? plugins : plugins.slice(0, position)
  return earlier.flatMap((each) => {
    // What the rules of the space decide is the plugin's complete claim.
    if (reasonOfMiss !== missReason.rule && capabilityOf(each.instance, decisions)?.complete) return []
    const opaque = capabilityOf(each.instance, transparency)
    const reason = opaque && claimText(opaque.claims(question.name, question.qtype), question.qtype)
    if (reason !== undefined) return [{ plugin: each.plugin, reason }]
    const missing = opaque && reasonOfMiss === missReason.open ? missingText(opaque, question) : undefined
    return missing === undefined ? [] : [{ plugin: each.plugin, reason: `${missing} (for missing names)` }]
  })
}

function claimText(claim: Claim | undefined, qtype: number): string | undefined {
  if (!claim || claim.types?.has(qtype) === false) return undefined
  return claim.answers === 'denials' ? `${claim.reason} (instead of NODATA and NXDOMAIN)` : claim.reason
}

/** Why the plugin must see a name that is missing from the table. */
function missingText(
  { claimsBelow, questions = [] }: Transparency,
  { name, qtype }: { readonly name: string; readonly qtype: number },
): string | undefined {
  const concerns = ({ zone, texts, types, missing }: ClaimedQuestions): boolean =>
    missing === 'some' &&
    types?.has(qtype) !== false &&
    isSubdomain(zone, name) &&
    texts.every((text) => mayHave(name, text))
  return claimsBelow(parentOf(name))?.reason ?? questions.find(concerns)?.reason
}

/** Applies the data plane's test. */
function mayHave(name: string, { at, text }: NameText): boolean {
  if (name.includes('\\')) return true
  if (at === 'anywhere') return name.includes(text)
  return at === 'start' ? name.startsWith(text) : name.endsWith(text)
}
