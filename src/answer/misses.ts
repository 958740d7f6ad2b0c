/** Why a question went to the plugin chain: for `explain` and for the counter of misses by reason. */

export const missReason = {
  none: 0,
  /** The space is retired or does not serve. */
  space: 1,
  /** Valid, but not what the table answers: NOTIFY, a class other than IN, transfers, DS, ANY. */
  unusual: 2,
  /** Records in the request besides one OPT, or counts that exceed the records present. */
  sections: 3,
  /** A compressed question name. */
  compressed: 4,
  /** EDNS flags or options that the chain must see. */
  edns: 5,
  /** The table has neither the name nor a name above it. */
  name: 6,
  /** The closest name above is open: the chain decides below it. */
  open: 7,
  /** The table leaves this type at this name to the chain. */
  chain: 8,
  /** The zone is still open: nothing in it is denied from the table. */
  unsynced: 9,
  /** The cached reply has expired. */
  expired: 10,
  /** The answer must be truncated in a way that the table does not support. */
  large: 11,
  /** A rule leaves the question to the chain, for example by client (`acl`). */
  rule: 12,
  /** The cached reply is a failure: the chain repeats it, because `errors` logs each one. */
  failure: 13,
} as const

/** The table has no data for the name: a later plugin, or the upstream that the relay asks, may. */
export const isRelayable = (reason: number): boolean =>
  reason === missReason.name || reason === missReason.open || reason === missReason.expired

/** Metric labels, indexed by reason. */
export const missLabels = [
  'none',
  'space',
  'unusual',
  'sections',
  'compressed',
  'edns',
  'name',
  'open',
  'chain',
  'unsynced',
  'expired',
  'large',
  'rule',
  'failure',
] as const

const texts: readonly string[] = [
  'answered from the table',
  'the listener does not serve from the table',
  'the plugins answer this opcode, class or type',
  'the request has records besides the question and one OPT',
  'the name in the question is compressed',
  'the request has EDNS flags or options that plugins must see',
  'the table has neither the name nor a name above it',
  'the plugins answer names below the closest name in the table',
  'the plugins answer this type at this name',
  'the zone is not synced yet, so nothing in it is denied',
  'the cached reply has expired',
  'the answer is too large for the client, so the plugin chain cuts it',
  'a rule leaves this name, type or client to the plugins',
  'the cached reply is a failure, which the plugins log',
]

export const missTextOf = (reason: number): string => texts[reason] ?? texts[0]
