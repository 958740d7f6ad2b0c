/** `slicedns query`: one lookup, with its records as a table. */
import { typeName } from '../dns/codes.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type Answer, serverText } from './answer.ts'
import { type Command, type Io, jsonFlags, printExit, wantsJson } from './args.ts'
import { exitCode, exitCodeOf } from './exit-codes.ts'
import { findServer, lookupFlags, parseLookup } from './lookup-args.ts'
import { lookUp } from './lookup-client.ts'
import { footer, recordRows, refusal, table } from './show.ts'

const command: Command = {
  usage: 'slicedns query NAME [TYPE] [@SERVER] [-p PORT] [-x] [--tcp] [--short | --json]',
  flags: {
    ...lookupFlags,
    short: { help: 'Print the data of the answer alone, a record a line (also +short)' },
    ...jsonFlags('Print the answer as JSON'),
  },
  examples: [
    'slicedns query web.default.svc.cluster.local',
    'slicedns query _http._tcp.web.default.svc.cluster.local SRV @10.96.0.10 --short',
    'slicedns query -x 10.96.0.10',
  ],
}

/** The exit codes are those of exit-codes.ts. */
export async function run(args: string[], io: Io): Promise<number> {
  const lookup = parseLookup(args.map(asFlag), command, false)
  if (lookup.kind === 'exit') return printExit(lookup, io)
  const { question, options } = lookup
  try {
    const server = await findServer(lookup)
    const started = performance.now()
    const answer = await lookUp(question, server, options)
    const milliseconds = performance.now() - started
    if (wantsJson(lookup.args)) {
      const report = {
        name: question.name,
        type: typeName(question.type),
        server: serverText(server),
        milliseconds: Math.round(milliseconds * 1000) / 1000,
        ...answer,
      }
      io.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
    } else if (lookup.args.given.get('short') === 'true')
      io.stdout.write(answer.answer.map(({ data }) => `${data}\n`).join(''))
    else io.stdout.write(answerText(lookup.question, answer) + footer(server, answer, milliseconds))
    return exitCodeOf(answer)
  } catch (error) {
    io.stderr.write(`${errorMessage(error)}\n`)
    return exitCode.noReply
  }
}

/** Accepts dig's spelling. */
const asFlag = (word: string): string => (word === '+short' ? '--short' : word)

function answerText(question: { name: string; type: number }, answer: Answer): string {
  const refused = refusal(question, answer)
  const nothing = `${typeName(question.type)} of ${question.name}: the name exists, but has no such record (NODATA)`
  const head = refused ?? (answer.answer.length === 0 ? nothing : undefined)
  const sections = [
    { title: 'authority', records: answer.authority },
    { title: 'additional', records: answer.additional },
  ].filter(({ records }) => records.length > 0)
  return [
    head === undefined ? table(recordRows(answer.answer)) : `${head}\n`,
    ...(head !== undefined && answer.answer.length > 0 ? [table(recordRows(answer.answer))] : []),
    ...sections.map(({ title, records }) => `${title}:\n${table(recordRows(records))}`),
  ].join('')
}
