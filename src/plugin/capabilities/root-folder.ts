import { defineCapability } from '../capability.ts'

/** The folder that relative paths of the block start from (`root`): plugins read it as `block.root`. */
export const rootFolder = defineCapability<string>('root folder')
