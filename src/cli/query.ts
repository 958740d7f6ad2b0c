/** `slicedns query`: one lookup, its records as a table. */
import { typeName } from '../dns/codes.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type Answer, serverText } from './answer.ts'
import { type Command, type Io, printExit } from './args.ts'
import { findServer, lookupFlags, parseLookup } from './lookup-args.ts'
import { lookUp } from './lookup-client.ts'
import { footer, recordRows, refusal, table } from './show.ts'

const command: Command = {
  usage: 'slicedns query NAME [TYPE] [@SERVER] [-p PORT] [--tcp] [--json]',
  flags: { ...lookupFlags, json: { help: 'Print the answer as JSON' } },
}

/** Exit code 0: NOERROR, even without records; 1: another rcode or no reply; 2: the command line is wrong. */
export async function run(args: string[], io: Io): Promise<number> {
  const lookup = parseLookup(args, command, false)
  if (lookup.kind === 'exit') return printExit(lookup, io)
  const { question, options } = lookup
  try {
    const server = await findServer(lookup)
    const started = performance.now()
    const answer = await lookUp(question, server, options)
    const milliseconds = performance.now() - started
    if (lookup.args.given.get('json') === 'true') {
      const report = {
        name: question.name,
        type: typeName(question.type),
        server: serverText(server),
        milliseconds,
        ...answer,
      }
      io.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
    } else io.stdout.write(answerText(lookup.question, answer) + footer(server, answer, milliseconds))
    return answer.rcode === 'NOERROR' ? 0 : 1
  } catch (error) {
    io.stderr.write(`${errorMessage(error)}\n`)
    return 1
  }
}

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
