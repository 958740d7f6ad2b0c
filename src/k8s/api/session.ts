/** A session with the API server: one HTTP/2 connection, or HTTP/1.1 connections to the same address. */
import type { Readable } from 'node:stream'

export interface Session {
  readonly protocol: 'h2' | 'http/1.1'
  /** False once new requests must use another session; responses in progress may still complete. */
  readonly usable: boolean
  /** Resolves with the response's head. Rejects with ApiFailure. With a body it is a POST, else a GET. */
  send(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    body?: Buffer,
  ): Promise<ApiResponse>
  /** No new requests will use it: it closes once the responses in progress are complete. */
  retire(): void
  close(): void
}

export interface ApiResponse {
  readonly status: number
  /** In lower case, including parameters. */
  readonly contentType: string
  /** Retry-After in milliseconds; undefined when absent or a date. */
  readonly retryAfter: number | undefined
  /** Destroying it cancels the request. */
  readonly body: Readable
}

/** Retry-After in seconds, as the API server writes it (RFC 9110 §10.2.3). */
export function parseRetryAfter(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : undefined
}
