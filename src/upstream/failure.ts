/** Why no upstream has answered a question, for those who asked it (RFC 8914). */
import { infoCode } from '../dns/extended-error.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { NoPlace } from './places.ts'

/** An upstream was reached, and what it did is no answer: it cut the connection or the call, or sent something else. */
export class BadReply extends Error {}

/** INFO-CODE and EXTRA-TEXT: 23 (RFC 8914 §4.24) where an upstream was reached, 22 (RFC 8914 §4.23) else. */
export function failureReason(error: Error): { readonly code: number; readonly text?: string } {
  // A bound of our own: nothing of the cluster is in its text, and upstreams are what such queries wait for.
  if (error instanceof NoPlace) return { code: infoCode.networkError }
  const code = isBadReply(error) ? infoCode.networkError : infoCode.noReachableAuthority
  return { code, text: errorMessage(error) }
}

/** Of the FORMERR for an answer to another question. */
export const otherAnswer = { code: infoCode.networkError, text: 'the answer is to another question' } as const

/** An error that is more than a BadReply has it as its cause. */
const isBadReply = (error: Error): boolean => error instanceof BadReply || error.cause instanceof BadReply

/** The error in other words; a BadReply, too, where the upstream is who has ended it (`cut`). */
export const reworded = (error: Error, text: string, cut: boolean): Error =>
  cut || error instanceof BadReply ? new BadReply(text) : new Error(text)
