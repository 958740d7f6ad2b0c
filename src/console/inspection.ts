/** The questions that a running server answers about itself, and their HTTP interface for the local socket and `console`. */
import { NameError } from '../dns/name.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { HttpReply } from '../telemetry/http/message.ts'
import type { ConsoleState, EndpointState } from './state.ts'

/** Objects are sent as JSON unchanged. All functions but `attend` throw before the server has started. */
export interface Inspection {
  /** Throws NameError or RangeError for an invalid name or type. */
  explain(name: string, type: string): Promise<object>
  status(): object
  /** Computed at most once a second. Takes half a second if nothing was being counted: rates need two samples. */
  state(): Promise<ConsoleState>
  /** The endpoints of a service; undefined if the service does not exist. */
  service(namespace: string, name: string): readonly EndpointState[] | undefined
  /** Keeps counting for `state` until released; otherwise counting lasts from a call of `state` until a minute after the last. */
  attend(): { release(): void }
}

type Route = (inspection: Inspection, parameters: URLSearchParams) => HttpReply | Promise<HttpReply>

/** By path. */
const routes: Readonly<Record<string, Route>> = {
  '/status': (inspection) => jsonReply(200, inspection.status()),
  '/state': async (inspection) => jsonReply(200, await inspection.state()),
  '/explain': async (inspection, parameters) =>
    jsonReply(200, await inspection.explain(parameters.get('name') ?? '', parameters.get('type') ?? 'A')),
  '/service': (inspection, parameters) => {
    const [namespace, name] = [parameters.get('namespace') ?? '', parameters.get('name') ?? '']
    const endpoints = inspection.service(namespace, name)
    return endpoints ? jsonReply(200, endpoints) : jsonReply(404, { error: `there is no Service ${namespace}/${name}` })
  },
}

export const inspectionPaths: readonly string[] = Object.keys(routes)

/** The reply to a request for this target. */
export async function inspect(inspection: Inspection, target: string): Promise<HttpReply> {
  const url = URL.parse(target, 'http://localhost')
  const route = url && Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined
  if (!url || !route) return jsonReply(404, { error: `only ${inspectionPaths.join(', ')} are here` })
  try {
    return await route(inspection, url.searchParams)
  } catch (error) {
    const isBad = error instanceof NameError || error instanceof RangeError
    return jsonReply(isBad ? 400 : 500, { error: errorMessage(error) })
  }
}

function jsonReply(status: number, content: unknown): HttpReply {
  const body = Buffer.from(`${JSON.stringify(content, undefined, 2)}\n`)
  return { status, headers: { 'content-type': 'application/json' }, body, close: true }
}
