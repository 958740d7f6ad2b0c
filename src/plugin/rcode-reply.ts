import type { Message } from '../dns/message.ts'
import { replyTo } from '../dns/reply.ts'
import type { RcodeOnly } from './query.ts'

/** RFC 8914 §4.24: an upstream could not be reached, or there was no room to ask it. */
export const networkError = 23

const extendedErrorOption = 15

/** The empty message of an outcome that is an rcode only. */
export function rcodeReply({ rcode, extendedError }: RcodeOnly, request: Message): Message {
  if (extendedError === undefined || request.edns === undefined) return replyTo(request, { rcode })
  const options = [{ code: extendedErrorOption, data: Uint8Array.of(extendedError >> 8, extendedError & 0xff) }]
  return replyTo(request, { rcode, edns: { ...request.edns, version: 0, options } })
}
