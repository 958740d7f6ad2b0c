/** The flags of the server itself: CoreDNS's (docs/coredns-behaviour.md §1). */
import { nearest } from '../corefile/nearest.ts'
import { plugins } from '../plugins/index.ts'
import { parseMemoryLimit } from '../process-limits/index.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type LogFormat, logFormats } from '../telemetry/log-format.ts'
import { quoted } from '../telemetry/quoted.ts'
import { version } from '../version.ts'
import { type Command, type Exit, integerFlag, misuse, parseArgs } from './args.ts'
import { summaries } from './summaries.ts'

export interface ServeFlags {
  readonly kind: 'serve'
  /** Path of the Corefile, or `stdin`; undefined: ./Corefile, or the built-in one. */
  readonly conf: string | undefined
  /** The port of server block keys without one. */
  readonly port: number
  readonly pidfile: string | undefined
  /** Octets that the process may use; undefined: the limit of its cgroup. */
  readonly memoryLimit: number | undefined
  readonly quiet: boolean
  /** Ignore directives that slicedns does not have, if that changes no answer. */
  readonly lenientPlugins: boolean
  readonly logFormat: LogFormat
}

const command: Command = {
  usage: `slicedns [flags]
       slicedns COMMAND   (${Object.keys(summaries).join(', ')}: slicedns help)`,
  flags: {
    conf: { value: 'FILE', help: 'Corefile to load, or stdin (default "Corefile")' },
    'dns.port': { value: 'PORT', help: 'Default port (default 53)' },
    p: { value: 'PORT', help: 'Default port (default 53)', same: 'dns.port' },
    'lenient-plugins': { help: 'Leave out plugins that slicedns does not have, where that changes no answer' },
    'log-format': { value: 'FORMAT', help: 'Format of the log: text or json (default "text")' },
    'memory-limit': {
      value: 'QUANTITY',
      help: 'Memory that the process may use, such as 170Mi (default: its cgroup limit)',
    },
    pidfile: { value: 'FILE', help: 'Path to write the pid to' },
    plugins: { help: 'List the plugins' },
    quiet: { help: 'Quiet mode (no initialization output)' },
    version: { help: 'Show version' },
  },
}

/** Parses the server's command line. Exit: what to print instead of serving. */
export function parseServeFlags(args: readonly string[]): ServeFlags | Exit {
  const parsed = parseArgs(args, command)
  if (parsed.kind === 'exit') return parsed
  const { given, positional } = parsed
  if (positional.length > 0) {
    const meant = nearest(positional[0], Object.keys(summaries))
    const hint = meant === undefined ? '' : `: did you mean 'slicedns ${meant}'?`
    return { kind: 'exit', code: 1, text: `extra command line arguments: [${positional.join(' ')}]${hint}\n` }
  }
  const format = given.get('log-format') ?? 'text'
  const logFormat = logFormats.find((known) => known === format)
  if (logFormat === undefined)
    return { kind: 'exit', code: 1, text: `unknown log format ${quoted(format)}: expected text or json\n` }
  if (given.get('version') === 'true') return { kind: 'exit', code: 0, text: versionText() }
  if (given.get('plugins') === 'true') return { kind: 'exit', code: 0, text: pluginsText() }
  const port = integerFlag(parsed, 'dns.port', 0, 65_535)
  if (Number.isNaN(port))
    return misuse(command, `invalid value "${given.get('dns.port')}" for flag -dns.port: not a port`)
  const memoryText = given.get('memory-limit')
  let memoryLimit: number | undefined
  try {
    memoryLimit = memoryText === undefined ? undefined : parseMemoryLimit(memoryText)
  } catch (error) {
    return misuse(command, `-memory-limit: ${errorMessage(error)}`)
  }
  return {
    kind: 'serve',
    conf: given.get('conf'),
    port: port ?? 53,
    pidfile: given.get('pidfile'),
    memoryLimit,
    quiet: given.get('quiet') === 'true',
    lenientPlugins: given.get('lenient-plugins') === 'true',
    logFormat,
  }
}

function versionText(): string {
  return `slicedns-${version}\n${process.platform}/${process.arch}, node ${process.version}\n`
}

function pluginsText(): string {
  const names = plugins.map(({ name }) => `${name}\n`).sort()
  return names.join('')
}
