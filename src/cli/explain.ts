/** `slicedns explain`: asks a running slicedns why it answers as it does. */
import { readdirSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import { get as getTls } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, type Io, misuse, parseArgs, printExit } from './args.ts'
import { table } from './show.ts'

const command: Command = {
  usage: 'slicedns explain NAME [TYPE] [--server URL | --pid PID | --pidfile FILE]',
  mixed: true,
  flags: {
    server: { value: 'URL', help: 'Ask the console plugin there, as http://localhost:8053' },
    pid: { value: 'PID', help: 'Ask this process of this machine (default: the only slicedns that runs)' },
    pidfile: { value: 'FILE', help: 'Ask the process whose pid is in this file' },
    json: { help: 'Print what the server said as JSON' },
  },
}

/** What the server tells for one of its listeners (src/server/explain.ts). */
interface Explanation {
  readonly name: string
  readonly type: string
  readonly listener: string
  readonly zone: string
  readonly path: string
  readonly reason: string
  readonly steps: readonly { readonly plugin: string; readonly lines: readonly string[] }[]
  readonly rcode: string
  readonly answer: readonly string[]
  readonly authority: readonly string[]
  readonly additional: readonly string[]
}

/** Where to ask: a socket of this machine, or a URL. */
type Place = { readonly socketPath: string; readonly shown: string } | { readonly url: URL; readonly shown: string }

/** Exit code 0: explained; 1: nobody there to explain; 2: the command line is wrong. */
export async function run(args: string[], io: Io): Promise<number> {
  const parsed = parseArgs(args, command)
  if (parsed.kind === 'exit') return printExit(parsed, io)
  const [name, type, ...surplus] = parsed.positional
  if (name === undefined) return printExit(misuse(command, 'which NAME?'), io)
  if (surplus.length > 0) return printExit(misuse(command, `unexpected argument '${surplus[0]}'`), io)
  try {
    const place = findPlace(parsed.given)
    const explanations = await fetchExplanations(place, name, type ?? 'A')
    if (parsed.given.get('json') === 'true') io.stdout.write(`${JSON.stringify(explanations, undefined, 2)}\n`)
    else io.stdout.write(explanations.map(explanationText).join('\n'))
    return 0
  } catch (error) {
    io.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 1
  }
}

function findPlace(given: ReadonlyMap<string, string>): Place {
  const server = given.get('server')
  if (server !== undefined) {
    const text = /^https?:\/\//.test(server) ? server : `http://${server}`
    if (!URL.canParse(text)) throw new Error(`'${server}' is not a URL: --server http://localhost:8053`)
    return { url: new URL(text), shown: server }
  }
  const pidfile = given.get('pidfile')
  const pid = given.get('pid') ?? (pidfile === undefined ? onlyPid() : readFileSync(pidfile, 'utf8').trim())
  if (!/^\d+$/.test(pid)) throw new Error(`'${pid}' is not a pid`)
  return { socketPath: socketPath(pid), shown: `process ${pid}` }
}

/** Linux has abstract sockets, which need no file; elsewhere it is a file in the temporary folder. */
function socketPath(pid: string): string {
  return process.platform === 'linux' ? `\0slicedns-${pid}` : join(tmpdir(), `slicedns-${pid}.sock`)
}

function onlyPid(): string {
  const pids = runningPids()
  if (pids.length === 1) return pids[0]
  if (pids.length === 0) throw new Error('no slicedns runs on this machine: name another with --server URL')
  throw new Error(`several slicedns run on this machine, choose one with --pid: ${pids.join(', ')}`)
}

function runningPids(): string[] {
  const names =
    process.platform === 'linux'
      ? readFileSync('/proc/net/unix', 'utf8').matchAll(/@slicedns-(\d+)$/gm)
      : readdirSync(tmpdir()).flatMap((entry) => [...entry.matchAll(/^slicedns-(\d+)\.sock$/g)])
  return [...new Set(Array.from(names, ([, pid]) => pid))]
}

async function fetchExplanations(place: Place, name: string, type: string): Promise<Explanation[]> {
  const query = new URLSearchParams({ name, type })
  const { status, body } = await fetchText(place, `/explain?${query}`)
  let content: unknown
  try {
    content = JSON.parse(body)
  } catch {
    throw new Error(`${place.shown} is no slicedns: it answered ${status} with something else than an explanation`)
  }
  const told = (content as { error?: unknown } | null)?.error
  if (status !== 200) throw new Error(typeof told === 'string' ? told : `${place.shown} answered ${status}`)
  const explanations = (Array.isArray(content) ? content : [content]) as Explanation[]
  if (!explanations.every(isExplanation)) throw new Error(`${place.shown} speaks another version of slicedns`)
  return explanations
}

function isExplanation(value: unknown): value is Explanation {
  const { name, steps, answer } = (value ?? {}) as Partial<Explanation>
  return typeof name === 'string' && Array.isArray(steps) && Array.isArray(answer)
}

/** Milliseconds. An explanation runs the chain, which may wait for an upstream. */
const timeout = 10_000

function fetchText(place: Place, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (error: { code?: string; message: string }) => reject(new Error(failureText(place, error)))
    const settings = { timeout, agent: false as const }
    const target = 'url' in place ? new URL(path, place.url) : undefined
    const fetch = target?.protocol === 'https:' ? getTls : get
    const request = target
      ? fetch(target, settings)
      : get({ ...settings, socketPath: (place as { socketPath: string }).socketPath, path, host: 'localhost' })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeout / 1000} s`)))
    request.on('error', fail)
    request.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
      })
      response.on('error', fail)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
  })
}

function failureText(place: Place, { code, message }: { code?: string; message: string }): string {
  if (code === 'ECONNREFUSED' || code === 'ENOENT')
    return 'url' in place
      ? `nothing listens at ${place.shown}: is the console plugin in its Corefile?`
      : `${place.shown} is no slicedns, or has just ended`
  return `cannot ask ${place.shown}: ${message}`
}

/** One listener's explanation: what takes the query, what each plugin says, and what comes out. */
function explanationText(explanation: Explanation): string {
  const { name, type, listener, zone, path, reason, steps, rcode } = explanation
  const block = zone === '' ? 'no server block takes it' : `server block of zone ${zone}`
  const lines = [`${name} ${type} at ${listener}: ${block}`]
  lines.push(path === 'table' ? 'answered from the table' : `answered by the chain${reason && `: ${reason}`}`)
  const rows = steps.flatMap(({ plugin, lines: told }) =>
    (told.length === 0 ? [''] : told).map((line, index) => [index === 0 ? `  ${plugin}` : '', line]),
  )
  const sections = (['answer', 'authority', 'additional'] as const)
    .filter((section) => explanation[section]?.length > 0)
    .map((section) => `${section}:\n${explanation[section].map((record) => `  ${record}\n`).join('')}`)
  return `${lines.join('\n')}\n${table(rows)}${rcode}\n${sections.join('')}`
}
