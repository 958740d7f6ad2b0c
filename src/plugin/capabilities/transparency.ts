/**
 * Which names a plugin claims from the answer table, because it may change the question or the answer of plugins behind
 * it. Most plugins need `transparencyOf`, not these interfaces. A plugin without this capability lets everything pass.
 */
import { defineCapability } from '../capability.ts'

/**
 * What can be expressed: at a name that the table has, a claim is exact by type, and may spare answers with records.
 * Below the table's names a claim of types keeps NXDOMAIN for those types on the chain; types other than A and AAAA are
 * one there, because the table has no room for more. Classes need no claim: the table answers class IN alone.
 */
export interface Transparency {
  /** What the plugin may change of the answers at this name (lower case, absolute); undefined: they pass as they are. */
  claims(name: string): Claim | undefined
  /**
   * Which queries for names at and below `name` that the table does not have must reach the plugin, or undefined: then
   * they may be denied from the table. It need not speak of names at and below those in `claimed`.
   */
  claimsBelow(name: string): ClaimBelow | undefined
  /** Single names and zones that the plugin claims: the table leaves each, with all below it, to the chain. */
  readonly claimed?: readonly string[]
}

export interface Claim {
  /** `denials`: answers with records pass, NODATA and NXDOMAIN do not. */
  readonly answers: 'all' | 'denials'
  /** Query types concerned; undefined: all. */
  readonly types?: ReadonlySet<number> | undefined
  /** For `explain`: the rule that keeps the name on the chain. */
  readonly reason: string
}

export type ClaimBelow = Pick<Claim, 'types' | 'reason'>

export const transparency = defineCapability<Transparency>('transparency')
