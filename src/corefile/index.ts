/** What the other rooms take from this one. Schemas import read.ts instead. */
export { checkDirectives } from './directives.ts'
export { type ServerKey, schemeError, serverKeys } from './keys.ts'
export { type Corefile, defaultCorefile, loadCorefile, readStandardInput } from './load.ts'
export { overlapErrors } from './overlaps.ts'
export type { CorefileBlock } from './parsed.ts'
