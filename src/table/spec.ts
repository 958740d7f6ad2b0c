import type { Prefix } from '../dns/address.ts'

/**
 * The answers at a name as the compiler describes them; the writer encodes them (FORMAT.md). Names are absolute
 * presentation names; addresses are packed octets in network order.
 */
export interface ZoneSpec {
  /** The zone's apex, lower case and absolute. */
  readonly zone: string
  readonly soa: {
    /** Absolute names. One that ends in the zone's name is sent with the zone in the case of the query. */
    readonly mname: string
    readonly rname: string
    readonly serial: number
    readonly refresh: number
    readonly retry: number
    readonly expire: number
    readonly minimum: number
    /** TTL of the SOA record itself, seconds. */
    readonly ttl: number
  }
  /** The zone's NS records, for answers that carry them; absent: none. A target in the zone is sent like mname. */
  readonly nameServers?: readonly { readonly ttl: number; readonly target: string }[]
  /** While true no name of the zone is denied from the table: misses go to the chain (for example before the first sync). */
  readonly open: boolean
}

/** Everything that is answered at one name. */
export interface NodeSpec {
  /** The zone (declared to the same sink) whose SOA the node's negative answers carry. */
  readonly zone: string
  /**
   * `closed`: a name below this node exists only if the table has it; others are NXDOMAIN, or NODATA if a name below them
   * exists. `open`: missing names below are left to the chain.
   */
  readonly below: 'closed' | 'open'
  /** The result for a type that is not in `answers`. */
  readonly otherTypes: 'nodata' | 'nxdomain' | 'chain'
  /** Clients that set DO are left to the chain, because the zone is signed. */
  readonly withoutDo?: boolean
  /**
   * Data of the extended error (RFC 8914 §2) that denials at and below this name carry, for clients with EDNS in a private
   * network; 255 octets at most.
   */
  readonly explanation?: Uint8Array | undefined
  /**
   * Answers at, and denials below, this name may be stale: clients with EDNS get a code that says so (RFC 8914 §4.4 and
   * §4.20). An `explanation` keeps its text in that case.
   */
  readonly stale?: boolean
  readonly answers: ReadonlyMap<number, AnswerSpec>
}

export type AnswerSpec =
  /** `soa`: the zone's SOA as ZoneSpec has it at the time of the query, in the answer section (the apex's own SOA). */
  | { readonly kind: 'nodata' | 'nxdomain' | 'chain' }
  | SoaSpec
  | AddressesSpec
  | ServicesSpec
  | RecordsSpec
  | VariantsSpec

export interface SoaSpec extends WithNameServers {
  readonly kind: 'soa'
}

interface WithNameServers {
  /** The authority section is the NS records of the node's zone, as ZoneSpec has them at the time of the query. */
  readonly withNameServers?: boolean
}

/** A or AAAA records of the node's own name. */
export interface AddressesSpec extends WithNameServers {
  readonly kind: 'addresses'
  readonly ttl: number
  /** 4 octets each for type A, 16 for AAAA; at least one. */
  readonly addresses: Uint8Array
}

/** SRV records with the addresses of their targets in the additional section. */
export interface ServicesSpec {
  readonly kind: 'services'
  readonly ttl: number
  /**
   * `weighted`: each reply has the records in an order selected as RFC 2782 has clients do it: by weight among those of the
   * lowest priority, repeatedly. A client that takes the first record therefore follows the weights, too. Absent: the
   * records are sent in this order.
   */
  readonly order?: 'weighted'
  /** Each target once. A name that ends in the node's zone is sent with the zone in the case of the query. */
  readonly targets: readonly {
    readonly name: string
    /** Packed IPv4 and IPv6 addresses; either may be empty. */
    readonly a: Uint8Array
    readonly aaaa: Uint8Array
  }[]
  readonly records: readonly {
    readonly priority: number
    readonly weight: number
    readonly port: number
    /** Index into targets. */
    readonly target: number
  }[]
}

/** Any other records, complete. Owner '' means the question's name, in its case. */
export interface RecordsSpec extends WithNameServers {
  readonly kind: 'records'
  readonly answer: readonly RecordSpec[]
  /** Absent: no record. */
  readonly authority?: readonly RecordSpec[]
  readonly additional: readonly RecordSpec[]
}

export interface RecordSpec {
  readonly owner: string
  readonly type: number
  readonly ttl: number
  /** Uncompressed rdata. */
  readonly rdata: Uint8Array
}

/**
 * One of several answers, selected per query by weight: a traffic split's backends. Addresses that do not fit a reply are
 * omitted without setting TC: a retry would select again.
 */
export interface VariantsSpec {
  readonly kind: 'variants'
  readonly variants: readonly {
    /** ≥ 1; the sum fits 32 bits. */
    readonly weight: number
    readonly answer: AddressesSpec | ServicesSpec | RecordsSpec
    /** 1 to 65,535: identifies the variant for counting selections (src/answer/sketch). Absent: not counted. */
    readonly tag?: number
  }[]
}

/** A text that a name must contain, in lower-case presentation form with the closing dot. No escapes. */
export interface NameText {
  readonly at: 'start' | 'end' | 'anywhere'
  readonly text: string
}

/** Questions of class IN, by their name and type. */
export interface QuestionsSpec {
  /** Lower case and absolute. */
  readonly zone: string
  /** The zone's own name, all names below it, or both. */
  readonly names: 'zone' | 'apex' | 'below'
  /** All of them must be present; a name with escapes in its presentation form counts as containing them. */
  readonly texts: readonly NameText[]
  /** []: every type. */
  readonly types: readonly number[]
}

/** Decided before the names of a space are looked up: the first matching rule applies. */
export interface RuleSpec {
  readonly questions: QuestionsSpec
  /** Clients in one of these networks; undefined: every client. */
  readonly clients?: readonly Prefix[] | undefined
  /** `chain`: the chain answers. `signed`: with DO the chain or a cached reply answers; without DO the rule does not match. */
  readonly action: 'chain' | 'signed' | SkipSpec | ReplySpec
}

/** Skips the next rules. */
export interface SkipSpec {
  readonly kind: 'skip'
  readonly rules: number
}

/** The same reply to all questions of the rule. */
export interface ReplySpec {
  readonly kind: 'reply'
  readonly profileId: number
  readonly rcode: number
  readonly records: RecordsSpec
  /** Questions to which the reply does not apply: nothing is decided for them. Rules may share one list. */
  readonly unless: readonly QuestionsSpec[]
}

export interface SpaceRules {
  readonly first: readonly RuleSpec[]
  /** Questions left to the chain where a closed node would deny the name. */
  readonly missing: readonly QuestionsSpec[]
}
