/** Names that this server has data of itself (the cluster's, say), for a plugin that looks them up without a client. */
import { defineCapability } from '../capability.ts'
import type { Outcome } from '../query.ts'

export interface OwnNames {
  /**
   * What a plugin with data of its own says of the name (absolute), at the listener of the block; undefined where none has
   * the name. The question is neither logged nor counted.
   */
  lookup(name: string, type: number): Promise<Outcome | undefined>
}

/** Called when the sockets answer. */
export const ownNames = defineCapability<(names: OwnNames) => void>('own names')
