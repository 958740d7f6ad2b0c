/** What the data plane does on a plugin's behalf to answers of the plugins behind it. */
import { defineCapability } from '../capability.ts'

export interface DataPlaneEffects {
  /** Answers and glue in random order (`loadbalance`). */
  readonly shuffle?: boolean
  /** The largest UDP payload that a client may ask for, in octets (`bufsize`). */
  readonly maxPayload?: number
}

export const dataPlaneEffects = defineCapability<DataPlaneEffects>('data-plane effects')
