import type { Clock } from './clock.ts'

/** Resolves with `work`, or after `milliseconds` without it. */
export async function within(clock: Clock, milliseconds: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = clock.after(milliseconds, late.resolve)
  await Promise.race([work, late.promise])
  timer.cancel()
}
