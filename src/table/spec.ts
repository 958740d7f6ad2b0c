import type { Prefix } from '../dns/address.ts'

/**
 * What a name answers, in the words of the compiler; the writer turns it into bytes (FORMAT.md). Names are absolute
 * presentation names; addresses are packed octets in network order.
 */
export interface ZoneSpec {
  /** The zone's apex, lower case and absolute. */
  readonly zone: string
  readonly soa: {
    /** Absolute names. One that ends in the zone's own is sent in the case that the query used for the zone. */
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
  /** The zone's NS records, for answers that carry them; absent: none. A target in the zone is sent as mname is. */
  readonly nameServers?: readonly { readonly ttl: number; readonly target: string }[]
  /** While true no name of the zone is denied from the table: misses go to the chain (not yet synced, say). */
  readonly open: boolean
}

/** Everything that is answered at one name. */
export interface NodeSpec {
  /** The zone (declared to the same sink) whose SOA its negative answers carry. */
  readonly zone: string
  /**
   * `closed`: a name below this node exists only if the table has it; others are NXDOMAIN, or NODATA above a name
   * that exists. `open`: names below it that the table does not have are for the chain.
   */
  readonly below: 'closed' | 'open'
  /** What a type without an answer of its own gets. */
  readonly otherTypes: 'nodata' | 'nxdomain' | 'chain'
  /** Clients that set DO get other answers, from the chain: the zone is signed. */
  readonly withoutDo?: boolean
  /**
   * Data of the extended error (RFC 8914 §2) that denials at this name and below it have, for clients that speak EDNS and are in a
   * private network; 255 octets at most.
   */
  readonly explanation?: Uint8Array | undefined
  /**
   * What is answered here, and denied below, may be out of date: clients that speak EDNS learn it (RFC 8914 §4.4 and §4.20). An
   * explanation keeps its text then.
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
   * `weighted`: each reply has the records in an order drawn for it as RFC 2782 has clients draw, by weight among those
   * of the least priority, then without those drawn; so who takes the first record follows the weights, too. Else the
   * records are sent as they are here.
   */
  readonly order?: 'weighted'
  /** Each target once. A name that ends in the node's zone is sent in the case that the query used for the zone. */
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

/** Any other records, ready to send. Owner '' means the name asked for, in its case. */
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
 * One of several answers, drawn per query by weight: a traffic split's backends. Addresses that do not fit a reply are left
 * out of it, any of them, and the reply is not marked as cut: another query would get another draw.
 */
export interface VariantsSpec {
  readonly kind: 'variants'
  readonly variants: readonly {
    /** ≥ 1; the sum fits 32 bits. */
    readonly weight: number
    readonly answer: AddressesSpec | ServicesSpec | RecordsSpec
    /** 1 to 65,535: who it is, for those who count what was picked (src/answer/sketch). Absent: nobody does. */
    readonly tag?: number
  }[]
}

/** A text that a name must have, as names are written in lower case, with the closing dot. No escapes. */
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
  /** All of them; a name with octets that are written with an escape counts as one that has them. */
  readonly texts: readonly NameText[]
  /** []: every type. */
  readonly types: readonly number[]
}

/** What is decided before the names of a space are looked up: the first rule that fits decides. */
export interface RuleSpec {
  readonly questions: QuestionsSpec
  /** Clients in one of these networks; undefined: every client. */
  readonly clients?: readonly Prefix[] | undefined
  /** `chain`: the chain answers. `signed`: with DO the chain answers, or a cached reply; without, the rule fits nothing. */
  readonly action: 'chain' | 'signed' | SkipSpec | ReplySpec
}

/** The next rules are passed over. */
export interface SkipSpec {
  readonly kind: 'skip'
  readonly rules: number
}

/** One reply for all questions of the rule. */
export interface ReplySpec {
  readonly kind: 'reply'
  readonly profileId: number
  readonly rcode: number
  readonly records: RecordsSpec
  /** Questions that get no such reply: nothing is decided for them. The same list may be given to several rules. */
  readonly unless: readonly QuestionsSpec[]
}

export interface SpaceRules {
  readonly first: readonly RuleSpec[]
  /** Questions that the chain answers where a closed node would deny the name. */
  readonly missing: readonly QuestionsSpec[]
}
