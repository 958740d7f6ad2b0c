import { argCount, custom, fail, readBody } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { EvaluationError, type Expression } from '../../expression/index.ts'
import { metadataSource } from '../../plugin/capabilities/metadata.ts'
import { viewFilter } from '../../plugin/capabilities/view.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { clientsOf, narrower } from '../../plugin/expression-clients.ts'
import { type QueryContext, queryFunctions, readExpression } from '../../plugin/query-expression.ts'

type Condition = Expression<QueryContext>

interface Settings {
  readonly name: string
  readonly conditions: readonly Condition[]
}

const rows = {
  expr: custom<readonly Condition[], readonly Condition[]>(
    { min: 0 },
    ({ word, args }, before = []) => {
      if (args.length === 0) throw fail('expr must have an expression', word)
      return [...before, readExpression(args, { functions: queryFunctions })]
    },
    { default: [] },
  ),
}

const schema: DirectiveSchema<Settings> = {
  usage: 'view NAME { expr EXPRESSION }',
  repeat: 'once',
  read({ occurrences: [directive] }) {
    argCount(directive, 1, 1)
    const { expr } = readBody(directive, rows)
    return { name: directive.args[0].text, conditions: expr }
  },
}

/** Restricts a server block to queries for which all expressions are true. */
export const view: Plugin<Settings> = {
  name: 'view',
  schema,
  setup: ({ name, conditions }) => ({
    provides: [
      provide(metadataSource, { valueOf: (_query, label) => (label === 'view/name' ? name : undefined) }),
      provide(viewFilter, {
        name,
        takes: (query) => conditions.every((condition) => isTrue(condition, query)),
        clients: conditions.map(({ source }) => clientsOf(source)).reduce(narrower, undefined),
      }),
    ],
  }),
}

/**
 * A value other than true counts as false, and so does an expression that cannot be evaluated, as in CoreDNS. Throws
 * StepsError, because a query whose block is not known must not reach another one.
 */
function isTrue(condition: Condition, query: QueryContext['query']): boolean {
  try {
    return condition.evaluate({ query }, query.budget.steps) === true
  } catch (error) {
    if (error instanceof EvaluationError) return false
    throw error
  }
}
