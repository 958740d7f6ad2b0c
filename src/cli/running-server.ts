/** The server process that a command asks: a local one through its socket, or one behind a URL. */
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { get as getTls } from 'node:https'
import type { Socket } from 'node:net'
import type { ConsoleState, ServerStatus } from '../console/state.ts'
import { connectLocally, listeningPids, serversOf } from '../local-socket/index.ts'
import { serverText } from './answer.ts'
import type { Flags } from './args.ts'

/** The process to ask. */
export type RunningServer =
  | { readonly pid: number; readonly shown: string }
  | { readonly url: URL; readonly shown: string }

export const runningServerFlags: Flags = {
  server: { value: 'URL', help: 'Ask the console plugin at this URL, such as http://localhost:8053' },
  pid: { value: 'PID', help: 'Ask this local process, or the one it started (default: the only running slicedns)' },
  pidfile: { value: 'FILE', help: 'Ask the local process whose pid is in this file' },
}

/** The process selected by the flags; without any, the only one that runs here. Rejects with an Error for people. */
export async function findRunningServer(given: ReadonlyMap<string, string>): Promise<RunningServer> {
  const server = given.get('server')
  if (server !== undefined) {
    const text = /^https?:\/\//.test(server) ? server : `http://${server}`
    if (!URL.canParse(text)) throw new Error(`invalid URL '${server}': use --server http://localhost:8053`)
    return { url: new URL(text), shown: server }
  }
  const pidfile = given.get('pidfile')
  const pid = given.get('pid') ?? (pidfile === undefined ? undefined : readFileSync(pidfile, 'utf8').trim())
  if (pid === undefined) return onlyServer()
  if (!/^\d+$/.test(pid)) throw new Error(`invalid pid '${pid}'`)
  const [first, ...others] = serversOf(Number(pid))
  if (others.length > 0)
    throw new Error(severalText(`process ${pid} started several servers`, await statusesOf([first, ...others])))
  return byPid(first)
}

const byPid = (pid: number): RunningServer => ({ pid, shown: `pid ${pid}` })

async function onlyServer(): Promise<RunningServer> {
  const found = await localServers()
  if (found.length === 1) return byPid(found[0].pid)
  if (found.length === 0)
    throw new Error('no slicedns process runs on this machine: use --server URL for another machine')
  throw new Error(severalText('several slicedns processes run on this machine', found))
}

const severalText = (what: string, found: readonly LocalServer[]): string => {
  const list = found.map(
    ({ pid, status }) => `  ${pid}  ${status ? statusLine(status) : 'does not say what it serves'}\n`,
  )
  return `${what}: choose one with --pid:\n${list.join('').trimEnd()}`
}

/** The server's Corefile and listeners, in one line. */
const statusLine = ({ corefile, listeners }: ServerStatus): string =>
  `${corefile}, ${listeners.map(listenerText).join(' ')}`

/** `dns://127.0.0.1:53`, `dns://[::1]:53`, `dns://:53`. */
export const listenerText = ({ scheme, address, port }: ServerStatus['listeners'][number]): string =>
  `${scheme}://${serverText({ address, port })}`

/** The servers of this machine, with the status of those that this user may ask. */
export const localServers = (): Promise<LocalServer[]> => statusesOf(listeningPids())

interface LocalServer {
  readonly pid: number
  readonly status: ServerStatus | undefined
}

function statusesOf(pids: readonly number[]): Promise<LocalServer[]> {
  return Promise.all(
    pids.map(async (pid) => ({
      pid,
      status: await fetchStatus(byPid(pid), statusTimeout).catch(() => undefined),
    })),
  )
}

export async function fetchStatus(target: RunningServer, timeout: number = defaultTimeout): Promise<ServerStatus> {
  const content = (await fetchJson(target, '/status', timeout)) as Partial<ServerStatus> | null
  if (!Array.isArray(content?.listeners) || !Array.isArray(content.sources)) throw otherVersion(target)
  return content as ServerStatus
}

/** The server's figures, as in the console. */
export async function fetchState(target: RunningServer): Promise<ConsoleState> {
  const content = (await fetchJson(target, '/state', stateTimeout)) as Partial<ConsoleState> | null
  const { server, api, traffic, top, services, problems, upstreams } = content ?? {}
  if (!server || !api || !traffic || !top || !services || !problems || !upstreams) throw otherVersion(target)
  return content as ConsoleState
}

export const otherVersion = ({ shown }: RunningServer): Error => new Error(`${shown} runs another version of slicedns`)

/** The response for a path. Rejects with an Error for people, also for an error response. */
export async function fetchJson(
  target: RunningServer,
  path: string,
  timeout: number = defaultTimeout,
): Promise<unknown> {
  const { status, body } = await fetchText(target, path, timeout)
  let content: unknown
  try {
    content = JSON.parse(body)
  } catch {
    throw new Error(`${target.shown} is not slicedns: it answered ${status} without an explanation`)
  }
  const message = (content as { error?: unknown } | null)?.error
  if (status !== 200) throw new Error(typeof message === 'string' ? message : `${target.shown} answered ${status}`)
  return content
}

/** Milliseconds. For an explanation the server runs the plugin chain, which may wait for an upstream. */
const defaultTimeout = 10_000
/** A working server has its status at once: a command that looks for servers does not wait for one that hangs. */
const statusTimeout = 2_000
/** The first state takes half a second to compute. */
const stateTimeout = 5_000

async function fetchText(
  target: RunningServer,
  path: string,
  timeout: number,
): Promise<{ status: number; body: string }> {
  const socket = 'pid' in target ? await connectLocally(target.pid) : undefined
  return new Promise((resolve, reject) => {
    const fail = (error: { code?: string; message: string }) => reject(new Error(failureText(target, error)))
    const settings = { timeout: timeout }
    // Node.js applies `timeout` only to connections that it opens itself.
    socket?.setTimeout(timeout)
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

function failureText(target: RunningServer, { code, message }: { code?: string; message: string }): string {
  if (code === 'ECONNREFUSED' || code === 'ENOENT')
    return `nothing listens at ${target.shown}: is the console plugin in its Corefile?`
  if ('pid' in target && code === 'ECONNRESET')
    return `${target.shown} refuses: slicedns needs the user that the server runs as, or root`
  return `cannot ask ${target.shown}: ${message}`
}
