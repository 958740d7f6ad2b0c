/** The command: picks the subcommand. What serves is in serve.ts; nothing imports this file. */

import { loadCommand } from './cli/commands.ts'
import { isCommand } from './cli/summaries.ts'

// Until a process has a handler of its own, Node.js answers SIGUSR1 by opening its inspector.
process.on('SIGUSR1', () => {})

const args = process.argv.slice(2)
const [word = ''] = args
if (isCommand(word)) {
  // The reader of a pipe has what it wanted (`slicedns watch | head -1`): the command ends, as others do.
  process.stdout.on('error', () => process.exit())
  const { run } = await loadCommand(word)
  process.exitCode = await run(args.slice(1), { stdout: process.stdout, stderr: process.stderr })
} else {
  const { serve } = await import('./serve.ts')
  await serve(args)
}
