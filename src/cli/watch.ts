/** `slicedns watch`: repeats a lookup, and prints each change of the answer with its time. */
import { scheduler } from 'node:timers/promises'
import { typeName } from '../dns/codes.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type Answer, type Question, serverText } from './answer.ts'
import { type Command, type Io, integerFlag, misuse, printExit } from './args.ts'
import { findServer, lookupFlags, parseLookup } from './lookup-args.ts'
import { LookupError, lookUp } from './lookup-client.ts'
import { refusal } from './show.ts'

const command: Command = {
  usage: 'slicedns watch NAME [TYPE] [@SERVER] [-p PORT] [--tcp] [-interval MILLISECONDS]',
  flags: { ...lookupFlags, interval: { value: 'MILLISECONDS', help: 'Time between two lookups (default 1000)' } },
}

/**
 * Runs until SIGINT, SIGTERM or `until`. Exit code 0 if the last answer was NOERROR, else 1. A different order or TTL
 * does not count as a change.
 */
export async function run(args: string[], io: Io, until?: AbortSignal): Promise<number> {
  const lookup = parseLookup(args, command, true)
  if (lookup.kind === 'exit') return printExit(lookup, io)
  const interval = integerFlag(lookup.args, 'interval', 1, 3_600_000)
  if (Number.isNaN(interval)) return printExit(misuse(command, '-interval must be 1 to 3600000 milliseconds'), io)
  const interrupted = interruption(until)
  try {
    const server = await findServer(lookup)
    io.stdout.write(`watching ${typeName(lookup.question.type)} of ${lookup.question.name} at ${serverText(server)}\n`)
    let before: State | undefined
    while (!interrupted.aborted) {
      const state = await ask(() => lookUp(lookup.question, server, lookup.options), lookup.question)
      const lines = before === undefined ? firstLines(state) : changes(before, state)
      const time = new Date().toISOString()
      for (const line of lines) io.stdout.write(`${time}  ${line}\n`)
      before = state
      await scheduler.wait(interval ?? 1000, { signal: interrupted }).catch(() => undefined)
    }
    return before?.answered ? 0 : 1
  } catch (error) {
    io.stderr.write(`${errorMessage(error)}\n`)
    return 1
  }
}

/** What two lookups are compared by. */
interface State {
  readonly answered: boolean
  /** `AAAA 2001:db8::1`, sorted. */
  readonly records: readonly string[]
  /** The reason why there are no records; '' where there are. */
  readonly note: string
}

async function ask(lookUpOnce: () => Promise<Answer>, question: Question): Promise<State> {
  try {
    const answer = await lookUpOnce()
    const records = answer.answer.map(({ name, type, data }) => {
      const owner = name.toLowerCase() === question.name.toLowerCase() ? '' : `${name} `
      return `${owner}${type} ${data}`
    })
    const note = refusal(question, answer) ?? (records.length === 0 ? 'no records (NODATA)' : '')
    return { answered: answer.rcode === 'NOERROR', records: [...new Set(records)].sort(), note }
  } catch (error) {
    if (error instanceof LookupError) return { answered: false, records: [], note: error.message }
    throw error
  }
}

function firstLines({ records, note }: State): string[] {
  return [...(note === '' ? [] : [note]), ...records.map((record) => `= ${record}`)]
}

function changes(before: State, now: State): string[] {
  const note = now.note === before.note || now.note === '' ? [] : [now.note]
  const removed = before.records.filter((record) => !now.records.includes(record)).map((record) => `- ${record}`)
  const added = now.records.filter((record) => !before.records.includes(record)).map((record) => `+ ${record}`)
  return [...note, ...removed, ...added]
}

function interruption(until: AbortSignal | undefined): AbortSignal {
  const controller = new AbortController()
  const abort = () => controller.abort()
  process.once('SIGINT', abort)
  process.once('SIGTERM', abort)
  controller.signal.addEventListener('abort', () => {
    process.off('SIGINT', abort)
    process.off('SIGTERM', abort)
  })
  until?.addEventListener('abort', abort, { once: true })
  return controller.signal
}
