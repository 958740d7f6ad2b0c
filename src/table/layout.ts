/**
 * Where everything lies in the table's memory: the one file that writer and readers share, so that they cannot disagree.
 * FORMAT.md explains it. Offsets called `…At` count octets from the start of the thing named; cells are indices of 32-bit
 * words from the start of the memory. Integers are little-endian, except those that are copied into replies unchanged.
 */

export const formatVersion = 3

/** Blocks begin at multiples of this many octets, so that a slot can address 1 GiB with 26 bits. */
export const blockUnit = 16
export const maxTableBytes = 2 ** 30

/** Fixed places at the start of the memory. Valid values in FORMAT.md. */
export const cell = {
  version: 0,
  /** Word index of the slot array's header. Swapped whole with Atomics. */
  slots: 1,
  /** The epoch, never 0. Raised by the writer, read by readers at the start of a batch. */
  epoch: 2,
  /** Secrets of the name hash. `multiplier` is odd. */
  seed: 3,
  multiplier: 4,
} as const

/** Reader epochs: one cache line each, to avoid false sharing. */
export const maxReaders = 2048
const readerWords = 16
const readersCell = 16
export const readerCell = (slot: number): number => readersCell + slot * readerWords

/** A reader's cell while it does not access table memory. */
export const OFFLINE = 0

/**
 * A space's number is its index plus 4,096 times how often the index was used before, so a late user of a retired space
 * differs from users of its successor. One word per index: the number of the space + 1 while its lookups are answered.
 */
export const maxSpaces = 4096
export const spaceIndex = (space: number): number => space & (maxSpaces - 1)
const spacesCell = readersCell + maxReaders * readerWords
export const spaceCell = (space: number): number => spacesCell + spaceIndex(space)
/** One word per space index: the offset of the space's rules, 0 for none (Atomics). */
const rulesCells = spacesCell + maxSpaces
export const rulesCell = (space: number): number => rulesCells + spaceIndex(space)

/**
 * One word per profile: bits 0–15 the largest UDP payload size (0: no limit), bit 16 shuffle, bits 17 and 18 whether an
 * observer wants queries that got an answer, or a denial, bit 19 whether positive answers omit the additional section,
 * bits 20–23 changes of the header: AA cleared, RA set, RD set, RD cleared.
 */
export const maxProfiles = 65_536
const profilesCell = rulesCells + maxSpaces
export const profileCell = (profileId: number): number => profilesCell + profileId
export const SHUFFLE = 0x10000
export const OBSERVE_ANSWERS = 0x20000
export const OBSERVE_DENIALS = 0x40000
export const MINIMAL = 0x80000
export const CLEAR_AA = 0x100000
export const SET_RA = 0x200000
export const SET_RD = 0x400000
export const CLEAR_RD = 0x800000
export const HEADER_EFFECTS = CLEAR_AA | SET_RA | SET_RD | CLEAR_RD

export const headerBytes = (profilesCell + maxProfiles) * 4

/** The slot array: a header of four words, the first of which is the mask (slots − 1), then the slots. */
export const slotsHeaderWords = 4
export const EMPTY = 0
/** A slot whose entry was removed: probing continues past it. Cannot be an entry: offset 16 is in the fixed part. */
export const TOMBSTONE = 1

/** A slot: the hash's upper 6 bits and the entry's offset in units of 16 octets. */
export const slotOf = (hash: number, entry: number): number => (hash & 0xfc000000) | (entry >>> 4)
export const entryOf = (slot: number): number => (slot & 0x03ffffff) << 4

/** What a block is: octet 6 of every block. A free block has 0 there. */
export const block = { free: 0, node: 1, cached: 2, body: 3, zone: 4, soa: 5, rules: 6 } as const

/** Words 0 and 1 of an entry (node, cached): the whole hash; the space's index, kind and the name's length packed. */
export const entryWord = (space: number, kind: number, nameLength: number): number =>
  spaceIndex(space) | (kind << 16) | (nameLength << 24)

