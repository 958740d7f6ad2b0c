/** The nodes of the syntax tree. `offset`: where the node begins in the text. */
export type Node = { readonly offset: number } & (
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null; readonly integer?: boolean }
  | { readonly kind: 'name'; readonly name: string }
  /** `#`, `#acc`, `#index` inside a predicate. */
  | { readonly kind: 'pointer'; readonly name: string }
  | { readonly kind: 'array'; readonly items: readonly Node[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [Node, Node])[] }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Node }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly kind: 'conditional'; readonly condition: Node; readonly whenTrue: Node; readonly whenFalse: Node }
  | { readonly kind: 'member'; readonly target: Node; readonly property: Node; readonly optional: boolean }
  | { readonly kind: 'slice'; readonly target: Node; readonly from: Node | undefined; readonly to: Node | undefined }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: 'let'; readonly name: string; readonly value: Node; readonly body: Node }
)

/** Bounds on the nesting of nodes, and on their number (expr-lang: 10,000). */
export const maxDepth = 100
export const maxNodes = 10_000
