/** Requests of the test API server: lists, pages, watches and streamed lists. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { encodeFrame, encodeList, encodeObject, encodeUnknown, hasProtobuf, type KubeObject } from './encode.ts'
import type { ApiRequest, FaultResponse, Faults } from './faults.ts'
import { type Change, matcher, type ResourceFacts, type Store, seenThrough, served } from './store.ts'

export interface HandlerOptions {
  readonly store: Store
  readonly faults: Faults
  readonly undefinedResources: ReadonlySet<string>
  readonly protobuf: boolean
  readonly streaming: boolean
  /** Whether its token or its certificate is good, where any is wanted. */
  readonly isAuthorized: (request: IncomingMessage) => boolean
}

export interface Handler {
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Sends a change of the store to the watches that see it. */
  changed(change: Change): void
  /** Sends an event to the open watches of a resource, whatever the store says. */
  event(plural: string, type: string, object: KubeObject): void
  /** Sends octets to the open watches of a resource. */
  bytes(plural: string, octets: Buffer): void
  /** Sends the bookmark that a real server sends every minute. */
  bookmark(): void
  /** Ends the open watches of a resource, or all, in good order. */
  endWatches(plural?: string): void
  /** Open watches of a resource. */
  watches(plural: string): number
  status(code: number, reason: string, message?: string, causes?: readonly string[]): KubeObject
  forgetWatches(): void
}

interface Watch {
  readonly facts: ResourceFacts
  readonly response: ServerResponse
  readonly protobuf: boolean
  readonly matches: (object: KubeObject) => boolean
}

const protobufType = 'application/vnd.kubernetes.protobuf'

