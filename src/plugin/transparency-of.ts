/**
 * Transparency from the rules of a directive: a plugin declares which names its rules concern and need not know the
 * table.
 */
import type { Position } from '../corefile/schema.ts'
import { dnsClass, type } from '../dns/codes.ts'
import type { Claim, ClaimedQuestions, Transparency } from './capabilities/transparency.ts'
import type { NameMatcher } from './name-matcher.ts'

/** A rule that may change queries for later plugins, or answer in their place. */
export interface ClaimRule {
  readonly names: NameMatcher
  /**
   * Query types that the rule concerns; undefined, or with ANY (255) among them: all. A rule for
   * queries of type ANY alone is not needed: the table leaves those to the chain.
   */
  readonly types?: readonly number[] | undefined
  /** The class that it concerns; undefined: IN. A rule for another class claims nothing: the table answers IN alone. */
  readonly class?: number | undefined
  /** `denials`: it leaves answers with records unchanged, and may replace NODATA and NXDOMAIN. Default: `all`. */
  readonly answers?: Claim['answers']
  /** It concerns existing names only: a missing one may be denied whatever the rule. */
  readonly existingNames?: boolean
  /** For `explain`: the rule as a person wrote it, and what it does. */
  readonly reason: string
  /** Where it stands in the Corefile. */
  readonly at: Position
}

/**
 * Claims the names that match a rule. A name that the table has is tested with the matcher itself. Names that it lacks
 * are claimed as a whole zone where the matcher is an exact name or a zone and the rule concerns every type, otherwise
 * by the texts of the matcher.
 */
export function transparencyOf(all: readonly ClaimRule[]): Transparency {
  const rules = all.filter(
    (rule) => rule.class === undefined || rule.class === dnsClass.IN || rule.class === dnsClass.ANY,
  )
  const claims = rules.map((rule): { rule: ClaimRule; claim: Claim } => {
    const types = rule.types === undefined || rule.types.includes(type.ANY) ? undefined : new Set(rule.types)
    return { rule, claim: { answers: rule.answers ?? 'all', types, reason: placed(rule) } }
  })
  const questions = claims.map(({ rule, claim }) => questionsOf(rule, claim))
  const whole = claims.filter((_, i) => questions[i].missing === 'whole')
  return {
    claims(name, qtype) {
      const concerns = ({ types }: Claim): boolean => qtype === undefined || types?.has(qtype) !== false
      const found = claims.flatMap(({ rule, claim }) => (concerns(claim) && rule.names.matches(name) ? [claim] : []))
      return found.length > 1 ? combined(found) : found[0]
    },
    claimsBelow: (name) => whole.find(({ rule }) => rule.names.matches(name))?.claim,
    questions,
  }
}

/** A reason with the place of its rule in the Corefile. */
export const placed = ({ reason, at }: { readonly reason: string; readonly at: Position }): string =>
  `${reason} (${at.file}:${at.line})`

function questionsOf({ names, existingNames }: ClaimRule, { types, reason }: Claim): ClaimedQuestions {
  const { zone = '.', texts = [] } = names
  const isWhole = names.zone !== undefined && names.texts === undefined && types === undefined
  return { zone, texts, types, reason, missing: existingNames ? 'denied' : isWhole ? 'whole' : 'some' }
}

/** One claim that holds wherever one of these does. */
function combined(claims: readonly Claim[]): Claim {
  const types = claims.some((claim) => claim.types === undefined)
    ? undefined
    : new Set(claims.flatMap((claim) => [...(claim.types ?? [])]))
  return {
    answers: claims.some(({ answers }) => answers === 'all') ? 'all' : 'denials',
    types,
    reason: claims.map(({ reason }) => reason).join('; '),
  }
}
