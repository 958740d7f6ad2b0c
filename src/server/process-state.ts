import type { Held, Shared } from '../plugin/contract.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'

/** Values that configurations share by key, kept while anyone holds them (see ProcessState.acquire). */
export interface SharedValues {
  acquire<T>(key: string, make: () => Shared<T>): Held<T>
  /** Resolves when everything released so far has stopped. */
  settled(): Promise<void>
}

interface Entry {
  readonly shared: Shared<unknown>
  holders: number
}

export function createSharedValues(log: Logger): SharedValues {
  const entries = new Map<string, Entry>()
  const stopping = new Set<Promise<void>>()

  function release(key: string, entry: Entry): void {
    entry.holders--
    if (entry.holders > 0) return
    entries.delete(key)
    const stopped = Promise.resolve()
      .then(() => entry.shared.stop())
      .catch((error: unknown) => log.error(`cannot stop ${key}: ${errorMessage(error)}`))
      .finally(() => stopping.delete(stopped))
    stopping.add(stopped)
  }

  return {
    acquire<T>(key: string, make: () => Shared<T>): Held<T> {
      let entry = entries.get(key)
      if (!entry) {
        const shared = make()
        shared.start?.()
        entry = { shared, holders: 0 }
        entries.set(key, entry)
      }
      entry.holders++
      let released = false
      const held = entry
      return {
        // The key implies the type: all callers with one key create the same kind of value.
        value: held.shared.value as T,
        release() {
          if (released) return
          released = true
          release(key, held)
        },
      }
    },
    async settled() {
      await Promise.all(stopping)
    },
  }
}
