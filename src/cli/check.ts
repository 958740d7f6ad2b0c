/** `slicedns check`: reports every error of a Corefile, without opening a socket or calling an API. */
import { readStandardInput } from '../corefile/index.ts'
import { plugins } from '../plugins/index.ts'
import { type Command, type Io, integerFlag, misuse, parseArgs, printExit } from './args.ts'
import { checkCorefile, findingText } from './findings.ts'

const command: Command = {
  usage: 'slicedns check [-conf Corefile]',
  flags: {
    conf: { value: 'FILE', help: 'Corefile to check, or stdin (default "Corefile")' },
    'lenient-plugins': {
      help: 'Warn of plugins that slicedns does not have, where leaving them out changes no answer',
    },
    'dns.port': { value: 'PORT', help: 'Default port (default 53)' },
    p: { value: 'PORT', help: 'Default port (default 53)', same: 'dns.port' },
  },
}

/** Exit code 0: the Corefile is valid; 1: it is not; 2: the command line is invalid. */
export async function run(args: string[], io: Io): Promise<number> {
  const parsed = parseArgs(args, command)
  if (parsed.kind === 'exit') return printExit(parsed, io)
  if (parsed.positional.length > 0)
    return printExit(misuse(command, `unexpected argument '${parsed.positional[0]}'`), io)
  const port = integerFlag(parsed, 'dns.port', 0, 65_535)
  if (Number.isNaN(port)) return printExit(misuse(command, 'invalid value for -dns.port: must be a port'), io)
  const file = parsed.given.get('conf') ?? 'Corefile'
  if (file === 'stdin') await readStandardInput()
  const { findings, blocks } = checkCorefile(file, plugins, port ?? 53, parsed.given.get('lenient-plugins') === 'true')
  for (const finding of findings) io.stdout.write(`${findingText(finding)}\n`)
  const errors = findings.filter(({ severity }) => severity === 'error').length
  if (errors > 0) io.stdout.write(`${file}: ${count(errors, 'error')}\n`)
  else io.stdout.write(`${file} can be served: ${count(blocks, 'server block')}\n`)
  return errors > 0 ? 1 : 0
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}