/** Node: the answers at one name. */
export const node = {
  /** u16 */
  profileAt: 8,
  /** u8: bits 0–1 what other types get (`other`), bit 2 CLOSED, bit 3 WITHOUT_DO, bit 4 EXPLAINED, bit 5 STALE. */
  flagsAt: 10,
  /** u8: number of directory entries. */
  answersAt: 11,
  /** u32: offset of the zone block. */
  zoneAt: 12,
  /** Directory: u16 type, u8 answer kind, u8 OWN_BLOCK and NAME_SERVERS, u32 offset of the body: of the memory when it is a
   *  block of its own, else of the node. */
  directoryAt: 16,
  directoryBytes: 8,
} as const
export const CLOSED = 4
/** Clients that set DO are left to the chain, which has signatures. */
export const WITHOUT_DO = 8
/** The directory's first entry is of type OPT, for the chain, and its body is an extended error: u8 length, octets. */
export const EXPLAINED = 16
/** Replies carry the extended error of a stale answer. */
export const STALE = 32
/** Flags of a directory entry: the body is a separate block; the zone's NS records form the authority section. */
export const OWN_BLOCK = 1
export const NAME_SERVERS = 2
export const other = { nodata: 0, nxdomain: 1, chain: 2 } as const

/** Kinds of answer in a directory entry. Up to `soa` they have no body. */
export const answerKind = {
  nodata: 0,
  nxdomain: 1,
  chain: 2,
  soa: 3,
  addresses: 4,
  services: 5,
  records: 6,
  variants: 7,
} as const

/** A body in a separate block: u32 number of nodes that use it (writer only), kind, then the body. */
export const ownBlock = { refsAt: 0, bodyAt: 8 } as const
/** Bodies up to this many octets are kept inside their node. */
export const inlineBodyBytes = 96

/** A or AAAA records of the node's name. */
export const addresses = {
  /** u32 */
  ttlAt: 0,
  /** u32, at most maxChoices */
  countAt: 4,
  /** Packed addresses, 4 or 16 octets each by the type asked for. */
  addressesAt: 8,
} as const

/** SRV records with glue. Offsets inside are relative to the body. */
export const services = {
  /** u32 */
  ttlAt: 0,
  /** u16 each */
  recordsAt: 4,
  targetsAt: 6,
  /** u32 */
  glueAt: 8,
  /** u8: octets per glue address; MIXED when both families occur: u32 family (4 or 16), then 16 octets. */
  strideAt: 12,
  /** u16: runs of records with one priority and weight, in the order of priorities; 0: sent in the order stored. */
  runsAt: 14,
  /** records × (u16 priority, weight, port in network order; u16 target). Then targets × u32 (see targetName*),
   *  glue × u16 target (padded to 4), glue × stride octets, runs × u32 end of the run (a record's number), names. */
  listAt: 16,
  recordBytes: 8,
} as const
export const MIXED = 20
/** A target's word: offset of its name × 2 + 1 when the zone's own name follows. Name: u8 length, then that many octets. */
export const IN_ZONE = 1

/** Complete records. */
export const records = {
  /** u16 each */
  answersAt: 0,
  additionalsAt: 2,
  /** u16: 1 when the reply may be cut between records; else it is sent whole or by the chain. */
  cuttableAt: 4,
  /** u16 */
  authoritiesAt: 6,
  /** u16 each: the records [from, to) that a shuffling profile permutes, in the answer and in the additional section. */
  answerRunAt: 8,
  additionalRunAt: 12,
  /** (records + 1) × u32 offsets: answers, authorities, additionals. A record: u8 owner length (0: the name asked for), owner, then type to rdata as sent. */
  offsetsAt: 16,
} as const

/** A weighted choice. */
export const variants = {
  /** u32 */
  totalAt: 0,
  countAt: 4,
  /** count × (u32 upper bound of the draw, u32 answer kind + 256 when the body is a block of its own + 65,536 × the
   *  variant's tag, u32 body as in the directory). */
  listAt: 8,
  variantBytes: 12,
} as const

