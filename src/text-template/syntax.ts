/** The nodes of a template. `offset`: where the node begins in the template's text. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: Pipeline }
  | { readonly kind: 'if' | 'with'; readonly pipeline: Pipeline; readonly body: List; readonly otherwise: List }
  | { readonly kind: 'range'; readonly pipeline: Pipeline; readonly body: List; readonly otherwise: List }
  | { readonly kind: 'break' | 'continue' }

export type List = readonly Node[]

export interface Pipeline {
  /** Variables that take the value, two only in `range`. */
  readonly variables: readonly string[]
  /** `:=` declares the variables, `=` sets them. */
  readonly declares: boolean
  readonly commands: readonly Command[]
}

export interface Command {
  readonly offset: number
  readonly operands: readonly Operand[]
}

export type Operand = { readonly offset: number } & (
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'function'; readonly name: string }
  /** The base, and the fields of it, one after the other. */
  | { readonly kind: 'dot'; readonly fields: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline; readonly fields: readonly string[] }
)
