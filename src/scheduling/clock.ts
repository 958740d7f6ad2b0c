/** Time is passed as an argument: whatever waits or ages takes a Clock, so that tests can control it. */
export interface Clock {
  /** Milliseconds of the monotonic clock (process.hrtime): immune to jumps of the wall clock. */
  now(): number
  /** Milliseconds since 1970, for timestamps that people or other programs read. */
  wall(): number
  /** Runs `task` once after `milliseconds`. Timers never keep the process alive. */
  after(milliseconds: number, task: () => void): Timer
  /** Runs `task` every `milliseconds`. */
  every(milliseconds: number, task: () => void): Timer
}

export interface Timer {
  cancel(): void
}

export const systemClock: Clock = {
  // Not performance.now(): it starts with each thread, and threads compare times.
  now() {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1e3 + nanoseconds / 1e6
  },
  wall: () => Date.now(),
  after(milliseconds, task) {
    const timer = setTimeout(task, milliseconds).unref()
    return { cancel: () => clearTimeout(timer) }
  },
  every(milliseconds, task) {
    const timer = setInterval(task, milliseconds).unref()
    return { cancel: () => clearInterval(timer) }
  },
}

/** Milliseconds of processor time used by the calling thread, without the time that it waited for a processor. */
export function threadTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1e3
}
