/** A query that the data plane answered, as `log` writes it down. */
import type { SocketAddress } from './query.ts'

/** A query that was answered from the table, as plugins before the answering one would have seen it. */
export interface AnsweredQuery {
  readonly id: number
  readonly opcode: number
  /** In its own case. */
  readonly qname: string
  /** Lower case. */
  readonly name: string
  readonly qtype: number
  readonly qclass: number
  /** Every kind of stream is `tcp`. */
  readonly transport: 'udp' | 'tcp'
  readonly client: SocketAddress
  readonly local: SocketAddress
  /** Undefined for a request without OPT. */
  readonly edns: { readonly payloadSize: number; readonly dnssecOk: boolean } | undefined
  /** Without EDNS options, as CoreDNS 1.15 logs it. */
  readonly requestOctets: number
  readonly rcode: number
  /** The second word of the reply's header, QR to rcode. */
  readonly flags: number
  /** Without OPT and name compression, and before it was cut. */
  readonly replyOctets: number
  /** NXDOMAIN or NODATA, with its SOA. */
  readonly denial: boolean
  /** Milliseconds of the monotonic clock. */
  readonly receivedAt: number
  /** From receiving the query to sending its reply. */
  readonly seconds: number
  /** The octets of both messages, if an observer needs them (`QueryObserver.messages`). */
  readonly messages?: { readonly request: Uint8Array; readonly reply: Uint8Array } | undefined
}

export type { Observed } from '../table/api.ts'
