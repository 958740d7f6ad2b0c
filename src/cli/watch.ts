/** `slicedns watch`: repeats a lookup and prints each change of the answer with its time. */
import { scheduler } from 'node:timers/promises'
import { typeName } from '../dns/codes.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type Answer, type Question, serverText } from './answer.ts'
import { type Command, durationFlag, type Io, jsonFlags, misuse, printExit, wantsJson } from './args.ts'
import { findServer, lookupFlags, parseLookup } from './lookup-args.ts'
import { LookupError, lookUp } from './lookup-client.ts'
import { createProgress } from './progress.ts'
import { refusal } from './show.ts'

const command: Command = {
  usage: 'slicedns watch NAME [TYPE] [@SERVER] [-p PORT] [--tcp] [--interval DURATION] [--duration DURATION] [--json]',
  flags: {
    ...lookupFlags,
    interval: { value: 'DURATION', help: 'Time between two lookups, as 200ms or 5s (default 1s)' },
    duration: { value: 'DURATION', help: 'End after this time (default: at Ctrl-C)' },
    ...jsonFlags('Print a JSON object a line'),
  },
  examples: ['slicedns watch web.default.svc.cluster.local --interval 200ms --duration 1m'],
}

/**
 * Runs until SIGINT, SIGTERM, `until` or the end of the duration. Exit code 0 if the last answer was NOERROR, else 1. Changes of
 * order or TTL alone are not reported.
 */
export async function run(args: string[], io: Io, until?: AbortSignal): Promise<number> {
  const lookup = parseLookup(args, command, true)
  if (lookup.kind === 'exit') return printExit(lookup, io)
  const interval = durationFlag(lookup.args, 'interval', 1, longest)
  if (Number.isNaN(interval)) return printExit(misuse(command, '-interval must be a duration from 1ms to 24h'), io)
  const duration = durationFlag(lookup.args, 'duration', 1, longest)
  if (Number.isNaN(duration)) return printExit(misuse(command, '-duration must be a duration from 1ms to 24h'), io)
  const asJson = wantsJson(lookup.args)
  const interrupted = interruption(until, duration)
  const progress = createProgress(io)
  try {
    const server = await findServer(lookup)
    const asked = { name: lookup.question.name, type: typeName(lookup.question.type), server: serverText(server) }
    if (!asJson) io.stdout.write(`watching ${asked.type} of ${asked.name} at ${asked.server}\n`)
    let before: State | undefined
    let lookups = 0
    while (!interrupted.aborted) {
      const state = await ask(() => lookUp(lookup.question, server, lookup.options), lookup.question)
      lookups++
      progress.clear()
      const lines = before === undefined ? firstLines(state) : changes(before, state)
      const time = new Date().toISOString()
      if (!asJson) for (const line of lines) io.stdout.write(`${time}  ${line}\n`)
      else if (lines.length > 0) io.stdout.write(`${JSON.stringify({ time, ...asked, ...state })}\n`)
      before = state
      progress.show(`${lookups} lookups, the last at ${time.slice(11, 19)}`)
      await scheduler.wait(interval ?? 1000, { signal: interrupted }).catch(() => undefined)
    }
    progress.clear()
    return before?.answered ? 0 : 1
  } catch (error) {
    progress.clear()
    io.stderr.write(`${errorMessage(error)}\n`)
    return 1
  }
}

/** Milliseconds. */
const longest = 24 * 3_600_000

/** The part of a lookup that is compared with the previous one. */
interface State {
  readonly answered: boolean
  /** `AAAA 2001:db8::1`, sorted. */
  readonly records: readonly string[]
  /** Why there are no records; '' if there are some. */
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

function interruption(until: AbortSignal | undefined, duration: number | undefined): AbortSignal {
  const controller = new AbortController()
  const abort = () => controller.abort()
  if (duration !== undefined) setTimeout(abort, duration).unref()
  process.once('SIGINT', abort)
  process.once('SIGTERM', abort)
  controller.signal.addEventListener('abort', () => {
    process.off('SIGINT', abort)
    process.off('SIGTERM', abort)
  })
  until?.addEventListener('abort', abort, { once: true })
  return controller.signal
}
