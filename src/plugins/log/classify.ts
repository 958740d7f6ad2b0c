import { opcode, rcode, type } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import { hasInvalidSignature } from '../../dns/signatures.ts'

/** The classes of `class` in the Corefile. */
export type ReplyClass = 'success' | 'denial' | 'error'

/** What CoreDNS calls the kinds of replies: the metadata `log/type`. */
export type ReplyType =
  | 'NOERROR'
  | 'NXDOMAIN'
  | 'SERVERERROR'
  | 'NODATA'
  | 'DELEGATION'
  | 'META'
  | 'UPDATE'
  | 'OTHERERROR'

/**
 * The type of a reply; `undefined`: none was written. `dnssecOk`: the client asks for signatures, so expired ones are
 * an error. `wallSeconds`: seconds since 1970.
 */
export function typeOf(message: Message | undefined, dnssecOk: boolean, wallSeconds: number): ReplyType {
  if (!message) return 'OTHERERROR'
  if (message.opcode === opcode.UPDATE) return 'UPDATE'
  if (message.opcode === opcode.NOTIFY || isTransfer(message)) return 'META'
  if (dnssecOk && hasInvalidSignature(message, wallSeconds)) return 'OTHERERROR'
  const { rcode: code, answer } = message
  switch (code) {
    case rcode.NOERROR:
      return answer.length > 0 ? 'NOERROR' : typeOfEmpty(message)
    case rcode.NXDOMAIN:
      return answer.length > 0 ? 'OTHERERROR' : 'NXDOMAIN'
    case rcode.SERVFAIL:
    case rcode.NOTIMP:
      return 'SERVERERROR'
    default:
      return 'OTHERERROR'
  }
}

/** NODATA has an SOA record (RFC 2308 §2.2). */
function typeOfEmpty({ authority }: Message): ReplyType {
  if (authority.some((record) => record.type === type.SOA)) return 'NODATA'
  return authority.some((record) => record.type === type.NS) ? 'DELEGATION' : 'NOERROR'
}

function isTransfer({ questions: [question] }: Message): boolean {
  return question?.type === type.AXFR || question?.type === type.IXFR
}

/** Updates, notifies and transfers count as errors, as in CoreDNS. */
export function classOf(replyType: ReplyType): ReplyClass {
  switch (replyType) {
    case 'NOERROR':
    case 'DELEGATION':
      return 'success'
    case 'NXDOMAIN':
    case 'NODATA':
      return 'denial'
    default:
      return 'error'
  }
}
