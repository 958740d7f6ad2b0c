/** Why no upstream has answered a question, for the client (RFC 8914). */
import { infoCode } from '../dns/extended-error.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { NoPlace } from './places.ts'

/** An upstream was reached but did not answer: it cut the connection or the call, or sent something else. */
export class BadReply extends Error {}

/** INFO-CODE and EXTRA-TEXT: 23 (RFC 8914 §4.24) if an upstream was reached, otherwise 22 (RFC 8914 §4.23). */
export function failureReason(error: Error): { readonly code: number; readonly text?: string } {
  // One of our own limits: its text is not for clients, and such queries do wait for upstreams.
  if (error instanceof NoPlace) return { code: infoCode.networkError }
  const code = isBadReply(error) ? infoCode.networkError : infoCode.noReachableAuthority
  return { code, text: errorMessage(error) }
}

/** For the FORMERR that results from an answer to a different question. */
export const otherAnswer = { code: infoCode.networkError, text: 'the answer is to another question' } as const

/** Other error classes have the BadReply as their cause. */
const isBadReply = (error: Error): boolean => error instanceof BadReply || error.cause instanceof BadReply

/** An error with another text; also a BadReply if the upstream has ended the exchange (`cut`). */
export const reworded = (error: Error, text: string, cut: boolean): Error =>
  cut || error instanceof BadReply ? new BadReply(text) : new Error(text)
