/**
 * A carrier takes one question's octets to one server over one protocol and brings back what may be its answer. It
 * chooses the ID; which message is the answer, how long to wait and whom to ask next is decided above it.
 */
export interface UpstreamConnection {
  /** Sends a message. Its ID is replaced; `wire` itself is left as it is. Never throws: errors go to `receiver`. */
  send(wire: Uint8Array, receiver: Receiver): Sending
  /** Gives up everything that is on its way, without telling the receivers. */
  close(): void
}

export interface Receiver {
  /**
   * A message with the ID that was sent has come from the server. True when it is the answer: then the exchange is
   * over. False leaves it waiting.
   */
  answer(bytes: Uint8Array): boolean
  /** There will be no answer. Not called after `answer` said true, nor after `cancel`. */
  failed(error: Error): void
}

export interface Sending {
  /** Ends the wait. `silent`: because the server did not answer in time, so its connection is not trusted again. */
  cancel(why: 'settled' | 'silent'): void
  /** The error of having waited in vain, in the words that CoreDNS uses. */
  timeout(): Error
}

/** Where a server is. */
export interface Endpoint {
  /** An IP address in text. */
  readonly address: string
  readonly port: number
}

/** `192.0.2.1:53`, `[2001:db8::1]:53`: as in metrics and error texts. */
export const endpointText = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

/** What a system error says in the words of CoreDNS's logs. */
export function reasonOf(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code
  return (code && reasons[code]) || error.message
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
}
