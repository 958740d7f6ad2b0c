/** Observes queries that the data plane answered, which no handler sees (`log`). */
import { defineCapability } from '../capability.ts'
import type { AnsweredQuery, Observed } from '../observer.ts'

export interface QueryObserver {
  /** Which replies to queries at and below the name (lower case, absolute) it observes. May claim too many. */
  wants(name: string): Observed
  /** It also needs the messages' octets. */
  readonly messages?: boolean
  /** Called a few milliseconds after the reply; under load not for every query. Must not throw. */
  observe(query: AnsweredQuery): void
}

export const queryObserver = defineCapability<QueryObserver>('query observer')
