/** The commands, loaded on demand: a server in a 170 MiB pod does not pay for them. */
import type { CommandModule } from './args.ts'
import type { CommandName } from './summaries.ts'

const modules: Readonly<Record<CommandName, () => Promise<CommandModule>>> = {
  check: () => import('./check.ts'),
  completion: () => import('./completion.ts'),
  discover: () => import('./discover.ts'),
  explain: () => import('./explain.ts'),
  failover: () => import('./failover.ts'),
  // It prints the usage of the others.
  help: async () => (await import('./help.ts')).createHelp(loadCommand),
  latency: () => import('./latency.ts'),
  query: () => import('./query.ts'),
  status: () => import('./status.ts'),
  top: () => import('./top.ts'),
  wait: () => import('./wait.ts'),
  watch: () => import('./watch.ts'),
}

export const loadCommand = (name: CommandName): Promise<CommandModule> => modules[name]()
