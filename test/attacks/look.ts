/** What the judge asks, and what it has seen. */

/** `table`: a name that the data plane answers; `chain`: one that the plugin chain computes; `forwarded`: a new name each time. */
export type Kind = 'table' | 'chain' | 'health' | 'tcp' | 'forwarded'
export const kinds: readonly Kind[] = ['table', 'chain', 'health', 'tcp', 'forwarded']

export interface Look {
  readonly kind: Kind
  /** When it began: `now()`. */
  readonly at: number
  /** Milliseconds until the right answer, the judge's own delays not counted; undefined: none, or a wrong one. */
  readonly ms: number | undefined
}

export interface JudgeSettings {
  readonly dns: number
  readonly health: number
  readonly table: string
  readonly chain: string
  /** The zone below which every name has an A record, at the upstream. */
  readonly forwarded: string
  /** The judge's address: not the attacker's. */
  readonly from: string
  /** Milliseconds between two rounds of looks. */
  readonly every: number
  /** Milliseconds after which a look counts as lost. */
  readonly patience: number
  /** Distinguishes the judges of one server. */
  readonly run: number
  /** Milliseconds that an answer takes at most when all is normal. */
  readonly normal: Readonly<Record<Kind, number>>
  /** Milliseconds after the attack until everything must be normal, and for how long it then must be. */
  readonly recovery: number
  readonly watched: number
}

export interface Judgement {
  readonly looks: readonly Look[]
  /** The first moment after the attack from which all was normal for `watched`; else the last at which it had to be. */
  readonly normalFrom: number
}

/** Monotonic milliseconds, the same for every thread. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6
