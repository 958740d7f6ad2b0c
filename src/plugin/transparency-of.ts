/** Transparency from the rules of a directive: a plugin says which names its rules concern, and nothing of the table. */
import { dnsClass, type } from '../dns/codes.ts'
import type { Claim, Transparency } from './capabilities/transparency.ts'
import type { NameMatcher } from './name-matcher.ts'

/** A rule that may change or answer queries in place of the plugins behind. */
export interface ClaimRule {
  readonly names: NameMatcher
  /**
   * Query types that the rule concerns; undefined, or with ANY (255) among them: all. A rule for
   * queries of type ANY alone is not needed: the table leaves those to the chain.
   */
  readonly types?: readonly number[] | undefined
  /** The class that it concerns; undefined: IN. A rule for another class claims nothing: the table answers IN alone. */
  readonly class?: number | undefined
  /** `denials`: it leaves answers with records as they are, and may replace NODATA and NXDOMAIN. Default: `all`. */
  readonly answers?: Claim['answers']
  /** For `explain`: the rule as a person wrote it, and what it does. */
  readonly reason: string
}

/**
 * Claims the names that match a rule. A name that the table has is tested with the matcher itself; names that it lacks
 * are claimed below a node only where a matching name may be: an exact name and a zone stay out of the table as one, a
 * suffix (or the literal end of a regular expression) concerns nodes above and below it, any other matcher all.
 */
export function transparencyOf(all: readonly ClaimRule[]): Transparency {
  const rules = all.filter(
    (rule) => rule.class === undefined || rule.class === dnsClass.IN || rule.class === dnsClass.ANY,
  )
  const claims = rules.map((rule): { rule: ClaimRule; claim: Claim } => {
    const types = rule.types === undefined || rule.types.includes(type.ANY) ? undefined : new Set(rule.types)
    return { rule, claim: { answers: rule.answers ?? 'all', types, reason: rule.reason } }
  })
  return {
    claims(name) {
      const found = claims.flatMap(({ rule, claim }) => (rule.names.matches(name) ? [claim] : []))
      return found.length > 1 ? combined(found) : found[0]
    },
    claimsBelow(name) {
      const found = claims.flatMap(({ rule: { names }, claim }) =>
        (names.zone === undefined ? names.mayMatchBelow(name) : names.matches(name)) ? [claim] : [],
      )
      return found.length > 1 ? combined(found) : found[0]
    },
    claimed: [...new Set(rules.flatMap(({ names }) => names.zone ?? []))],
  }
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
