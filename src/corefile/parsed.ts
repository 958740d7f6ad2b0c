import type { Warning } from './cursor.ts'
import type { Directive, Position, Token } from './schema.ts'

/** A Corefile after parsing. Keys, directives and their arguments are not checked yet. */
export interface ParsedCorefile {
  readonly blocks: readonly CorefileBlock[]
  readonly warnings: readonly Warning[]
  /** Every directive's word in the order it was met, also those of blocks that were dropped because they have no keys. */
  readonly words: readonly DirectiveWord[]
}

export interface DirectiveWord extends Token {
  /** A word before it, in the same server block, that ends with `{`: a block was meant to open there. */
  readonly glued: Token | undefined
}

export interface CorefileBlock {
  readonly keys: readonly Token[]
  /** In file order, imports in their place; one that is repeated stands here as often. */
  readonly directives: readonly Directive[]
  /** Its first key. */
  readonly at: Position
}
