/** Requests to an API server as a test makes them: JSON over HTTPS with a token, and watches. */
import type { IncomingMessage } from 'node:http'
import { type Agent, request as httpsRequest } from 'node:https'

/** What a test needs of a request's outcome: the object, as JSON has it. */
// biome-ignore lint/suspicious/noExplicitAny: Kubernetes objects, reached into by path
export type ApiObject = Record<string, any>

export interface Reply {
  readonly status: number
  readonly body: ApiObject
}

export interface WatchEvent {
  readonly type: string
  readonly object: ApiObject
}

export interface Watch {
  /** Resolves to the time (performance.now) of the first event from now on that satisfies `wanted`. */
  next(wanted: (event: WatchEvent) => boolean): Promise<number>
  /** Calls `take` with each event from now on. */
  each(take: (event: WatchEvent) => void): void
  close(): void
}

export interface Sending {
  readonly url: string
  readonly method: string
  readonly token: string
  readonly agent: Agent
  readonly ca: Buffer
  readonly body: object | undefined
}

/** Milliseconds without an octet. A server that is starting may take a connection, and never answer on it. */
const patience = 20_000

/** JSON is YAML, so an object can be applied as it is. */
const contentTypes: Readonly<Record<string, string>> = {
  PATCH: 'application/merge-patch+json',
  APPLY: 'application/apply-patch+yaml',
}

export function sendRequest({ url, method, token, agent, ca, body }: Sending): Promise<Reply> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': contentTypes[method] ?? 'application/json' }
  return new Promise((resolve, reject) => {
    const verb = method === 'APPLY' ? 'PATCH' : method
    const outgoing = httpsRequest(url, { method: verb, headers, agent, ca }, async (response) => {
      try {
        const text = await readAll(response)
        resolve({ status: response.statusCode!, body: text.startsWith('{') ? JSON.parse(text) : { message: text } })
      } catch (error) {
        reject(error)
      }
    })
    outgoing.setTimeout(patience, () => outgoing.destroy(new Error(`${method} ${url} has no answer`)))
    outgoing.on('error', reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

export function openWatch(url: string, token: string, ca: Buffer): Promise<Watch> {
  const listeners = new Set<(event: WatchEvent, at: number) => void>()
  const address = `${url}${url.includes('?') ? '&' : '?'}watch=1`
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      address,
      { headers: { authorization: `Bearer ${token}` }, ca, agent: false },
      (response) => {
        let rest = ''
        response.on('data', (chunk: Buffer) => {
          const at = performance.now()
          const lines = (rest + chunk).split('\n')
          rest = lines.pop()!
          for (const line of lines) for (const listener of listeners) listener(JSON.parse(line), at)
        })
        response.on('error', () => {})
        resolve({
          next: (wanted) =>
            new Promise((found) => {
              const listener = (event: WatchEvent, at: number) => {
                if (!wanted(event)) return
                listeners.delete(listener)
                found(at)
              }
              listeners.add(listener)
            }),
          each: (take) => void listeners.add(take),
          close: () => outgoing.destroy(),
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}
