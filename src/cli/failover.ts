/** `slicedns failover`: the first of several addresses that accepts a connection. */
import { connect } from 'node:net'
import {
  type Command,
  durationFlag,
  type Io,
  integerFlag,
  jsonFlags,
  misuse,
  parseArgs,
  printExit,
  wantsJson,
} from './args.ts'
import { exitCode } from './exit-codes.ts'
import { createProgress } from './progress.ts'

const command: Command = {
  usage: 'slicedns failover ADDRESS... --port PORT [--timeout DURATION] [--json]',
  mixed: true,
  flags: {
    port: { value: 'PORT', help: 'TCP port to connect to' },
    timeout: { value: 'DURATION', help: 'How long to wait for each, as 500ms or 2s (default 1s)' },
    ...jsonFlags('Print the result of each as JSON'),
  },
  examples: [
    'slicedns failover db-0.db.shop.svc.cluster.local db-1.db.shop.svc.cluster.local --port 5432 --timeout 500ms',
  ],
}

interface Attempt {
  readonly address: string
  readonly milliseconds: number
  /** '' if the connection was accepted. */
  readonly failure: string
}

/** Exit code 0: printed; 1: none accepts; 2: invalid command line. Addresses after the first success are not tried. */
export async function run(args: string[], io: Io): Promise<number> {
  const parsed = parseArgs(args, command)
  if (parsed.kind === 'exit') return printExit(parsed, io)
  const port = integerFlag(parsed, 'port', 1, 65_535)
  const timeout = durationFlag(parsed, 'timeout', 1, 600_000) ?? 1000
  if (parsed.positional.length === 0) return printExit(misuse(command, 'an ADDRESS is missing'), io)
  if (port === undefined || Number.isNaN(port)) return printExit(misuse(command, '--port must be 1 to 65535'), io)
  if (Number.isNaN(timeout)) return printExit(misuse(command, '--timeout must be a duration from 1ms to 10m'), io)
  const asJson = wantsJson(parsed)
  const attempts: Attempt[] = []
  const progress = createProgress(io)
  for (const address of parsed.positional) {
    progress.show(`trying ${address}`)
    const attempt = await tryToConnect(address, port, timeout)
    progress.clear()
    attempts.push(attempt)
    if (attempt.failure === '') break
    if (!asJson) io.stderr.write(`${address}: ${attempt.failure}\n`)
  }
  const accepting = attempts.find(({ failure }) => failure === '')
  if (asJson) io.stdout.write(`${JSON.stringify({ address: accepting?.address, port, attempts }, undefined, 2)}\n`)
  else if (accepting) io.stdout.write(`${accepting.address}\n`)
  return accepting ? exitCode.found : exitCode.noReply
}

async function tryToConnect(address: string, port: number, timeout: number): Promise<Attempt> {
  const began = performance.now()
  const failure = await new Promise<string>((resolve) => {
    // Without autoSelectFamily only a name's first address would be tried.
    const socket = connect({ host: address, port, autoSelectFamily: true })
    const timer = setTimeout(() => end(`no connection to port ${port} within ${timeout} ms`), timeout)
    const end = (reason: string): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(reason)
    }
    socket.on('connect', () => end(''))
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) => end(reasons[code ?? ''] ?? message))
  })
  return { address, milliseconds: Math.round(performance.now() - began), failure }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'the name does not exist',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to it',
}
