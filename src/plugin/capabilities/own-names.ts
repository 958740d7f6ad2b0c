/**
 * Names that this server itself has data for (the cluster's, say), for a plugin that looks them up without a client.
 */
import { defineCapability } from '../capability.ts'
import type { Outcome } from '../query.ts'

export interface OwnNames {
  /**
   * The outcome for the name (absolute) at the block's listener from a plugin that has data for it; undefined where no
   * plugin has. The lookup is neither logged nor counted.
   */
  lookup(name: string, type: number): Promise<Outcome | undefined>
}

/** Called once the DNS sockets answer. */
export const ownNames = defineCapability<(names: OwnNames) => void>('own names')
