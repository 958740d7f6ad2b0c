/** The `sign` directive. */
import { argCount, custom, fail, readBody, zonesOf } from '../../corefile/read.ts'
import type { BodyLine, DirectiveSchema, Token } from '../../corefile/schema.ts'

/** A zone whose file is signed. */
export interface ZoneToSign {
  /** Lower case and absolute. */
  readonly zone: string
  /** The zone's file, as written. */
  readonly file: string
  /** Key files, as written. */
  readonly keys: readonly Token[]
  /** The folder of the signed file, as written. */
  readonly directory: string
}

const defaultDirectory = '/var/lib/coredns'

const rows = {
  key: custom({ min: 2 }, ({ args: [source, ...files] }: BodyLine, before: readonly Token[] = []) => {
    if (source.text !== 'file') throw fail(`'${source.text}' is not a source of keys: write key file KEY...`, source)
    return [...before, ...files]
  }),
  directory: custom({ min: 1, max: 1 }, ({ args: [folder] }: BodyLine) => folder.text, { default: defaultDirectory }),
}

export const schema: DirectiveSchema<readonly ZoneToSign[]> = {
  usage: 'sign DBFILE [ZONES...] { key file KEY... | directory DIR }',
  repeat: 'many',
  read: ({ occurrences, zones: served }) =>
    occurrences.flatMap((directive) => {
      argCount(directive, 1)
      const [file, ...zones] = directive.args
      const { key, directory } = readBody(directive, rows)
      if (key === undefined) throw fail('sign must have a key: write key file KEY...', directive)
      return zonesOf(zones, served).map((zone) => ({ zone, file: file.text, keys: key, directory }))
    }),
}
