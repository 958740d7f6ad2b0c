/** The command: selects the subcommand, or the server (serve.ts). Not imported by any module. */

import { loadCommand } from './cli/commands.ts'
import { standardIo } from './cli/output.ts'
import { isCommand } from './cli/summaries.ts'

// Until a process has a handler of its own, Node.js answers SIGUSR1 by opening its inspector.
process.on('SIGUSR1', () => {})

const args = process.argv.slice(2)
const [word = ''] = args
if (isCommand(word)) {
  const { run } = await loadCommand(word)
  process.exitCode = await run(args.slice(1), standardIo())
} else {
  const { serve } = await import('./serve.ts')
  await serve(args)
}
