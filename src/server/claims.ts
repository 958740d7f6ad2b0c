/** What plugins claim of the answers of those behind them: in the table, and in the words of `explain`. */
import { parentOf } from '../dns/name.ts'
import { type Claim, transparency } from '../plugin/capabilities/transparency.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { BlockPlugin } from '../plugin/contract.ts'
import type { AnswerSpec, NodeSpec } from '../table/spec.ts'

/** The node as the table may answer it: whatever is claimed of it is for the chain. */
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
  for (const type of types) {
    const kind = answers.get(type)?.kind ?? node.otherTypes
    if (claimed === 'all' || isDenial(kind)) answers.set(type, { kind: 'chain' })
  }
  return { ...node, answers }
}

const isDenial = (kind: AnswerSpec['kind']): boolean => kind === 'nodata' || kind === 'nxdomain'

/** Why plugins in front of `plugin` keep this question on the chain, each with its reason. */
export function claimsOn(
  plugins: readonly BlockPlugin[],
  plugin: string,
  question: { readonly name: string; readonly qtype: number },
): { readonly plugin: string; readonly reason: string }[] {
  const earlier = plugins.slice(
    0,
    plugins.findIndex((each) => each.plugin === plugin),
  )
  return earlier.flatMap((each) => {
    const opaque = capabilityOf(each.instance, transparency)
    const reason = opaque && claimText(opaque.claims(question.name), question.qtype)
    if (reason !== undefined) return [{ plugin: each.plugin, reason }]
    const below = opaque?.claimsBelow(parentOf(question.name))
    return below === undefined ? [] : [{ plugin: each.plugin, reason: `${below} (for missing names)` }]
  })
}

function claimText(claim: Claim | undefined, qtype: number): string | undefined {
  if (!claim || claim.types?.has(qtype) === false) return undefined
  return claim.answers === 'denials' ? `${claim.reason} (instead of NODATA and NXDOMAIN)` : claim.reason
}
