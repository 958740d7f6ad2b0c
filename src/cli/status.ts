/** `slicedns status`: the local server at a glance, and whether it is healthy. */
import type { ConsoleState, ServerStatus } from '../console/state.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type Command, type Io, jsonFlags, misuse, parseArgs, printExit, wantsJson } from './args.ts'
import { duration, elapsed, mebibytes, percent, rate } from './figures.ts'
import { findings, type HealthFinding } from './health.ts'
import { fetchState, fetchStatus, findRunningServer, listenerText, runningServerFlags } from './running-server.ts'
import { table } from './show.ts'

const command: Command = {
  usage: 'slicedns status [--server URL | --pid PID | --pidfile FILE] [--json]',
  mixed: true,
  flags: { ...runningServerFlags, ...jsonFlags('Print the status as JSON') },
  examples: ['slicedns status', 'kubectl -n kube-system exec deploy/slicedns -- slicedns status'],
}

/** Exit code 0: healthy, possibly with warnings; 1: not healthy, or not reachable; 2: invalid command line. */
export async function run(args: string[], io: Io): Promise<number> {
  const parsed = parseArgs(args, command)
  if (parsed.kind === 'exit') return printExit(parsed, io)
  if (parsed.positional.length > 0)
    return printExit(misuse(command, `unexpected argument '${parsed.positional[0]}'`), io)
  try {
    const target = await findRunningServer(parsed.given)
    const [status, state] = await Promise.all([fetchStatus(target), fetchState(target)])
    const found = findings(state)
    const healthy = found.every(({ severity }) => severity === 'warning')
    const { api } = state
    const { memory, lastReload, host } = state.server
    const report = { healthy, findings: found, ...status, host, memory, lastReload, api }
    io.stdout.write(
      wantsJson(parsed) ? `${JSON.stringify(report, undefined, 2)}\n` : text(status, state, found, healthy),
    )
    return healthy ? 0 : 1
  } catch (error) {
    io.stderr.write(`${errorMessage(error)}\n`)
    return 1
  }
}

/** Only an API server sends events; files are read at once. */
function watchText({ synced, age }: { readonly synced: boolean; readonly age: number }, endpoint: string): string {
  if (!synced) return ', not read yet'
  return /^https?:/.test(endpoint) ? `, last event ${elapsed(age)} ago` : ''
}

/** Empty without queries in the last minute. */
function latencyText({ p50, p99 }: ConsoleState['traffic']['latency']): string {
  return p99 === 0 ? '' : `, p50 ${duration(p50)}, p99 ${duration(p99)} in the last minute`
}

function text(status: ServerStatus, state: ConsoleState, found: readonly HealthFinding[], healthy: boolean): string {
  const { version, pid, uptime, corefile, configHash, ready, unready, listeners, sources } = status
  const { server, traffic, services, time } = state
  const { memory, lastReload, host } = server
  const limit =
    memory.limit === undefined ? '' : ` of ${mebibytes(memory.limit)} (${percent(memory.resident / memory.limit)})`
  const reloaded = lastReload
    ? `, reload ${elapsed((time - lastReload.time) / 1000)} ago ${lastReload.ok ? 'succeeded' : 'failed'}`
    : ''
  const empty = services.list.filter((service) => service.ready === 0 && service.type !== 'ExternalName').length
  const rows = [
    ['healthy', healthy ? 'yes' : 'no'],
    ...found.flatMap(({ severity, what, advice }) => [
      ['', `${severity}: ${what}`],
      ['', `  to do: ${advice}`],
    ]),
    ['ready', ready ? 'yes' : `no: ${unready.join(', ')}`],
    ['process', `slicedns-${version}, pid ${pid}, up ${elapsed(uptime)}`],
    ['host', `${host}, memory ${mebibytes(memory.resident)}${limit}`],
    ['Corefile', `${corefile}, SHA-512 ${configHash.slice(0, 16)}…${reloaded}`],
    ...listeners.map((listener) => ['listens', `${listenerText(listener)} for ${listener.zones.join(' ')}`]),
    ...state.api.flatMap(({ plugin, endpoint, connected, watches }) => [
      [plugin, `${endpoint}, ${connected ? 'connected' : 'not connected'}`],
      ...watches.map(({ resource, objects, synced, age }) => [
        '',
        `${resource}: ${objects}${watchText({ synced, age }, endpoint)}`,
      ]),
    ]),
    ...sources.map(({ plugin, zones }) => ['table', `${plugin}: ${zones.join(' ')}`]),
    ...(services.total > 0 ? [['services', `${services.total}, ${empty} without a ready endpoint`]] : []),
    ['queries', `${rate(traffic.queries)}${latencyText(traffic.latency)}`],
  ]
  return table(rows)
}
