/** A service over HTTP: how a request carries a DNS message, and how a response carries the reply. */
import type { Transport } from '../../plugin/query.ts'
import type { Listener } from '../../server/ingress.ts'

export interface HttpService {
  /** The transport's name in queries to the plugin chain. */
  readonly transport: Transport
  /** Default limit for streams of an HTTP/2 connection. */
  readonly defaultStreams: number
  /** Examines the head of a request. */
  begin(head: HttpHead, listener: Listener): BegunRequest
  /** The response that carries a reply; undefined: the client gets no reply. */
  respond(reply: Uint8Array | undefined, listener: Listener): HttpResponse
}

export interface HttpHead {
  readonly method: string
  /** Path and query as sent. */
  readonly target: string
  field(name: string): string | undefined
}

export type BegunRequest =
  /** The head contains the message. */
  | { readonly kind: 'message'; readonly message: Uint8Array }
  /** The body contains it, in at most so many octets; `read` gets the complete body. */
  | {
      readonly kind: 'body'
      readonly largest: number
      read(body: Buffer): { readonly message: Uint8Array } | { readonly refused: HttpResponse }
      tooLarge(): HttpResponse
    }
  | { readonly kind: 'refused'; readonly response: HttpResponse }

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number>>
  readonly body?: Uint8Array | undefined
  readonly trailers?: Readonly<Record<string, string>>
}
