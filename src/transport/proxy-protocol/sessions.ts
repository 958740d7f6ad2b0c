/** Values that expire when unused for a while, or when there are too many, the least recently used first. */
import type { UdpSessions } from '../../plugin/capabilities/proxy-protocol.ts'
import type { Clock } from '../../scheduling/clock.ts'

export interface Sessions<Value> {
  /** Using a session prolongs it. */
  get(key: string, bounds: UdpSessions): Value | undefined
  /** Returns how many sessions were evicted for it. */
  set(key: string, value: Value, bounds: UdpSessions): number
}

export function createSessions<Value>(clock: Clock): Sessions<Value> {
  /** Each use moves a session to the end: the first is both the least recently used and the next to expire. */
  const sessions = new Map<string, { value: Value; usedAt: number }>()

  function use(key: string, value: Value): void {
    sessions.delete(key)
    sessions.set(key, { value, usedAt: clock.now() })
  }

  return {
    get(key, { lifetime }) {
      const found = sessions.get(key)
      if (found === undefined || clock.now() - found.usedAt >= lifetime) return undefined
      use(key, found.value)
      return found.value
    },
    set(key, value, { lifetime, most }) {
      if (lifetime <= 0) return 0
      use(key, value)
      let evicted = 0
      for (const [oldest, { usedAt }] of sessions) {
        const expired = clock.now() - usedAt >= lifetime
        if (!expired && sessions.size <= most) break
        sessions.delete(oldest)
        if (!expired) evicted++
      }
      return evicted
    },
  }
}
