/**
 * Gives memory back to the system after a peak. The buffers of what came over the network are freed, but glibc keeps their
 * pages for the next peak: 60 MiB after a flood of TCP messages, of the 170 MiB that a pod has (measured; giving them back
 * takes 2 to 7 ms).
 */
import type { Clock } from '../scheduling/clock.ts'

/** Milliseconds between two looks at the resident memory. */
const lookEvery = 2_000
/** Octets that stay free at the end of an arena, and from which on a block is given back when it is freed. */
const mostFree = 512 * 1024
/** Octets by which memory that is in use may grow between two looks, without an end. */
const settled = 1024 * 1024
/** Octets above the least there was for which it is worth the time. */
const worthwhile = 8 * 1024 * 1024

export interface MemoryReturnOptions {
  readonly clock: Clock
  /** Resident memory of the process, in octets. */
  readonly resident: () => number
  /** Gives free memory back: malloc_trim(3). */
  readonly trim: () => void
  /** What the C library may keep: Libc.boundFreeMemory. */
  readonly bound: (octets: number) => void
}

export function returnMemory({ clock, resident, trim, bound }: MemoryReturnOptions): { stop(): void } {
  bound(mostFree)
  let least = Number.POSITIVE_INFINITY
  let before = 0
  const timer = clock.every(lookEvery, () => {
    let now = resident()
    // Not while it grows: what is being used cannot be given back.
    if (now - least > worthwhile && now <= before + settled) {
      trim()
      // What is left is used: it is no reason to try again.
      least = resident()
      now = least
    }
    least = Math.min(least, now)
    before = now
  })
  return { stop: () => timer.cancel() }
}
