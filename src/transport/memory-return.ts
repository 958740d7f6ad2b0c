/**
 * Gives memory back to the system. The buffers of lists and of what came over the network are freed, but glibc keeps their
 * pages for the next peak: 60 MiB after a flood of TCP messages, 25 MiB while a large cluster is listed, of the 170 MiB that a
 * pod has (measured). While memory grows, too: what was free before the peak is not there for the peak of something else.
 */
import type { Clock } from '../scheduling/clock.ts'

/** Milliseconds between two looks at the resident memory. Giving back takes 0.5 to 3 ms: a hundredth of the time at most. */
const lookEvery = 250
/** Octets that stay free at the end of an arena, and from which on a block is given back when it is freed. */
const mostFree = 512 * 1024
/** Octets by which resident memory has grown since it was least, or since the last time, for which it is worth the time. */
const worthwhile = 4 * 1024 * 1024

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
  const timer = clock.every(lookEvery, () => {
    let now = resident()
    if (now - least > worthwhile) {
      trim()
      // What is left is used: it is no reason to try again.
      now = resident()
      least = now
    }
    least = Math.min(least, now)
  })
  return { stop: () => timer.cancel() }
}
