/** The interface of transports: UDP threads, node:dgram and TCP are one each. */
import type { Responder } from '../answer/api.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { Listener } from '../server/ingress.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Limits } from './limits.ts'
import { idOf } from './listener-address.ts'
import type { TransportMetrics } from './metrics.ts'
import type { QueryLogReader } from './query-log.ts'

/**
 * Listeners change in two steps, so that UDP and TCP change together or not at all: `stage` opens the new ones and may
 * fail, `commit` cannot fail.
 */
export interface Transport {
  stage(listeners: readonly Listener[]): Promise<StagedChange>
  /** Milliseconds (the Clock's) of the last query. */
  lastQueryAt(): number
  /** As in Ingress; absent if the main thread does everything. */
  relayed?(): number
  close(): Promise<void>
}

export interface StagedChange {
  /** Switches at once. Resolves when the removed listeners have answered their queued queries. */
  commit(): Promise<void>
  /** Closes what `stage` opened. */
  abandon(): Promise<void>
}

/** What transports on the main thread share. */
export interface MainThreadOptions {
  readonly responder: Responder
  readonly queryLog: QueryLogReader
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: TransportMetrics
  readonly limits: Limits
}

/** Sockets on the main thread: replacing `listener` switches them. */
export interface Endpoint {
  listener: Listener
}

/** Changes `open` to the endpoints of `listeners`, from those it has and from `opened`. Returns those no longer wanted. */
export function switchEndpoints<E extends Endpoint>(
  open: Map<string, E>,
  listeners: readonly Listener[],
  opened: ReadonlyMap<string, E>,
): E[] {
  const wanted = new Set(listeners.map(idOf))
  for (const listener of listeners) {
    const endpoint = open.get(idOf(listener)) ?? opened.get(idOf(listener))!
    endpoint.listener = listener
    open.set(idOf(listener), endpoint)
  }
  const left: E[] = []
  for (const [key, endpoint] of open) {
    if (wanted.has(key)) continue
    open.delete(key)
    left.push(endpoint)
  }
  return left
}

/** Opens the new endpoints among `listeners`. If one cannot be opened, closes the others and rejects. */
export async function openEndpoints<E extends Endpoint>(
  open: ReadonlyMap<string, E>,
  listeners: readonly Listener[],
  openOne: (listener: Listener, others: readonly E[]) => Promise<E>,
  closeOne: (endpoint: E) => Promise<void>,
): Promise<{ readonly opened: ReadonlyMap<string, E>; readonly abandon: () => Promise<void> }> {
  const opened = new Map<string, E>()
  const abandon = async () => void (await Promise.all([...opened.values()].map(closeOne)))
  try {
    for (const listener of listeners) {
      const key = idOf(listener)
      if (!open.has(key)) opened.set(key, await openOne(listener, [...open.values(), ...opened.values()]))
    }
  } catch (error) {
    await abandon()
    throw error
  }
  return { opened, abandon }
}
