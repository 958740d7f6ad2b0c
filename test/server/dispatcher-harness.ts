/** A dispatcher over a server block with one plugin, or over the Corefile of a test. */
import { diskSources } from '../../src/corefile/load.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import type { Plugin } from '../../src/plugin/contract.ts'
import { createQueryMetrics } from '../../src/plugin/query-metrics.ts'
import { configure } from '../../src/server/configuration.ts'
import { createDispatcher } from '../../src/server/dispatch.ts'
import type { Miss } from '../../src/server/ingress.ts'
import { createQuestionBudgets } from '../../src/server/question-budget.ts'
import { createPluginHarness } from '../support/plugin-harness.ts'

export async function createDispatcherHarness(plugin: Plugin | readonly Plugin[], corefile?: string) {
  const plugins = [plugin].flat()
  const { log, lines, metrics, clock, state } = createPluginHarness()
  const { listeners } = await configure(
    {
      ...parseCorefile(corefile ?? `. {\n${plugins[0]!.name}\n}\n`, 'Corefile', diskSources),
      file: 'Corefile',
      hash: '',
      builtIn: false,
    },
    { plugins, defaultPort: 53, log, metrics, clock, process: state },
  )
  const panics = metrics.counter('panics', '', []).with()
  const budgets = createQuestionBudgets(clock, metrics)
  const queryMetrics = createQueryMetrics(metrics)
  const dispatcher = createDispatcher({ log, panics, clock, queryMetrics, budgets })
  const bounds = ['deadline', 'depth', 'lookups']
  const counter = metrics.counter('slicedns_question_bound_reached_total', '', ['bound'])
  return {
    answer: async (miss: Miss) => dispatcher.answer(miss, listeners[0]),
    budgets,
    clock,
    lines,
    panics,
    /** How often each bound was reached, where it was. */
    reached: () => Object.fromEntries(bounds.map((bound) => [bound, counter.with(bound).value]).filter(([, n]) => n)),
  }
}
