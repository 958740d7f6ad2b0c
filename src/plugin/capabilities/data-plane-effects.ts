/** What the data plane does on a plugin's behalf to answers of later plugins. */
import type { HeaderFlags } from '../../table/api.ts'
import { defineCapability } from '../capability.ts'

export interface DataPlaneEffects {
  /** Answers and glue in random order (`loadbalance`). */
  readonly shuffle?: boolean
  /** The largest UDP payload that a client may ask for, in octets (`bufsize`). */
  readonly maxPayload?: number
  /** Positive answers without additional section (`minimal`). */
  readonly minimal?: boolean
  /** Flags of every answer (`header`). */
  readonly header?: HeaderFlags
}

export const dataPlaneEffects = defineCapability<DataPlaneEffects>('data-plane effects')
