/** What the other rooms take from this one. Schemas import read.ts instead. */
export { byChainOrder, chainOrder, checkDirectives, directiveError } from './directives.ts'
export { defaultPorts, type Scheme, type ServerKey, serverKeys } from './keys.ts'
export {
  type Corefile,
  configHash,
  defaultCorefile,
  diskSources,
  loadCorefile,
  readCorefile,
  readStandardInput,
} from './load.ts'
export {
  type CorefileBlock,
  type ParsedCorefile,
  parseAsFarAsPossible,
  parseCorefile,
  type Sources,
  type Warning,
} from './parser.ts'
export { readSettings } from './read.ts'
