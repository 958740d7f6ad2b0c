/**
 * Keeps the process from ending a thread in the middle of native code: Node.js ends threads where they stand when the process
 * exits, and koffi answers that with a fatal error of the whole process. Both sides go by one cell of shared memory.
 */
import { controlCell } from './protocol.ts'

const life = { ahead: 0, running: 1, over: 2, forbidden: 3 } as const

/** Milliseconds that an exit waits: a thread that takes longer to start, or to see that it is to end, is stuck. */
const patience = 1000

/** The main thread's, before it starts a thread with these cells. */
export function prepareLife(control: Int32Array): void {
  Atomics.store(control, controlCell.life, life.ahead)
}

/** The thread's, before it calls anything native. False: the process exits, and so must the thread. */
export function beginLife(control: Int32Array): boolean {
  return Atomics.compareExchange(control, controlCell.life, life.ahead, life.running) === life.ahead
}

/** The thread's, behind its last native call, and the main thread's when the thread has exited. */
export function endLife(control: Int32Array): void {
  Atomics.store(control, controlCell.life, life.over)
  Atomics.notify(control, controlCell.life)
}

/** The main thread's, while the process exits and the thread has been told to end: returns when it calls nothing native any more. */
export function awaitEndOfLife(control: Int32Array): void {
  const before = Atomics.compareExchange(control, controlCell.life, life.ahead, life.forbidden)
  if (before === life.running) Atomics.wait(control, controlCell.life, life.running, patience)
}
