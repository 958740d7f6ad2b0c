/** A Corefile in parts that can be left out one by one, so that a difference can be shrunk. */
import { directive, type PluginPlaces, server } from '../configuration.ts'

export interface Directive {
  readonly line: string
  readonly body: readonly string[]
}

export interface Block {
  /** Zone of the server block. */
  readonly zone: string
  readonly directives: readonly Directive[]
}

export interface Draft {
  readonly blocks: readonly Block[]
  /** Names that its rules are about. */
  readonly names: readonly string[]
}

/** What an upstream's address and a folder are written as until they are known. */
export const upstreamPlace = 'UPSTREAM'
export const folderPlace = 'FOLDER'

export function corefileOf(
  { blocks }: Draft,
  { port, upstream, folder }: Pick<PluginPlaces, 'port' | 'upstream' | 'folder'>,
): string {
  return blocks
    .map(({ zone, directives }) =>
      server(`${zone}:${port}`, 'errors', ...directives.map(({ line, body }) => directive(line, ...body))),
    )
    .join('')
    .replaceAll(upstreamPlace, upstream)
    .replaceAll(folderPlace, folder)
}

/** The draft without one block, one directive or one line of a body. */
export function* smaller(draft: Draft): Generator<Draft, void, undefined> {
  const { blocks } = draft
  for (const [at, block] of blocks.entries()) {
    const having = (changed: readonly Block[]): Draft => ({ ...draft, blocks: blocks.toSpliced(at, 1, ...changed) })
    if (blocks.length > 1) yield having([])
    for (const [place, { line, body }] of block.directives.entries()) {
      const withDirective = (changed: readonly Directive[]) =>
        having([{ ...block, directives: block.directives.toSpliced(place, 1, ...changed) }])
      yield withDirective([])
      for (const left of body.keys()) yield withDirective([{ line, body: body.toSpliced(left, 1) }])
    }
  }
}
