/** Bounds the queries that are held: in all, for one service, and from one client. */

export interface HoldQuota {
  /** False when the quota is full. */
  enter(service: string, client: string): boolean
  /** Undoes a successful `enter`. */
  leave(service: string, client: string): void
}

export interface HoldLimits {
  readonly all: number
  readonly service: number
  readonly client: number
}

/**
 * A held query costs about 6 KiB. A client may be a node's cache, or a node that masquerades its pods: A and AAAA
 * queries of all its pods must fit.
 */
export const holdLimits: HoldLimits = { all: 2048, service: 1024, client: 512 }

export function createHoldQuota(limits: HoldLimits = holdLimits): HoldQuota {
  const services = new Map<string, number>()
  const clients = new Map<string, number>()
  let all = 0
  return {
    enter(service, client) {
      const ofService = services.get(service) ?? 0
      const ofClient = clients.get(client) ?? 0
      if (all >= limits.all || ofService >= limits.service || ofClient >= limits.client) return false
      all++
      services.set(service, ofService + 1)
      clients.set(client, ofClient + 1)
      return true
    },
    leave(service, client) {
      all--
      countDown(services, service)
      countDown(clients, client)
    },
  }
}

function countDown(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 0) - 1
  if (left > 0) counts.set(key, left)
  else counts.delete(key)
}
