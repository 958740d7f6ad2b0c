/** How many records a message can hold: what is beyond is not computed, because no reply can have it. */
import { maxMessageOctets } from '../../dns/reply.ts'

/** Of a record besides its rdata: a pointer to the owner, type, class, TTL and length. */
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
