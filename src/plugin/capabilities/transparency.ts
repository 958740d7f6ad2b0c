/**
 * Which names a plugin claims from the answer table, because it may change the question for later plugins, or their
 * answer. Most plugins need `transparencyOf`, not these interfaces. A plugin without this capability lets everything
 * pass.
 */
import type { NameText } from '../../table/spec.ts'
import { defineCapability } from '../capability.ts'

/**
 * At a name that the table has, a claim is exact by type, and may leave answers with records alone. Names that the
 * table lacks are claimed below a node with all types (`claimsBelow`), or by zone, texts and types (`questions`).
 * Classes need no claim: the table answers class IN alone.
 */
export interface Transparency {
  /**
   * What the plugin may change of the answers at this name (lower case, absolute), those of one type or all; undefined: they
   * pass as they are.
   */
  claims(name: string, type?: number): Claim | undefined
  /**
   * Why queries for names at and below `name` that the table lacks must reach the plugin, or undefined. It need not
   * cover `questions`.
   */
  claimsBelow(name: string): ClaimBelow | undefined
  /** All that is claimed, where zones, texts and types can express it; absent where they cannot. */
  readonly questions?: readonly ClaimedQuestions[]
}

export interface Claim {
  /** `denials`: answers with records pass, NODATA and NXDOMAIN do not. */
  readonly answers: 'all' | 'denials'
  /** Query types concerned; undefined: all. */
  readonly types?: ReadonlySet<number> | undefined
  /** For `explain`: the rule that keeps the name on the chain. */
  readonly reason: string
}

export type ClaimBelow = Pick<Claim, 'reason'>

export interface ClaimedQuestions extends Pick<Claim, 'types' | 'reason'> {
  /** The names are at or below it. */
  readonly zone: string
  /** The names contain every one of these texts. */
  readonly texts: readonly NameText[]
  /**
   * What happens to names that the table lacks. `whole`: the whole zone goes to the chain. `some`: names with the texts
   * and types go to the chain. `denied`: they may be denied.
   */
  readonly missing: 'whole' | 'some' | 'denied'
}

export const transparency = defineCapability<Transparency>('transparency')
