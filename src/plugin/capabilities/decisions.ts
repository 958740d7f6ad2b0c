/** What a plugin decides by name, type and client address alone, so that the data plane can decide in its place. */
import type { Prefix } from '../../dns/address.ts'
import type { QuestionsSpec, RecordsSpec } from '../../table/spec.ts'
import { defineCapability } from '../capability.ts'

/** The first decision that applies to a question wins. */
export interface Decision {
  readonly questions: QuestionsSpec
  /** Clients in one of these networks; undefined: every client. */
  readonly clients?: readonly Prefix[] | undefined
  /**
   * `chain`: the plugin itself decides. `signed`: queries with DO go to the plugin, unless a whole cached reply answers
   * them; the decision says nothing about others. `pass`: it passes the query on, whatever its later decisions are.
   * `undecided`: the table may answer the name with what it has, and nothing else is decided ahead of the query.
   */
  readonly action: 'chain' | 'signed' | 'pass' | 'undecided' | ConstantReply
}

/** One authoritative reply for every client. Owner '' stands for the query name. */
export interface ConstantReply {
  /** At most 15. */
  readonly rcode: number
  readonly records: RecordsSpec
}

export interface Decisions {
  readonly list: readonly Decision[]
  /** The list covers all that the plugin claims, so that its claims keep no names out of the table. */
  readonly complete: boolean
}

export const decisions = defineCapability<Decisions>('decisions')
