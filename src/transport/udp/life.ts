/**
 * Prevents the process's exit from ending a thread inside native code: Node.js stops threads wherever they are when the
 * process exits, which koffi turns into a fatal error of the process. Both sides use one cell of shared memory.
 */
import { controlCell } from './protocol.ts'

const life = { ahead: 0, running: 1, over: 2, forbidden: 3 } as const

/** Milliseconds that an exit waits: a thread that takes longer to start, or to notice that it must end, is stuck. */
const exitTimeout = 1000

/** Called by the main thread before it starts a thread with these cells. */
export function prepareLife(control: Int32Array): void {
  Atomics.store(control, controlCell.life, life.ahead)
}

/** Called by the thread before any native call. False: the process is exiting, and the thread must exit as well. */
export function beginLife(control: Int32Array): boolean {
  return Atomics.compareExchange(control, controlCell.life, life.ahead, life.running) === life.ahead
}

/** Called by the thread after its last native call, and by the main thread when the thread has exited. */
export function endLife(control: Int32Array): void {
  Atomics.store(control, controlCell.life, life.over)
  Atomics.notify(control, controlCell.life)
}

/** Called by the main thread during the exit, after signalling the thread: returns when the thread makes no native calls. */
export function awaitEndOfLife(control: Int32Array): void {
  const before = Atomics.compareExchange(control, controlCell.life, life.ahead, life.forbidden)
  if (before === life.running) Atomics.wait(control, controlCell.life, life.running, exitTimeout)
}
