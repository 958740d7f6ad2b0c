/**
 * Returns memory to the system. Buffers of lists and of network input are freed, but glibc keeps their pages for the next
 * peak: 60 MiB after a flood of TCP messages, 25 MiB while a large cluster is listed, of a pod's 170 MiB (measured). It also
 * runs while memory grows, so that pages kept from one peak do not add to the next.
 */
import type { Clock } from '../scheduling/clock.ts'

/** Milliseconds between two checks of the resident memory. A trim takes 0.5 to 3 ms: at most a hundredth of the time. */
const lookEvery = 250
/** Octets that stay free at the end of an arena, and the size from which a freed block is returned at once. */
const mostFree = 512 * 1024
/** Growth of resident memory in octets, since its minimum or the last trim, that makes a trim worthwhile. */
const worthwhile = 4 * 1024 * 1024

export interface MemoryReturnOptions {
  readonly clock: Clock
  /** Resident memory of the process, in octets. */
  readonly resident: () => number
  /** Returns free memory: malloc_trim(3). */
  readonly trim: () => void
  /** Limits what the C library keeps: Libc.boundFreeMemory. */
  readonly bound: (octets: number) => void
}

export function returnMemory({ clock, resident, trim, bound }: MemoryReturnOptions): { stop(): void } {
  bound(mostFree)
  let least = Number.POSITIVE_INFINITY
  const timer = clock.every(lookEvery, () => {
    let now = resident()
    if (now - least > worthwhile) {
      trim()
      // What remains is in use, and no reason to trim again.
      now = resident()
      least = now
    }
    least = Math.min(least, now)
  })
  return { stop: () => timer.cancel() }
}
