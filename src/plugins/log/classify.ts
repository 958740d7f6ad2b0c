import { opcode, rcode, type } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'

/** The classes of `class` in the Corefile. */
export type ReplyClass = 'success' | 'denial' | 'error'

/**
 * The class of a reply. Denials must carry their SOA (RFC 2308 §2) to count as such. Anything else (nothing
 * written, updates, notifies, transfers) counts as an error.
 */
export function classOf(message: Message | undefined): ReplyClass {
  if (!message || isMeta(message)) return 'error'
  const hasSoa = message.authority.some((record) => record.type === type.SOA)
  if (message.rcode === rcode.NOERROR) return message.answer.length === 0 && hasSoa ? 'denial' : 'success'
  return message.rcode === rcode.NXDOMAIN && hasSoa ? 'denial' : 'error'
}

function isMeta(message: Message): boolean {
  const asked = message.questions[0]?.type
  return (
    message.opcode === opcode.UPDATE || message.opcode === opcode.NOTIFY || asked === type.AXFR || asked === type.IXFR
  )
}
