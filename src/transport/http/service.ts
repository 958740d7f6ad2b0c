/** What is served over HTTP: how a request carries a DNS message, and how its reply is carried back. */
import type { Transport } from '../../plugin/query.ts'
import type { Listener } from '../../server/ingress.ts'

export interface HttpService {
  /** As the plugin chain names that of its queries. */
  readonly transport: Transport
  /** Streams of an HTTP/2 connection where the listener says nothing. */
  readonly defaultStreams: number
  /** Looks at the head of a request. */
  begin(head: HttpHead, listener: Listener): BegunRequest
  /** The response that carries a reply; undefined: the client gets no reply. */
  respond(reply: Uint8Array | undefined, listener: Listener): HttpResponse
}

export interface HttpHead {
  readonly method: string
  /** Path and query, as they were sent. */
  readonly target: string
  field(name: string): string | undefined
}

export type BegunRequest =
  /** The message is in the head. */
  | { readonly kind: 'message'; readonly message: Uint8Array }
  /** It is in the body, which has at most so many octets; `read` gets it whole. */
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
