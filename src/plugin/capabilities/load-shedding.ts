/** Drops over UDP what cannot be answered in time, instead of SERVFAIL (`shed`). One block opens its listener to it. */
import type { CounterCell } from '../../telemetry/metrics.ts'
import { defineCapability } from '../capability.ts'

/** Counts of what was dropped. */
export interface LoadShedding {
  /** Queries for which no reply was computed. */
  readonly queries: CounterCell
  /** Replies that could not be sent. */
  readonly responses: CounterCell
}

/** `server`: the listener as metrics name it. */
export const loadShedding = defineCapability<(server: string) => LoadShedding>('load shedding')
