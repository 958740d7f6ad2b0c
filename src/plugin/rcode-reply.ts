import type { Message } from '../dns/message.ts'
import { replyTo } from '../dns/reply.ts'
import type { RcodeOnly } from './query.ts'

/** The empty message of an outcome that is an rcode only. */
export const rcodeReply = ({ rcode }: RcodeOnly, request: Message): Message => replyTo(request, { rcode })
