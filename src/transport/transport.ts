/** What the ways in have in common: threads, node:dgram and TCP each are one. */
import type { Responder } from '../answer/api.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { Listener } from '../server/ingress.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Limits } from './limits.ts'
import { keyOf } from './listener-address.ts'
import type { TransportMetrics } from './metrics.ts'
import type { QueryLogReader } from './query-log.ts'

/**
 * Changes in two steps, so that UDP and TCP change together or not at all: `stage` opens whatever is new and may fail,
 * `commit` cannot.
 */
export interface Transport {
  stage(listeners: readonly Listener[]): Promise<StagedChange>
  /** Milliseconds (the Clock's) of the last query. */
  lastQueryAt(): number
  close(): Promise<void>
}

export interface StagedChange {
  /** Switches over, at once; resolves when what was taken away has answered what it had queued. */
  commit(): Promise<void>
  /** Closes what `stage` opened. */
  abandon(): Promise<void>
}

/** What a way in on the main thread works with. */
export interface MainThreadOptions {
  readonly responder: Responder
  readonly queryLog: QueryLogReader
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: TransportMetrics
  readonly limits: Limits
}

/** Sockets on the main thread, where switching a listener is no more than putting another one here. */
export interface Endpoint {
  listener: Listener
}

/** Makes `open` what `listeners` want, out of what it has and what was `opened`; gives what is left over. */
export function switchEndpoints<E extends Endpoint>(
  open: Map<string, E>,
  listeners: readonly Listener[],
  opened: ReadonlyMap<string, E>,
): E[] {
  const wanted = new Set(listeners.map(keyOf))
  for (const listener of listeners) {
    const endpoint = open.get(keyOf(listener)) ?? opened.get(keyOf(listener))!
    endpoint.listener = listener
    open.set(keyOf(listener), endpoint)
  }
  const left: E[] = []
  for (const [key, endpoint] of open) {
    if (wanted.has(key)) continue
    open.delete(key)
    left.push(endpoint)
  }
  return left
}

/** Opens what is new among `listeners`; closes it again when one cannot be opened. */
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
      const key = keyOf(listener)
      if (!open.has(key)) opened.set(key, await openOne(listener, [...open.values(), ...opened.values()]))
    }
  } catch (error) {
    await abandon()
    throw error
  }
  return { opened, abandon }
}
