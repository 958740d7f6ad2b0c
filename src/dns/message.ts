/** A DNS message as the control plane handles it (RFC 1035 §4.1). The data plane never builds one. */

export interface Question {
  /** Absolute presentation name in its own case, RFC 1035 §5.1 escapes. */
  readonly name: string
  readonly type: number
  readonly class: number
}

export interface ResourceRecord {
  readonly name: string
  readonly type: number
  readonly class: number
  /** Seconds, 0 to 2^31-1 (RFC 2181 §8). */
  readonly ttl: number
  /** Rdata in wire form; names inside it are never compressed. Build and read it with rdata.ts. */
  readonly rdata: Uint8Array
}

export interface EdnsOption {
  readonly code: number
  readonly data: Uint8Array
}

/** The OPT pseudo-record (RFC 6891 §6.1), taken out of the additional section. */
export interface Edns {
  readonly version: number
  /** The sender's UDP payload size as on the wire. */
  readonly payloadSize: number
  readonly dnssecOk: boolean
  /** Upper 8 bits of the extended rcode. */
  readonly extendedRcode: number
  readonly options: readonly EdnsOption[]
}

export interface Message {
  readonly id: number
  /** QR */
  readonly response: boolean
  readonly opcode: number
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly recursionDesired: boolean
  readonly recursionAvailable: boolean
  /** The reserved Z bit. */
  readonly reserved: boolean
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
  /** The whole rcode, extended bits included. */
  readonly rcode: number
  readonly questions: readonly Question[]
  readonly answer: readonly ResourceRecord[]
  readonly authority: readonly ResourceRecord[]
  /** Without the OPT record. */
  readonly additional: readonly ResourceRecord[]
  readonly edns: Edns | undefined
}
