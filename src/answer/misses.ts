/** Why a question went to the plugin chain: for `explain` and for the counter of misses by reason. */

export const missReason = {
  none: 0,
  /** The space is retired or does not serve. */
  space: 1,
  /** Valid, but not what the table answers: NOTIFY, a class other than IN, transfers, DS, ANY. */
  unusual: 2,
  /** Records in the request besides one OPT, or a request whose counts promise more than it has. */
  sections: 3,
  /** A compressed question name. */
  compressed: 4,
  /** EDNS flags or options that need a closer look. */
  edns: 5,
  /** The table has neither the name nor a name above it. */
  name: 6,
  /** The closest name above is open: the chain decides below it. */
  open: 7,
  /** The table says that the chain answers this type at this name. */
  chain: 8,
  /** The zone is still open: nothing in it is denied. */
  unsynced: 9,
  /** The cached reply has expired. */
  expired: 10,
  /** The answer must be cut in a way that the table does not know. */
  large: 11,
  /** A rule leaves the question to the chain: by its client (`acl`), say. */
  rule: 12,
  /** The cached reply is a failure: the chain repeats it, because the log of errors has each of them. */
  failure: 13,
} as const

/** The table knows nothing of the name: a plugin behind it may, or the upstream that the relay asks. */
export const isRelayable = (reason: number): boolean =>
  reason === missReason.name || reason === missReason.open || reason === missReason.expired

/** The reasons as metrics name them, by number. */
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
