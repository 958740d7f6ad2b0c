/** `slicedns latency`: measures one lookup, repeated sequentially. */
import { typeName } from '../dns/codes.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type Server, serverText } from './answer.ts'
import { type Command, type Io, integerFlag, jsonFlags, misuse, printExit, wantsJson } from './args.ts'
import { findServer, type LookupArgs, lookupFlags, parseLookup } from './lookup-args.ts'
import { LookupError, lookUp } from './lookup-client.ts'
import { createProgress, type Progress } from './progress.ts'
import { table } from './show.ts'

const command: Command = {
  usage: 'slicedns latency NAME [TYPE] [@SERVER] [-p PORT] [--tcp] [-n N] [--json]',
  flags: {
    ...lookupFlags,
    n: { value: 'N', help: 'Number of lookups (default 100)' },
    ...jsonFlags('Print the figures as JSON, in milliseconds'),
  },
  examples: ['slicedns latency kubernetes.default.svc.cluster.local -n 1000'],
}

/** Milliseconds. */
const showEvery = 200

/** After this many failures in a row the server is considered gone. */
const mostFailuresInARow = 5

/** Exit code 0: every lookup got a reply, with any rcode; 1: one did not; 2: invalid command line. */
export async function run(args: string[], io: Io): Promise<number> {
  const lookup = parseLookup(args, command, true)
  if (lookup.kind === 'exit') return printExit(lookup, io)
  const count = integerFlag(lookup.args, 'n', 1, 1_000_000) ?? 100
  if (Number.isNaN(count)) return printExit(misuse(command, '-n must be 1 to 1000000'), io)
  const progress = createProgress(io)
  try {
    const server = await findServer(lookup)
    const measured = await measure(lookup, server, count, progress)
    progress.clear()
    const asJson = wantsJson(lookup.args)
    io.stdout.write(asJson ? jsonText(lookup, server, measured) : reportText(lookup, server, measured))
    if (measured.failures > 0) io.stderr.write(`${measured.lastFailure}\n`)
    return measured.failures > 0 ? 1 : 0
  } catch (error) {
    progress.clear()
    io.stderr.write(`${errorMessage(error)}\n`)
    return 1
  }
}

interface Measured {
  /** Milliseconds, in the order of the lookups. */
  readonly times: readonly number[]
  readonly rcodes: ReadonlyMap<string, number>
  readonly failures: number
  readonly lastFailure: string
}

async function measure(
  { question, options }: LookupArgs,
  server: Server,
  count: number,
  progress: Progress,
): Promise<Measured> {
  const times: number[] = []
  const rcodes = new Map<string, number>()
  let failures = 0
  let lastFailure = ''
  let shownAt = performance.now()
  for (let asked = 0, inARow = 0; asked < count && inARow < mostFailuresInARow; asked++) {
    const started = performance.now()
    if (started - shownAt >= showEvery) {
      shownAt = started
      progress.show(`${asked} of ${count} lookups`)
    }
    try {
      const { rcode } = await lookUp(question, server, options)
      times.push(performance.now() - started)
      rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + 1)
      inARow = 0
    } catch (error) {
      if (!(error instanceof LookupError)) throw error
      lastFailure = error.message
      failures++
      inARow++
    }
  }
  return { times, rcodes, failures, lastFailure }
}

function reportText({ question }: LookupArgs, server: Server, { times, rcodes, failures }: Measured): string {
  const outcomes = [...rcodes].map(([rcode, number]) => `${number} ${rcode}`)
  if (failures > 0) outcomes.push(`${failures} without reply`)
  const head = `${typeName(question.type)} of ${question.name} at ${serverText(server)}: ${outcomes.join(', ')}\n`
  return head + (times.length > 0 ? table(summary(times)) : '')
}

function jsonText({ question }: LookupArgs, server: Server, { times, rcodes, failures }: Measured): string {
  const report = {
    name: question.name,
    type: typeName(question.type),
    server: serverText(server),
    rcodes: Object.fromEntries(rcodes),
    failures,
    ...(times.length > 0 && Object.fromEntries(figures(times))),
  }
  return `${JSON.stringify(report, undefined, 2)}\n`
}

const summary = (times: readonly number[]): string[][] =>
  figures(times).map(([word, milliseconds]) => [word, `${milliseconds.toFixed(3)} ms`])

function figures(times: readonly number[]): (readonly [word: string, milliseconds: number])[] {
  const sorted = times.toSorted((a, b) => a - b)
  return [
    ['min', sorted[0]],
    ['median', quantile(sorted, 0.5)],
    ['p99', quantile(sorted, 0.99)],
    ['max', sorted[sorted.length - 1]],
  ]
}

/** The nearest-rank quantile: the smallest time that is not exceeded by at least this share of all times. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}