/** The rules of a space: what is decided by name, type and client before names of the space are looked up. */
export const rules = {
  /** u32 each. Rules up to the first number are asked before any answer, up to the second before a missing name is denied;
   *  the others are exceptions of replies. */
  missingFromAt: 8,
  missingEndAt: 12,
  listAt: 16,
  ruleBytes: 44,
} as const
/** One rule; offsets are relative to the block. */
export const rule = {
  /** u32: hash of the zone's name, before the space is mixed in. */
  hashAt: 0,
  /** u8 each: octets and labels of the zone's name in wire form; `ruleNames`; `ruleAction`. */
  zoneOctetsAt: 4,
  zoneLabelsAt: 5,
  namesAt: 6,
  actionAt: 7,
  /** u32: the zone's name. */
  zoneAt: 8,
  /** u16 each: types, texts; 0 types: all. */
  typesAt: 12,
  textsAt: 14,
  /** u32: the types, u16 each. */
  typeListAt: 16,
  /** u32: the texts: u8 `textPlace`, u8 octets, the octets. */
  textListAt: 20,
  /** u32: networks, or ANY_CLIENT; and where they are: u8 family, u8 bits, the octets of an address of the family. */
  networksAt: 24,
  networkListAt: 28,
  /** u32. `skip`: the number of the rule to go on with. `reply`: profile, rcode × 65,536, + 2^24 for a denial with an SOA. */
  resultAt: 32,
  /** u32. `reply`: its records, as a body of that kind. */
  bodyAt: 36,
  /** u16 each. `reply`: the first of its exceptions, and their number. */
  exceptionsAt: 40,
} as const
export const ruleNames = { zone: 0, apex: 1, below: 2 } as const
export const ruleAction = { chain: 0, skip: 1, reply: 2, signed: 3 } as const
export const textPlace = { start: 0, end: 1, anywhere: 2 } as const
export const ANY_CLIENT = -1
export const RULE_DENIES = 0x1000000

/** Zone block: lives as long as its space. */
export const zone = {
  /** u32, Atomics: offset of the SOA block now in force. */
  soaAt: 8,
  /** u32: octets of the zone's name in wire form. */
  lengthAt: 12,
  nameAt: 16,
} as const

/** SOA block: immutable; a change of serial, TTL or openness publishes a new one. */
export const soa = {
  /** u32: 1 while the zone denies nothing. */
  openAt: 0,
  ttlAt: 8,
  /** u8 each: octets stored of the name, and 1 when the zone's own name follows. */
  mnameAt: 12,
  mnameInZoneAt: 13,
  rnameAt: 14,
  rnameInZoneAt: 15,
  /** Serial to minimum, 20 octets in network order. */
  numbersAt: 16,
  numbersBytes: 20,
  /** u16 each: how many NS records the zone has, and where they are, from the start of the block. */
  nameServersAt: 36,
  nameServerListAt: 38,
  /** mname and rname. Then the NS records: u32 TTL in network order, u8 octets stored of the target, u8 1 when the zone's
   *  own name follows, the octets. */
  namesAt: 40,
} as const
/** Limit of a zone's NS records that its answers carry: more do not fit a datagram beside an answer. */
export const maxNameServers = 255

/** A whole cached reply. */
export const cached = {
  profileAt: 8,
  /** u8 */
  flagsAt: 10,
  rcodeAt: 11,
  /** u16 */
  typeAt: 12,
  recordsAt: 14,
  /** f64, milliseconds of the monotonic clock */
  storedAt: 16,
  expiresAt: 24,
  /** u16 each */
  answersAt: 32,
  authoritiesAt: 34,
  additionalsAt: 36,
  /** u16: octets that compression saves in the body. */
  savedOctetsAt: 38,
  /** u16 each, as in `records` */
  answerRunAt: 40,
  additionalRunAt: 44,
  /** u32: what follows the question, relative to the entry, and its octets. */
  bodyAt: 48,
  bodyLengthAt: 52,
  /** u32: the next older and newer entry in the order of eviction. Writer only. */
  olderAt: 56,
  newerAt: 60,
  /** records × (u16 start in the body, u16 position of the TTL in the body), then the name, then the body. */
  listAt: 64,
  recordBytes: 4,
} as const
export const cachedFlag = {
  dnssecOk: 1,
  checkingDisabled: 2,
  recursionAvailable: 4,
  authenticData: 8,
  keepTtl: 16,
  denial: 32,
  /** The authority section has an SOA. */
  soa: 64,
  authoritative: 128,
} as const
/** The part of the flags that belongs to the key. */
export const CACHED_KEY = cachedFlag.dnssecOk | cachedFlag.checkingDisabled

/** Limit of different weights among records sent in weighted order: each selection looks at all of them. */
export const maxRuns = 4096

/** No reply can carry more records than this; the writer drops any beyond it. */
export const maxChoices = 65_535
