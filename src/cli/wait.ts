/** `slicedns wait`: for init containers that must not start before their peers have addresses. */
import { scheduler } from 'node:timers/promises'
import { durationText } from '../corefile/values.ts'
import { typeName } from '../dns/codes.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type Server, serverText } from './answer.ts'
import { type Command, durationFlag, type Io, integerFlag, jsonFlags, misuse, printExit, wantsJson } from './args.ts'
import { exitCode } from './exit-codes.ts'
import { elapsed } from './figures.ts'
import { findServer, type LookupArgs, lookupFlags, parseLookup, serviceFlags } from './lookup-args.ts'
import { LookupError, lookUp } from './lookup-client.ts'
import { createProgress } from './progress.ts'

const { timeout: reply, ...flags } = lookupFlags

const command: Command = {
  usage:
    'slicedns wait NAME [TYPE] [-n NAMESPACE] [--count N] [--timeout DURATION] [--interval DURATION] [--json] [@SERVER] [-p PORT]',
  flags: {
    count: { value: 'N', help: 'How many records the name must have (default 1)' },
    timeout: { value: 'DURATION', help: 'Give up after this time, as 90s or 10m (default: never)' },
    interval: { value: 'DURATION', help: 'Time between two lookups (default 1s)' },
    'reply-timeout': { ...reply },
    ...jsonFlags('Print what was found at the end as JSON'),
    ...serviceFlags,
    ...flags,
  },
  examples: [
    'slicedns wait db.shop.svc.cluster.local --timeout 2m',
    'slicedns wait worker -n ml --count 64 --timeout 10m --interval 200ms',
  ],
}

/** Milliseconds. */
const longest = 24 * 3_600_000

/** Exit code 0: the name has enough records; 1: timeout; 2: invalid command line. */
export async function run(args: string[], io: Io): Promise<number> {
  const lookup = parseLookup(args, command, true)
  if (lookup.kind === 'exit') return printExit(lookup, io)
  const count = integerFlag(lookup.args, 'count', 1, 65_535) ?? 1
  const timeout = durationFlag(lookup.args, 'timeout', 1, longest) ?? longest
  const interval = durationFlag(lookup.args, 'interval', 1, longest) ?? 1000
  const asJson = wantsJson(lookup.args)
  if (Number.isNaN(count)) return printExit(misuse(command, '--count must be 1 to 65535'), io)
  if (Number.isNaN(timeout + interval))
    return printExit(misuse(command, '--timeout and --interval must be durations from 1ms to 24h'), io)
  const progress = createProgress(io)
  try {
    const server = await findServer(lookup)
    const began = performance.now()
    const result = (found: boolean, records: number, note: string): string => {
      const seconds = Math.round(performance.now() - began) / 1000
      const asked = { name: lookup.question.name, type: typeName(lookup.question.type), server: serverText(server) }
      return `${JSON.stringify({ ...asked, found, records, count, note, seconds }, undefined, 2)}\n`
    }
    for (let before = ''; ; ) {
      const { records, note } = await ask(lookup, server)
      progress.clear()
      if (records >= count) {
        const { name, type } = lookup.question
        if (asJson) io.stdout.write(result(true, records, note))
        else io.stdout.write(`${name} has ${records} ${typeName(type)} records\n`)
        return exitCode.found
      }
      const left = timeout - (performance.now() - began)
      if (left <= 0) {
        if (asJson) io.stdout.write(result(false, records, note))
        io.stderr.write(`${lookup.question.name}: ${note} after ${durationText(timeout)}\n`)
        return exitCode.noReply
      }
      const now = `waiting for ${lookup.question.name} at ${serverText(server)}: ${note}`
      if (now !== before) io.stderr.write(`${now}\n`)
      before = now
      progress.show(`${note}, ${elapsed((performance.now() - began) / 1000)}`)
      await scheduler.wait(Math.min(interval, Math.max(1, left)))
    }
  } catch (error) {
    progress.clear()
    io.stderr.write(`${errorMessage(error)}\n`)
    return exitCode.noReply
  }

  async function ask({ question, options }: LookupArgs, server: Server): Promise<{ records: number; note: string }> {
    try {
      const answer = await lookUp(question, server, options)
      const wanted = typeName(question.type)
      const records = answer.answer.filter(({ type }) => type === wanted).length
      return { records, note: answer.rcode === 'NOERROR' ? `${records} of ${count} records` : answer.rcode }
    } catch (error) {
      if (error instanceof LookupError) return { records: 0, note: error.message }
      throw error
    }
  }
}
