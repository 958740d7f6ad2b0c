/** `slicedns explain`: asks a running slicedns process why it answers as it does. */
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { get as getTls } from 'node:https'
import type { Socket } from 'node:net'
import { connectLocally, listeningPids } from '../local-socket/index.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type Command, type Io, misuse, parseArgs, printExit } from './args.ts'
import { table } from './show.ts'

const command: Command = {
  usage: 'slicedns explain NAME [TYPE] [--server URL | --pid PID | --pidfile FILE]',
  mixed: true,
  flags: {
    server: { value: 'URL', help: 'Ask the console plugin at this URL, such as http://localhost:8053' },
    pid: { value: 'PID', help: 'Ask this local process (default: the only running slicedns)' },
    pidfile: { value: 'FILE', help: 'Ask the local process whose pid is in this file' },
    json: { help: 'Print the explanation as JSON' },
  },
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
}

/** The process to ask: behind a local socket, or behind a URL. */
type Target = { readonly pid: number; readonly shown: string } | { readonly url: URL; readonly shown: string }

/** Exit code 0: explained; 1: no process explained; 2: the command line is invalid. */
export async function run(args: string[], io: Io): Promise<number> {
  const parsed = parseArgs(args, command)
  if (parsed.kind === 'exit') return printExit(parsed, io)
  const [name, type, ...surplus] = parsed.positional
  if (name === undefined) return printExit(misuse(command, 'NAME is missing'), io)
  if (surplus.length > 0) return printExit(misuse(command, `unexpected argument '${surplus[0]}'`), io)
  try {
    const target = findTarget(parsed.given)
    const explanations = await fetchExplanations(target, name, type ?? 'A')
    if (parsed.given.get('json') === 'true') io.stdout.write(`${JSON.stringify(explanations, undefined, 2)}\n`)
    else io.stdout.write(explanations.map(explanationText).join('\n'))
    return 0
  } catch (error) {
    io.stderr.write(`${errorMessage(error)}\n`)
    return 1
  }
}

function findTarget(given: ReadonlyMap<string, string>): Target {
  const server = given.get('server')
  if (server !== undefined) {
    const text = /^https?:\/\//.test(server) ? server : `http://${server}`
    if (!URL.canParse(text)) throw new Error(`invalid URL '${server}': use --server http://localhost:8053`)
    return { url: new URL(text), shown: server }
  }
  const pidfile = given.get('pidfile')
  const pid = given.get('pid') ?? (pidfile === undefined ? onlyPid() : readFileSync(pidfile, 'utf8').trim())
  if (!/^\d+$/.test(pid)) throw new Error(`invalid pid '${pid}'`)
  return { pid: Number(pid), shown: `pid ${pid}` }
}

function onlyPid(): string {
  const pids = listeningPids()
  if (pids.length === 1) return String(pids[0])
  if (pids.length === 0)
    throw new Error('no slicedns process runs on this machine: use --server URL for another machine')
  throw new Error(`several slicedns processes run on this machine: choose one with --pid: ${pids.join(', ')}`)
}

async function fetchExplanations(target: Target, name: string, type: string): Promise<Explanation[]> {
  const query = new URLSearchParams({ name, type })
  const { status, body } = await fetchText(target, `/explain?${query}`)
  let content: unknown
  try {
    content = JSON.parse(body)
  } catch {
    throw new Error(`${target.shown} is not slicedns: it answered ${status} without an explanation`)
  }
  const message = (content as { error?: unknown } | null)?.error
  if (status !== 200) throw new Error(typeof message === 'string' ? message : `${target.shown} answered ${status}`)
  const explanations = (Array.isArray(content) ? content : [content]) as Explanation[]
  if (!explanations.every(isExplanation)) throw new Error(`${target.shown} runs another version of slicedns`)
  return explanations
}

function isExplanation(value: unknown): value is Explanation {
  const { name, steps, answer } = (value ?? {}) as Partial<Explanation>
  return typeof name === 'string' && Array.isArray(steps) && Array.isArray(answer)
}

/** Milliseconds. The server runs the plugin chain for it, which may wait for an upstream. */
const timeout = 10_000

async function fetchText(target: Target, path: string): Promise<{ status: number; body: string }> {
  const socket = 'pid' in target ? await connectLocally(target.pid) : undefined
  return new Promise((resolve, reject) => {
    const fail = (error: { code?: string; message: string }) => reject(new Error(failureText(target, error)))
    const settings = { timeout }
    const request =
      'url' in target
        ? (target.url.protocol === 'https:' ? getTls : get)(new URL(path, target.url), { ...settings, agent: false })
        : get({ ...settings, createConnection: () => socket as Socket, path, host: 'localhost' })
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

function failureText(target: Target, { code, message }: { code?: string; message: string }): string {
  if (code === 'ECONNREFUSED' || code === 'ENOENT')
    return `nothing listens at ${target.shown}: is the console plugin in its Corefile?`
  if ('pid' in target && code === 'ECONNRESET')
    return `${target.shown} refuses: slicedns explain needs the user that the server runs as, or root`
  return `cannot ask ${target.shown}: ${message}`
}

/** One listener's explanation: the server block, each plugin's lines, and the answer. */
function explanationText(explanation: Explanation): string {
  const { name, type, listener, zone, path, reason, notRelayed, steps, rcode } = explanation
  const block = zone === '' ? 'no server block matches' : `server block of zone ${zone}`
  const lines = [`${name} ${type} at ${listener}: ${block}`]
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
    .map((section) => `${section}:\n${explanation[section].map((record) => `  ${record}\n`).join('')}`)
  return `${lines.join('\n')}\n${table(rows)}${rcode}\n${sections.join('')}`
}
