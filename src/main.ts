/** The command: picks the subcommand. What serves is in serve.ts; nothing imports this file. */

// Until a process has a handler of its own, Node.js answers SIGUSR1 by opening its inspector.
process.on('SIGUSR1', () => {})

interface Io {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

/** Loaded on demand: a server in a 170 MiB pod does not pay for the diagnostics commands. */
const commands: Readonly<Record<string, () => Promise<{ run(args: string[], io: Io): Promise<number> }>>> = {
  check: () => import('./cli/check.ts'),
  explain: () => import('./cli/explain.ts'),
  latency: () => import('./cli/latency.ts'),
  query: () => import('./cli/query.ts'),
  watch: () => import('./cli/watch.ts'),
}

const args = process.argv.slice(2)
const load = commands[args[0] ?? '']
if (load) {
  // The reader of a pipe has what it wanted (`slicedns watch | head -1`): the command ends, as others do.
  process.stdout.on('error', () => process.exit())
  const { run } = await load()
  process.exitCode = await run(args.slice(1), { stdout: process.stdout, stderr: process.stderr })
} else {
  const { serve } = await import('./serve.ts')
  await serve(args)
}
