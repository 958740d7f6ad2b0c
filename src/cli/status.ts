/** `slicedns status`: the server that runs here on one screen. */
import { errorMessage } from '../telemetry/error-text.ts'
import { type Command, type Io, jsonFlags, misuse, parseArgs, printExit, wantsJson } from './args.ts'
import { elapsed } from './figures.ts'
import {
  fetchStatus,
  findRunningServer,
  listenerText,
  runningServerFlags,
  type ServerStatus,
} from './running-server.ts'
import { table } from './show.ts'

const command: Command = {
  usage: 'slicedns status [--server URL | --pid PID | --pidfile FILE] [--json]',
  mixed: true,
  flags: { ...runningServerFlags, ...jsonFlags('Print the status as JSON') },
  examples: ['slicedns status', 'kubectl -n kube-system exec deploy/slicedns -- slicedns status'],
}

/** Exit code 0: healthy; 1: not ready, or not reached; 2: the command line is invalid. */
export async function run(args: string[], io: Io): Promise<number> {
  const parsed = parseArgs(args, command)
  if (parsed.kind === 'exit') return printExit(parsed, io)
  if (parsed.positional.length > 0)
    return printExit(misuse(command, `unexpected argument '${parsed.positional[0]}'`), io)
  try {
    const status = await fetchStatus(await findRunningServer(parsed.given))
    io.stdout.write(wantsJson(parsed) ? `${JSON.stringify(status, undefined, 2)}\n` : text(status))
    return status.ready ? 0 : 1
  } catch (error) {
    io.stderr.write(`${errorMessage(error)}\n`)
    return 1
  }
}

function text({
  version,
  pid,
  uptime,
  corefile,
  configHash,
  ready,
  unready,
  listeners,
  sources,
}: ServerStatus): string {
  const rows = [
    ['ready', ready ? 'yes' : `no: ${unready.join(', ')}`],
    ['process', `slicedns-${version}, pid ${pid}, up ${elapsed(uptime)}`],
    ['Corefile', `${corefile}, SHA-512 ${configHash.slice(0, 16)}…`],
    ...listeners.map((listener) => ['listens', `${listenerText(listener)} for ${listener.zones.join(' ')}`]),
    ...sources.map(({ plugin, zones }) => ['table', `${plugin}: ${zones.join(' ')}`]),
  ]
  return table(rows)
}
