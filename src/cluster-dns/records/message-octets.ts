/** Limits computation to the records that a message can hold: no reply could contain more. */
import { maxMessageOctets } from '../../dns/reply.ts'

/** Octets of a record besides its rdata: a pointer to the owner, type, class, TTL and length. */
export const recordOctets = 12

export interface MessageOctets {
  /** The records exceed what any message holds: more would not be sent. */
  readonly isFull: boolean
  /** Counts a record by the octets of its rdata in a message. */
  add(rdataOctets: number): void
}

export function createMessageOctets(): MessageOctets {
  let octets = 0
  return {
    get isFull() {
      return octets > maxMessageOctets
    },
    add(rdataOctets) {
      octets += recordOctets + rdataOctets
    },
  }
}
