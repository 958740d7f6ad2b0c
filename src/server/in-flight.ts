import type { RunningConfiguration } from './running.ts'

/** Counts the queries in the chains of each configuration. */
export interface InFlight {
  enter(owner: RunningConfiguration): void
  leave(owner: RunningConfiguration): void
  /** Resolves when the configuration has no query left. */
  none(owner: RunningConfiguration): Promise<void>
}

export function createInFlight(): InFlight {
  const counts = new Map<RunningConfiguration, number>()
  const waiting = new Map<RunningConfiguration, () => void>()
  return {
    enter(owner) {
      counts.set(owner, (counts.get(owner) ?? 0) + 1)
    },
    leave(owner) {
      const left = (counts.get(owner) ?? 1) - 1
      if (left > 0) {
        counts.set(owner, left)
        return
      }
      counts.delete(owner)
      waiting.get(owner)?.()
      waiting.delete(owner)
    },
    none(owner) {
      if (!counts.has(owner)) return Promise.resolve()
      return new Promise((resolve) => waiting.set(owner, resolve))
    },
  }
}
