import type { Message } from '../dns/message.ts'
import type { TsigSigner } from '../dns/tsig.ts'
import type { BegunExchange } from './begun-exchange.ts'
import type { QueryBudget } from './budget.ts'
import type { ExtendedError } from './extended-error.ts'

/** The transport that a query came over. All but `udp` are streams, whose replies have up to 65,535 octets. */
export type Transport = 'udp' | 'tcp' | 'tls' | 'https' | 'grpc'

/** The transport as metrics, logs and expressions of CoreDNS name it: every stream is `tcp`. */
export const protocolOf = (transport: Transport): 'udp' | 'tcp' => (transport === 'udp' ? 'udp' : 'tcp')

/** An IP address in text (no brackets, no IPv4-mapped form) and a port. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
  /** The type-length-values of the PROXY header that names it (`proxyproto { tlv_metadata }`). */
  readonly proxyTlvs?: Uint8Array | undefined
}

/**
 * One question on its way through the chain of a server block. Never changed in place: a plugin that alters the
 * request passes on a copy (`{ ...query, request, qname, name }`).
 */
export interface Query {
  /** The request, whole. */
  readonly request: Message
  /** The query name, in its own case: an absolute name with RFC 1035 §5.1 escapes. */
  readonly qname: string
  /** The same in lower case (ASCII only, RFC 4343). */
  readonly name: string
  readonly qtype: number
  readonly qclass: number
  readonly transport: Transport
  readonly client: SocketAddress
  /** The address and port that the query was sent to. */
  readonly local: SocketAddress
  /** The zone of the server block that took the query, lower case and absolute. */
  readonly zone: string
  /** The listener as CoreDNS's metrics name it: `dns://:53`, `dns://127.0.0.1:53`. */
  readonly server: string
  /** The name of the view that chose the server block, or ''. */
  readonly view: string
  /** When the query was received: milliseconds of the monotonic clock. */
  readonly receivedAt: number
  /** What is left of the bounds on the question that caused this query; internal lookups share it. */
  readonly budget: QueryBudget
  /**
   * Asked by `slicedns explain`: no client asked, so the query is neither logged nor counted, and its answer not cached.
   */
  readonly unrecorded?: boolean | undefined
  /**
   * Releases the transport's slot on the chain while the query waits for something slow; the returned function takes a
   * slot again. The caller bounds how many queries wait. Absent where no client waits for the reply (`explain`,
   * internal lookups).
   */
  readonly releaseSlot?: (() => () => void) | undefined
  /** The request's octets as they came; absent for a question of the server's own. */
  readonly octets?: Uint8Array | undefined
  /** The name of the key that has signed the request, checked by `tsig`: lower case and absolute. */
  readonly signedWith?: string | undefined
  /** An exchange that has been begun for the query; never for an internal lookup. */
  readonly begun?: BegunExchange | undefined
  /** Plugins that pass the query on, because it belongs to one of their own lookups. */
  readonly passing?: ReadonlySet<string> | undefined
  /** The value that a plugin has for a label (`plugin/label`), where `metadata` collects them for this name. */
  readonly metadata?: ((label: string) => string | undefined) | undefined
  /**
   * An internal lookup at the listener that took this query (of the target of an ExternalName, say). It runs server
   * block selection and the whole chain again, with the client's EDNS and addresses. Depth is bounded: past 10 lookups
   * within lookups the outcome is SERVFAIL. `passing`: a plugin that passes on the lookup, and every lookup that it
   * causes.
   */
  lookup(name: string, type: number, passing?: string): Promise<Outcome>
}

/** What every outcome may say of itself. */
interface OutcomeTraits {
  /** It depends on who asks (`acl`, `view`, `template`): a cache must not give it to another client. */
  readonly forClient?: true
  /** RD of the reply where a plugin decides it; else the server copies it from the request (RFC 1035 §4.1.1). */
  readonly recursionDesired?: boolean | undefined
  /** RD of the request as later plugins received it (`header query`), for a plugin that builds a new reply. */
  readonly requestRecursionDesired?: boolean | undefined
  /** Signs each message of the reply when it is octets (`tsig`). */
  readonly signer?: TsigSigner | undefined
  /** The reason, for clients that use EDNS. The server sends it where the block's policy allows. */
  readonly extendedError?: ExtendedError | undefined
}

/** A whole reply, written by `plugin`. `error` is for the `errors` plugin; the reply is sent anyway. */
export interface Reply extends OutcomeTraits {
  readonly kind: 'reply'
  readonly message: Message
  readonly plugin: string
  readonly error?: Error
  /**
   * Messages that follow the first one (a zone transfer). Each is made when the client has taken the one before it;
   * only a stream can carry them.
   */
  readonly moreMessages?: Iterator<Message>
}

/** Nothing was written: the server answers with an empty message of this rcode. */
export interface RcodeOnly extends OutcomeTraits {
  readonly kind: 'rcode'
  readonly rcode: number
  readonly plugin: string
  readonly error?: Error
  /**
   * The question has ended, or a bound of the server is reached: the rcode says nothing about the name, and is not
   * cached.
   */
  readonly ofQuestion?: true
}

/** The client gets nothing. */
export interface Drop extends OutcomeTraits {
  readonly kind: 'drop'
  readonly plugin: string
}

export type Outcome = Reply | RcodeOnly | Drop

export const forClient = (outcome: Outcome): Outcome => ({ ...outcome, forClient: true })

/** Answers synchronously where it can: a promise per query is the most expensive part of a cheap plugin. */
export type Next = (query: Query) => Outcome | Promise<Outcome>

/** A plugin's place in the chain: answers itself, or calls `next` at most once, or changes what `next` gave. */
export type Handler = (query: Query, next: Next) => Outcome | Promise<Outcome>
