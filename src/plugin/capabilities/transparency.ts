/**
 * Which names a plugin claims from the answer table, because it may change the question or the answer of plugins behind
 * it. Most plugins need `transparencyOf`, not these interfaces. A plugin without this capability lets everything pass.
 */
import type { NameText } from '../../table/spec.ts'
import { defineCapability } from '../capability.ts'

/**
 * What can be expressed: at a name that the table has, a claim is exact by type, and may spare answers with records. Names
 * that the table lacks are claimed below a node, all types of them (`claimsBelow`), or by zone, texts and types
 * (`questions`). Classes need no claim: the table answers class IN alone.
 */
export interface Transparency {
  /**
   * What the plugin may change of the answers at this name (lower case, absolute), those of one type or all; undefined: they
   * pass as they are.
   */
  claims(name: string, type?: number): Claim | undefined
  /**
   * Why queries for names at and below `name` that the table does not have must reach the plugin, or undefined. It need
   * not speak of `questions`.
   */
  claimsBelow(name: string): ClaimBelow | undefined
  /** All that is claimed, where it can be said by zone, texts and types; absent where it cannot. */
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
  /** What the names have in them, all of it. */
  readonly texts: readonly NameText[]
  /**
   * What becomes of those that the table does not have. `whole`: the chain has the zone. `some`: the chain has those with
   * the texts and types. `denied`: they may be denied.
   */
  readonly missing: 'whole' | 'some' | 'denied'
}

export const transparency = defineCapability<Transparency>('transparency')
