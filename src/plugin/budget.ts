/**
 * What one question may cause, in whatever it runs through: the chain, CNAMEs that are followed, lookups within lookups.
 * Without it one question of 45 octets can cause work without end, because names can lead to many names.
 */

export interface QueryBudget {
  /** When all work for the question ends: milliseconds of the monotonic clock. */
  readonly deadline: number
  /** Takes one lookup outside of the plugin that asks. False when the bound is reached. */
  spendLookup(): boolean
  /** Takes one name of a plugin's own that is followed. False when the bound is reached. */
  spendName(): boolean
  /** Takes octets of an answer under construction. False when no message holds more. */
  spendOctets(octets: number): boolean
}

export interface QueryLimits {
  /** Milliseconds after the query was received. */
  readonly time: number
  readonly lookups: number
  readonly names: number
  readonly octets: number
}

/**
 * time: resolvers give up after 5 s. lookups: an answer with more than a few targets elsewhere is no use to a client
 * that connects to one. names: more than any chain of real Services, and a few milliseconds of work. octets: a message.
 */
export const queryLimits: QueryLimits = { time: 5000, lookups: 8, names: 64, octets: 65_535 }

/** `receivedAt`: milliseconds of the monotonic clock. */
export function createQueryBudget(receivedAt: number, limits: QueryLimits = queryLimits): QueryBudget {
  let { lookups, names, octets } = limits
  return {
    deadline: receivedAt + limits.time,
    spendLookup: () => lookups-- > 0,
    spendName: () => names-- > 0,
    spendOctets(count) {
      octets -= count
      return octets >= 0
    },
  }
}