export function createHandler({ store, faults, undefinedResources, ...options }: HandlerOptions): Handler {
  const watches = new Set<Watch>()

  const status = (code: number, reason: string, message = '', causes: readonly string[] = []): KubeObject => ({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message: message || reason,
    details: { causes: causes.map((cause) => ({ reason: cause })) },
  })

  const answer = (
    response: ServerResponse,
    protobuf: boolean,
    object: KubeObject,
    headers: Readonly<Record<string, string>> = {},
  ): void => {
    response.writeHead(object.code, { 'content-type': protobuf ? protobufType : 'application/json', ...headers })
    response.end(protobuf ? encodeUnknown('v1', 'Status', encodeObject(object)) : JSON.stringify(object))
  }

  const send = ({ response, protobuf }: Watch, type: string, object: KubeObject): void => {
    if (response.destroyed) return
    response.write(protobuf ? encodeFrame(type, object) : `${JSON.stringify({ type, object })}\n`)
  }

  const marker = ({ facts }: Watch, version: number, ends: boolean): KubeObject => ({
    kind: facts.kind,
    apiVersion: facts.apiVersion,
    metadata: {
      resourceVersion: String(version),
      ...(ends && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
    },
  })

  const openWatch = (facts: ResourceFacts, query: URLSearchParams, protobuf: boolean, response: ServerResponse) => {
    const contentType = protobuf ? `${protobufType};stream=watch` : 'application/json'
    response.writeHead(200, { 'content-type': contentType })
    response.flushHeaders()
    const watch: Watch = { facts, response, protobuf, matches: matcher(query) }
    const from = Number(query.get('resourceVersion') ?? 0)
    if (query.get('sendInitialEvents') === 'true') {
      for (const object of store.list(facts.kind).filter(watch.matches)) send(watch, 'ADDED', object)
      send(watch, 'BOOKMARK', marker(watch, store.version, true))
    } else if (from < store.compacted) {
      // As the real one: 200, and the refusal as an event.
      send(watch, 'ERROR', status(410, 'Expired', `too old resource version: ${from} (${store.compacted})`))
      response.end()
      return
    } else {
      for (const change of store.since(facts.kind, from)) {
        const seen = seenThrough(watch.matches, change)
        if (seen !== undefined) send(watch, seen.type, seen.object)
      }
    }
    watches.add(watch)
    response.on('close', () => watches.delete(watch))
    const seconds = Number(query.get('timeoutSeconds') ?? 0)
    if (seconds > 0) setTimeout(() => response.end(), seconds * 1000).unref()
  }

  const list = (facts: ResourceFacts, query: URLSearchParams, protobuf: boolean, response: ServerResponse): void => {
    const limit = Number(query.get('limit') ?? 0)
    const [from, version] = (query.get('continue') ?? `0@${store.version}`).split('@').map(Number)
    if (version < store.compacted) {
      answer(response, protobuf, status(410, 'Expired', 'The provided continue parameter is too old'))
      return
    }
    const matching = store.list(facts.kind).filter(matcher(query))
    const page = limit > 0 ? matching.slice(from, from + limit) : matching
    const token = from + page.length < matching.length ? `${from + page.length}@${version}` : ''
    response.writeHead(200, { 'content-type': protobuf ? protobufType : 'application/json' })
    const kind = `${facts.kind}List`
    const metadata = { resourceVersion: String(version), ...(token !== '' && { continue: token }) }
    response.end(
      protobuf
        ? encodeList({ apiVersion: facts.apiVersion, kind }, page, String(version), token)
        : JSON.stringify({ kind, apiVersion: facts.apiVersion, metadata, items: page }),
    )
  }

  const misbehave = (facts: ResourceFacts, protobuf: boolean, fault: FaultResponse, response: ServerResponse): void => {
    if ('forbidden' in fault) {
      const what = `cannot watch resource "${facts.plural}" in API group "${facts.group}" at the cluster scope`
      answer(response, protobuf, status(403, 'Forbidden', `${facts.plural} is forbidden: User "test" ${what}`))
    } else if ('drop' in fault) {
      // For HTTP/2 `socket` stands for the stream alone.
      const session = 'stream' in response ? (response as unknown as Http2ServerResponse).stream.session : undefined
      if (session === undefined) response.socket?.destroy()
      else session.destroy()
    } else if ('octets' in fault) {
      response.writeHead(200, { 'content-type': fault.contentType })
      if (fault.open) response.write(fault.octets)
      else response.end(fault.octets)
    } else if ('status' in fault) {
      const { reason = '', message, causes, headers } = fault
      answer(response, protobuf, status(fault.status, reason, message, causes), headers)
    }
  }

  const isUndefined = ({ plural, apiVersion }: ResourceFacts): boolean =>
    undefinedResources.has(plural) || undefinedResources.has(`${plural}.${apiVersion}`)

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://server')
    // Of one namespace's objects: its name becomes a field selector.
    const [, namespace = ''] = /\/namespaces\/([^/]+)\/[^/]+$/.exec(url.pathname) ?? []
    const pathname = namespace === '' ? url.pathname : url.pathname.replace(`/namespaces/${namespace}/`, '/')
    const facts = served.find(({ path }) => path === pathname)
    const query = url.searchParams
    if (namespace !== '') query.set('fieldSelector', fieldsWithin(namespace, query.get('fieldSelector') ?? ''))
    const accept = request.headers.accept ?? ''
    const speaks = options.protobuf && facts !== undefined && hasProtobuf(facts.kind)
    const protobuf = speaks && accept.startsWith(protobufType)
    const fault = faults.meet({
      verb: verbOf(facts, query),
      resource: facts?.plural ?? url.pathname,
      query,
      headers: request.headers,
      protocol: request.httpVersionMajor === 2 ? 'h2' : 'http/1.1',
    })
    if (!options.isAuthorized(request)) {
      answer(response, protobuf, status(401, 'Unauthorized'))
    } else if (facts === undefined || isUndefined(facts)) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n')
    } else if (fault !== undefined) {
      misbehave(facts, protobuf, fault, response)
    } else if (!protobuf && !accept.includes('application/json')) {
      answer(response, false, status(406, 'NotAcceptable'))
    } else if (query.get('watch') !== 'true') {
      list(facts, query, protobuf, response)
    } else if (query.get('sendInitialEvents') === 'true' && !options.streaming) {
      const message = 'sendInitialEvents: Forbidden: forbidden for watch unless the WatchList feature gate is enabled'
      answer(response, protobuf, status(422, 'Invalid', message))
    } else if (Number(query.get('resourceVersion') ?? 0) > store.version) {
      const causes = ['ResourceVersionTooLarge']
      answer(response, protobuf, status(504, 'Timeout', 'Too large resource version', causes))
    } else {
      openWatch(facts, query, protobuf, response)
    }
  }

  const of = (plural?: string) => [...watches].filter(({ facts }) => plural === undefined || facts.plural === plural)

  return {
    handle,
    status,
    changed(change) {
      for (const watch of watches) {
        if (watch.facts.kind !== change.object.kind) continue
        const seen = seenThrough(watch.matches, change)
        if (seen !== undefined) send(watch, seen.type, seen.object)
      }
    },
    event(plural, type, object) {
      for (const watch of of(plural)) send(watch, type, object)
    },
    bytes(plural, octets) {
      for (const { response } of of(plural)) response.write(octets)
    },
    bookmark() {
      for (const watch of watches) send(watch, 'BOOKMARK', marker(watch, store.version, false))
    },
    endWatches(plural) {
      for (const { response } of of(plural)) response.end()
    },
    watches: (plural) => of(plural).length,
    forgetWatches: () => watches.clear(),
  }
}

const fieldsWithin = (namespace: string, selector: string): string =>
  [`metadata.namespace=${namespace}`, selector].filter((part) => part !== '').join(',')

function verbOf(facts: ResourceFacts | undefined, query: URLSearchParams): ApiRequest['verb'] {
  if (facts === undefined) return 'other'
  if (query.get('watch') !== 'true') return 'list'
  return query.get('sendInitialEvents') === 'true' ? 'stream' : 'watch'
}
