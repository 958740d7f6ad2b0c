/** What plugins claim of the answers of those behind them: in the table, and in the words of `explain`. */
import { type } from '../dns/codes.ts'
import { parentOf } from '../dns/name.ts'
import { type Claim, type ClaimBelow, transparency } from '../plugin/capabilities/transparency.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { BlockPlugin } from '../plugin/contract.ts'
import type { OpenTypes } from '../table/api.ts'
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
  for (const each of types) {
    const kind = answers.get(each)?.kind ?? node.otherTypes
    if (claimed === 'all' || isDenial(kind)) answers.set(each, { kind: 'chain' })
  }
  return { ...node, answers }
}

const isDenial = (kind: AnswerSpec['kind']): boolean => kind === 'nodata' || kind === 'nxdomain'

/** For which types missing names are the chain's: `all` means that a node must not be closed. */
export function openTypes(claims: readonly ClaimBelow[]): OpenTypes | 'all' | 'none' {
  if (claims.length === 0) return 'none'
  const claimed = (wanted: (type: number) => boolean): boolean =>
    claims.some(({ types }) => types === undefined || [...types].some(wanted))
  const open = {
    a: claimed((each) => each === type.A),
    aaaa: claimed((each) => each === type.AAAA),
    others: claimed((each) => each !== type.A && each !== type.AAAA),
  }
  return open.a && open.aaaa && open.others ? 'all' : open
}

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
    if (below === undefined || below.types?.has(question.qtype) === false) return []
    return [{ plugin: each.plugin, reason: `${below.reason} (for missing names)` }]
  })
}

function claimText(claim: Claim | undefined, qtype: number): string | undefined {
  if (!claim || claim.types?.has(qtype) === false) return undefined
  return claim.answers === 'denials' ? `${claim.reason} (instead of NODATA and NXDOMAIN)` : claim.reason
}
