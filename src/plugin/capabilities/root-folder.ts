import { defineCapability } from '../capability.ts'

/** The base of the block's relative paths (`root`). Plugins read it as `block.root`. */
export const rootFolder = defineCapability<string>('root folder')
