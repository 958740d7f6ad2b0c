/** What a running server can be asked about itself, and the HTTP in which it is asked: by a local socket, and by `console`. */
import { NameError } from '../dns/name.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { HttpReply } from '../telemetry/http/message.ts'
import type { ConsoleState, EndpointState } from './state.ts'

/** Objects are JSON as they stand. All but `attend` throw while the server has not started. */
export interface Inspection {
  /** Throws NameError or RangeError on a bad name or type. */
  explain(name: string, type: string): Promise<object>
  status(): object
  /** Made once a second at most. Resolves half a second later where nothing has been counted yet: rates need two looks. */
  state(): Promise<ConsoleState>
  /** The endpoints of a service; undefined: there is no such service. */
  service(namespace: string, name: string): readonly EndpointState[] | undefined
  /** Queries are counted for `state` from now on; without it, from the first call of `state` until a minute after the last. */
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
