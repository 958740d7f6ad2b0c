/** A rule of `rewrite`: may change a query, and gives the rules for its reply. */

import type { Message, ResourceRecord } from '../../dns/message.ts'
import type { Query } from '../../plugin/query.ts'
import type { ClaimRule } from '../../plugin/transparency-of.ts'
import type { StepAllowance } from '../../regexp/index.ts'

export interface Rule {
  /** `stop`: no rule after this one is tried when this one applies. */
  readonly mode: 'stop' | 'continue'
  /** Undefined: the rule does not apply. */
  apply(query: Query): Rewritten | undefined
  /** The code of an EDNS option of the request that is copied into replies without an OPT. */
  readonly echoes?: number
  /** It changes queries to upstreams whatever their name. */
  readonly changesForUpstreams?: true
  /** The names whose answers the rule may change; undefined: it changes no answer of the table. */
  readonly claim?: ClaimRule
}

export interface Rewritten {
  readonly query: Query
  /** The rule counts as not applied although it changed the query: the next one is tried. */
  readonly passedOver?: true
  /** In the order of the configuration; applied to the reply from the last to the first. */
  readonly response: readonly ResponseRule[]
}

/** Changes a reply. Each kind is applied in response.ts. */
export type ResponseRule =
  | { readonly kind: 'record'; rewrite(record: ResourceRecord, allowance: StepAllowance): ResourceRecord }
  | { readonly kind: 'rcode'; readonly from: number; readonly to: number }
  /** Undoes an option of the request that the reply would carry. */
  | { readonly kind: 'option'; restore(options: Message['edns']): Message['edns'] }
  | { readonly kind: 'message'; rewrite(message: Message, query: Query): Promise<Message> }
