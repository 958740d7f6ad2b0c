/** Keys that `tsig` of the block defines, for plugins that sign what they ask (`secondary`). */
import type { TsigKey } from '../../dns/tsig.ts'
import { defineCapability } from '../capability.ts'

export interface TsigKeys {
  /** `name`: lower case and absolute. */
  find(name: string): TsigKey | undefined
}

export const tsigKeys = defineCapability<TsigKeys>('TSIG keys')
