import { dnsClass, opcode, rcode } from './codes.ts'
import type { Message } from './message.ts'

/** A query sent by this server: class IN, RD as given, no EDNS. Its ID is 0 until the sender sets one. */
export function queryMessage(name: string, type: number, recursionDesired: boolean): Message {
  return {
    id: 0,
    response: false,
    opcode: opcode.QUERY,
    authoritative: false,
    truncated: false,
    recursionDesired,
    recursionAvailable: false,
    reserved: false,
    authenticData: false,
    checkingDisabled: false,
    rcode: rcode.NOERROR,
    questions: [{ name, type, class: dnsClass.IN }],
    answer: [],
    authority: [],
    additional: [],
    edns: undefined,
  }
}
