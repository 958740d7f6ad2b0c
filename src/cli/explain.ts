/** `slicedns explain`: asks a running slicedns process for the reasons of an answer. */
import type { LastReload } from '../console/state.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type Command, type Io, jsonFlags, misuse, parseArgs, printExit, wantsJson } from './args.ts'
import { printableLine } from './output.ts'
import {
  fetchJson,
  fetchStatus,
  findRunningServer,
  otherVersion,
  type RunningServer,
  runningServerFlags,
} from './running-server.ts'
import { searchNames } from './search-path.ts'
import { table } from './show.ts'

const command: Command = {
  usage: 'slicedns explain NAME [TYPE] [-n NAMESPACE] [--server URL | --pid PID | --pidfile FILE] [--json]',
  mixed: true,
  flags: {
    n: { value: 'NAMESPACE', help: 'Try the search path of a pod in this namespace, as its resolver does' },
    ...runningServerFlags,
    ...jsonFlags('Print the explanation as JSON'),
  },
  examples: [
    'slicedns explain shop.team-a.svc.cluster.local',
    'slicedns explain shop -n team-a',
    'slicedns explain _http._tcp.shop.team-a.svc.cluster.local SRV --json',
    'kubectl -n kube-system exec deploy/slicedns -- slicedns explain shop -n team-a',
  ],
}

/** The server's explanation for one of its listeners (src/server/explain.ts). */
interface Explanation {
  readonly name: string
  readonly type: string
  readonly listener: string
  readonly zone: string
  readonly path: string
  readonly reason: string
  readonly notRelayed: string
  readonly steps: readonly { readonly plugin: string; readonly lines: readonly string[] }[]
  readonly rcode: string
  readonly answer: readonly string[]
  readonly authority: readonly string[]
  readonly additional: readonly string[]
  /** Absent: no reload has failed since the running Corefile was loaded. */
  readonly lastReload?: LastReload
}

/** Maximum records of a section in the text output: a Service may have thousands. */
const recordsShown = 100

/** The names tried until one had records, and the explanations of the name that is shown. */
interface Found {
  readonly tried: readonly string[]
  readonly explanations: readonly Explanation[]
}

/** Exit code 0: explained; 1: no process explained; 2: invalid command line. */
export async function run(args: string[], io: Io): Promise<number> {
  const parsed = parseArgs(args, command)
  if (parsed.kind === 'exit') return printExit(parsed, io)
  const [name, type = 'A', ...surplus] = parsed.positional
  if (name === undefined) return printExit(misuse(command, 'NAME is missing'), io)
  if (surplus.length > 0) return printExit(misuse(command, `unexpected argument '${surplus[0]}'`), io)
  const namespace = parsed.given.get('n')
  try {
    const target = await findRunningServer(parsed.given)
    const { tried, explanations } =
      namespace === undefined
        ? { tried: [], explanations: await fetchExplanations(target, name, type) }
        : await searched(target, searchNames(name, namespace, await clusterZone(target)), type)
    if (wantsJson(parsed)) io.stdout.write(`${JSON.stringify(explanations, undefined, 2)}\n`)
    else io.stdout.write([...tried, explanationTexts(explanations).join('\n')].join(''))
    return 0
  } catch (error) {
    io.stderr.write(`${errorMessage(error)}\n`)
    return 1
  }
}

/** The first name that has records; if none has, the first name. */
async function searched(target: RunningServer, names: readonly string[], type: string): Promise<Found> {
  const tried: string[] = []
  let first: readonly Explanation[] | undefined
  for (const name of names) {
    const explanations = await fetchExplanations(target, name, type)
    first ??= explanations
    if (explanations.some(({ answer }) => answer.length > 0)) return { tried, explanations }
    tried.push(`${name} ${type}: ${outcomes(explanations)}\n`)
  }
  return {
    tried: [...tried, 'no name of the search path has records; the first of them:\n'],
    explanations: first ?? [],
  }
}

const outcomes = (explanations: readonly Explanation[]): string =>
  [...new Set(explanations.map(({ rcode }) => (rcode === 'NOERROR' ? 'no records (NODATA)' : rcode)))].join(', ')

/** The zone of the served cluster. */
async function clusterZone(target: RunningServer): Promise<string> {
  const { sources } = await fetchStatus(target)
  const zones = sources.flatMap(({ plugin, zones }) => (plugin === 'kubernetes' ? zones : []))
  const zone = zones.find((each) => !each.endsWith('.arpa.'))
  if (zone === undefined) throw new Error(`${target.shown} serves no cluster: its Corefile has no kubernetes`)
  return zone
}

async function fetchExplanations(target: RunningServer, name: string, type: string): Promise<Explanation[]> {
  const content = await fetchJson(target, `/explain?${new URLSearchParams({ name, type })}`)
  const explanations = (Array.isArray(content) ? content : [content]) as Explanation[]
  if (!explanations.every(isExplanation)) throw otherVersion(target)
  return explanations
}

function isExplanation(value: unknown): value is Explanation {
  const { name, steps, answer } = (value ?? {}) as Partial<Explanation>
  return typeof name === 'string' && Array.isArray(steps) && Array.isArray(answer)
}

/** Combines listeners with equal explanations. The order of an answer's records is ignored, because it is random. */
function explanationTexts(explanations: readonly Explanation[]): string[] {
  const said = Map.groupBy(explanations, ({ listener: _, answer, ...others }) =>
    JSON.stringify({ ...others, answer: answer.toSorted() }),
  )
  return [...said.values()].map((same) =>
    explanationText(
      same[0],
      same.map(({ listener }) => listener),
    ),
  )
}

/** The server block, the lines of each plugin, and the answer. */
function explanationText(explanation: Explanation, listeners: readonly string[]): string {
  const { name, type, zone, path, reason, notRelayed, steps, rcode, lastReload } = explanation
  const block = zone === '' ? 'no server block matches' : `server block of zone ${zone}`
  const lines = [`${name} ${type} at ${listeners.join(' and ')}: ${block}`]
  // An unexpected answer may be due to a Corefile that was changed but rejected.
  if (lastReload) lines.push(`by the previous configuration: ${rejection(lastReload)}`)
  if (path === 'table') lines.push('answered from the table')
  else if (path === 'relay')
    lines.push('relayed by a UDP thread; over TCP, and for unusual answers, answered by the chain')
  else lines.push(`answered by the chain${reason && `: ${reason}`}`)
  if (notRelayed) lines.push(`not relayed by the UDP threads: ${notRelayed}`)
  const rows = steps.flatMap(({ plugin, lines: said }) =>
    (said.length === 0 ? [''] : said).map((line, index) => [index === 0 ? `  ${plugin}` : '', line]),
  )
  const sections = (['answer', 'authority', 'additional'] as const)
    .filter((section) => explanation[section]?.length > 0)
    .map((section) => `${section}:\n${recordLines(explanation[section]).join('')}`)
  return `${lines.map(printableLine).join('\n')}\n${table(rows)}${printableLine(rcode)}\n${sections.join('')}`
}

function rejection({ time, since = time, error = 'see the log' }: LastReload): string {
  return `the Corefile has not been usable since ${new Date(since).toISOString()}: ${error}`
}

function recordLines(records: readonly string[]): string[] {
  const lines = records.slice(0, recordsShown).map((record) => `  ${printableLine(record)}\n`)
  if (records.length > recordsShown) lines.push(`  ${records.length - recordsShown} more (all of them: --json)\n`)
  return lines
}
