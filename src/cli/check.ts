/** `slicedns check`: reports every error of a Corefile, without opening a socket or calling an API. */
import { readStandardInput } from '../corefile/index.ts'
import { plugins } from '../plugins/index.ts'
import {
  type Command,
  type Exit,
  type Io,
  integerFlag,
  jsonFlags,
  misuse,
  type ParsedArgs,
  parseArgs,
  printExit,
  wantsJson,
} from './args.ts'
import { checkCorefile, type Findings, findingText } from './findings.ts'

const command: Command = {
  usage: 'slicedns check [FILE | -] [-conf FILE] [-f FILE] [--json]',
  mixed: true,
  flags: {
    conf: {
      value: 'FILE',
      help: 'Corefile or ConfigMap to check; stdin or - is what is piped in (default "Corefile")',
    },
    f: { value: 'FILE', help: 'ConfigMap with the Corefile, as YAML or JSON', same: 'conf' },
    ...jsonFlags('Print the findings as JSON'),
    'lenient-plugins': {
      help: 'Warn of plugins that slicedns does not have, where leaving them out changes no answer',
    },
    'dns.port': { value: 'PORT', help: 'Default port (default 53)' },
    p: { value: 'PORT', help: 'Default port (default 53)', same: 'dns.port' },
  },
  examples: [
    'slicedns check Corefile',
    'slicedns check -f configmap.yaml',
    'kubectl -n kube-system get configmap coredns -o yaml | slicedns check -',
  ],
}

/** Exit code 0: the Corefile is valid; 1: it is not; 2: the command line is invalid. */
export async function run(args: string[], io: Io): Promise<number> {
  const parsed = parseArgs(args, command)
  if (parsed.kind === 'exit') return printExit(parsed, io)
  const file = fileOf(parsed)
  if (typeof file !== 'string') return printExit(file, io)
  const port = integerFlag(parsed, 'dns.port', 0, 65_535)
  if (Number.isNaN(port)) return printExit(misuse(command, 'invalid value for -dns.port: must be a port'), io)
  if (file === 'stdin') await readStandardInput()
  const lenient = parsed.given.get('lenient-plugins') === 'true'
  const found = checkCorefile(file, plugins, port ?? 53, lenient)
  const errors = found.findings.filter(({ severity }) => severity === 'error').length
  io.stdout.write(wantsJson(parsed) ? jsonText(file, found, errors) : plainText(file, found, errors))
  return errors > 0 ? 1 : 0
}

function fileOf({ given, positional }: ParsedArgs): string | Exit {
  const flag = given.get('conf')
  const files = [...positional, ...(flag === undefined ? [] : [flag])]
  if (files.length > 1) return misuse(command, `one file is checked at a time: ${files.join(' ')}`)
  const [file = 'Corefile'] = files
  return file === '-' ? 'stdin' : file
}

function plainText(file: string, { findings, blocks }: Findings, errors: number): string {
  const summary =
    errors > 0 ? `${file}: ${count(errors, 'error')}` : `${file} can be served: ${count(blocks, 'server block')}`
  return [...findings.map(findingText), summary].map((line) => `${line}\n`).join('')
}

function jsonText(file: string, { findings, blocks }: Findings, errors: number): string {
  const report = {
    file,
    valid: errors === 0,
    serverBlocks: blocks,
    findings: findings.map(({ severity, message, at }) => ({ severity, message, ...at })),
  }
  return `${JSON.stringify(report, undefined, 2)}\n`
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}
