/** Copies of messages in a thread's memory. */

/** A longer answer of an upstream is truncated, and the chain then asks over TCP. */
export const answerRoom = 4096

/** Octet by octet: at these lengths faster than subarray().set(), and it allocates nothing. */
export function copyOctets(from: Uint8Array, at: number, target: Uint8Array, to: number, length: number): void {
  for (let i = 0; i < length; i++) target[to + i] = from[at + i]
}
