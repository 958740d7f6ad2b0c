import type { Value } from '../../expression/index.ts'
import type { QueryContext } from '../../plugin/query-expression.ts'

/** The data of expressions and records. */
export interface MatchContext extends QueryContext {
  /** The template's zone that contains the name. */
  readonly zone: string
  readonly class: string
  readonly type: string
  readonly pattern: string
  /** The whole match and the groups. */
  readonly matches: readonly string[]
  /** The same by number and by name. */
  readonly groups: ReadonlyMap<string, string>
  readonly variables: Map<string, Value>
}
