/** What a plugin decides by name, type and client's address alone: the data plane decides it without asking the plugin. */
import type { Prefix } from '../../dns/address.ts'
import type { QuestionsSpec, RecordsSpec } from '../../table/spec.ts'
import { defineCapability } from '../capability.ts'

/** Of several decisions on a question the first counts. */
export interface Decision {
  readonly questions: QuestionsSpec
  /** Clients in one of these networks; undefined: every client. */
  readonly clients?: readonly Prefix[] | undefined
  /**
   * `chain`: the plugin itself decides. `signed`: a query with DO is the plugin's, but for whole replies that are cached; any
   * other is undecided by this. `pass`: it passes the query on, whatever its later decisions are. `undecided`: what
   * the table has of the name may be answered, and nothing else is decided ahead.
   */
  readonly action: 'chain' | 'signed' | 'pass' | 'undecided' | ConstantReply
}

/** One authoritative reply for whoever asks. Owner '' is the name asked for. */
export interface ConstantReply {
  /** At most 15. */
  readonly rcode: number
  readonly records: RecordsSpec
}

export interface Decisions {
  readonly list: readonly Decision[]
  /** All that the plugin claims is decided by the list: names need not be kept out of the table because of it. */
  readonly complete: boolean
}

export const decisions = defineCapability<Decisions>('decisions')
