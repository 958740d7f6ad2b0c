/** `slicedns latency`: how long one server takes for one question, asked many times, one after another. */
import { typeName } from '../dns/codes.ts'
import { type Command, type Io, integerFlag, misuse, printExit } from './args.ts'
import { ExchangeError, exchange, serverText } from './exchange.ts'
import { findServer, lookupFlags, parseLookup } from './lookup.ts'
import { table } from './show.ts'

const command: Command = {
  usage: 'slicedns latency NAME [TYPE] [@SERVER] [-p PORT] [--tcp] [-n N]',
  flags: { ...lookupFlags, n: { value: 'N', help: 'Ask so many times (default 100)' } },
}

/** Before these many failures in a row nobody needs to wait for more of them. */
const patience = 5

/** Exit code 0: every question got a reply, whatever it said; 1: one did not; 2: the command line is wrong. */
export async function run(args: string[], io: Io): Promise<number> {
  const lookup = parseLookup(args, command, true)
  if (lookup.kind === 'exit') return printExit(lookup, io)
  const count = integerFlag(lookup.args, 'n', 1, 1_000_000) ?? 100
  if (Number.isNaN(count)) return printExit(misuse(command, '-n is a number from 1 to 1000000'), io)
  try {
    const server = await findServer(lookup)
    const times: number[] = []
    const rcodes = new Map<string, number>()
    let failures = 0
    let lastFailure = ''
    for (let asked = 0, inARow = 0; asked < count && inARow < patience; asked++) {
      const started = performance.now()
      try {
        const { rcode } = await exchange(lookup.question, server, lookup.options)
        times.push(performance.now() - started)
        rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + 1)
        inARow = 0
      } catch (error) {
        if (!(error instanceof ExchangeError)) throw error
        lastFailure = error.message
        failures++
        inARow++
      }
    }
    const asked = `${typeName(lookup.question.type)} of ${lookup.question.name} at ${serverText(server)}`
    const outcomes = [...rcodes].map(([rcode, number]) => `${number} ${rcode}`)
    io.stdout.write(`${asked}: ${[...outcomes, ...(failures > 0 ? [`${failures} without reply`] : [])].join(', ')}\n`)
    if (times.length > 0) io.stdout.write(table(summary(times)))
    if (failures > 0) io.stderr.write(`${lastFailure}\n`)
    return failures > 0 ? 1 : 0
  } catch (error) {
    io.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 1
  }
}

function summary(times: readonly number[]): string[][] {
  const sorted = times.toSorted((a, b) => a - b)
  const rows: [string, number][] = [
    ['min', sorted[0]],
    ['median', quantile(sorted, 0.5)],
    ['p99', quantile(sorted, 0.99)],
    ['max', sorted[sorted.length - 1]],
  ]
  return rows.map(([word, milliseconds]) => [word, `${milliseconds.toFixed(3)} ms`])
}

/** The nearest rank: the smallest time that at least this share of all times does not exceed. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}
