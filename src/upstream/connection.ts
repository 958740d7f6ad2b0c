import { untrustedText } from '../trust/failure-text.ts'

/**
 * A connection sends messages to one upstream over one protocol and reports what may be an answer. It chooses the message
 * ID. race.ts decides which message is the answer, how long to wait and which upstream is next.
 */
export interface UpstreamConnection {
  /** Sends a copy of `wire` with a new ID. Never throws: errors go to `receiver`, in a later turn of the event loop. */
  send(wire: Uint8Array, receiver: Receiver): Sending
  /** Abandons everything in progress without calling the receivers. */
  close(): void
}

/** `stream`: TCP, TLS or HTTPS, depending on the upstream. */
export type UpstreamTransport = 'udp' | 'stream'

export interface Receiver {
  /**
   * A message with the ID that was sent has arrived from the upstream. Returns true if it is the answer, which ends the
   * exchange; false to keep waiting.
   */
  answer(bytes: Uint8Array): boolean
  /** No answer will come. Not called after `answer` returned true, nor after `cancel`. */
  failed(error: Error): void
  /** Not counted by metrics: a health check, or a question of `slicedns explain`. */
  readonly unrecorded?: true | undefined
}

export interface Sending {
  /** Ends the wait. `silent`: the upstream did not answer in time, so the connection takes no more questions. */
  cancel(why: 'settled' | 'silent'): void
  /** The error for a timeout, in CoreDNS's words. */
  timeout(): Error
  /** The local end of the connection, if known. */
  local?(): Endpoint | undefined
}

/** The socket address of an upstream. */
export interface Endpoint {
  /** An IP address in text. */
  readonly address: string
  readonly port: number
}

/** `192.0.2.1:53`, `[2001:db8::1]:53`: as in metrics and error texts. */
export const endpointText = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

/** A system error in the words of CoreDNS's logs. */
export function reasonOf(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code
  return (code && reasons[code]) || untrustedText(code, "name its CA with 'tls CA'") || error.message
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  EMFILE: 'too many open files',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'cannot assign requested address',
  CERT_HAS_EXPIRED: 'x509: certificate has expired',
  CERT_NOT_YET_VALID: 'x509: certificate is not yet valid',
}
