/**
 * A test API server: a real HTTP server (TLS with HTTP/2, or plain HTTP/1.1) that lists and watches as kube-apiserver
 * does, and can be made to do what a real one cannot: drop, stall, send half a line or garbage, forget its history.
 *
 *   const api = await startApiServer()
 *   api.put({ kind: 'Service', metadata: { namespace: 'shop', name: 'web' }, spec: { … } })
 *   const cluster = openCluster({ source: { kind: 'kubeconfig', file: api.kubeconfig(), context: '' }, … }, deps)
 *   api.fault({ on: 'watch', resource: 'services', respond: { status: 500 } })     // the next request only
 *   api.fault({ on: 'stream', respond: { status: 422 }, times: Infinity })          // until `remove()`
 *   api.event('services', 'ERROR', api.status(410, 'Expired'))                      // into the watches that are open
 *   api.bytes('services', Buffer.from('{"type":'))                                  // whatever octets
 *   api.kill(); api.compact(); await api.restart()
 *   api.renewCertificate(createAuthority())                                         // of another CA; new connections get it
 *   await api.stop()
 *
 * Kinds: Service, EndpointSlice, Namespace, Pod in protobuf and JSON, ServiceImport in JSON alone, as a custom resource.
 */
import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket, TlsOptions, Server as TlsServer } from 'node:tls'
import { type Authority, type Certificate, createAuthority } from './certificates.ts'
import type { KubeObject } from './encode.ts'
import { type ApiRequest, createFaults, type Fault } from './faults.ts'
import { createHandler, type Handler } from './handler.ts'
import { createStore, type Store } from './store.ts'

export type { KubeObject } from './encode.ts'
export type { ApiRequest, Fault } from './faults.ts'

export interface ApiServerOptions {
  /** 'h2' (TLS, HTTP/2 offered; the default), 'https' (TLS, HTTP/1.1 only), 'http' (plain HTTP/1.1). */
  readonly transport?: 'h2' | 'https' | 'http'
  /** Offers protobuf. Default true. */
  readonly protobuf?: boolean
  /** Offers streamed lists (sendInitialEvents). Default true. */
  readonly streaming?: boolean
  /** The bearer token that it wants. Default: none is looked at. */
  readonly token?: string
  /** Asks clients for a certificate: see `clientAuthority`. */
  readonly clientCertificates?: boolean
  /** The address that it listens on. Default 127.0.0.1. */
  readonly address?: string
  /** In place of a good certificate for 127.0.0.1 from `authority`. */
  readonly certificate?: (authority: Authority) => Certificate
}

export interface ApiServer extends Pick<Handler, 'event' | 'bytes' | 'bookmark' | 'endWatches' | 'watches' | 'status'> {
  readonly url: string
  readonly port: number
  /** A directory for the test's files; removed by `stop`. */
  readonly folder: string
  readonly caFile: string
  readonly authority: Authority
  /** The token that it wants from now on. */
  token: string | undefined
  /**
   * Whose client certificates it wants from now on, if it asks for any; each request is looked at, as kube-apiserver does. Where a
   * token is wanted, too, one of the two will do. Before: its own authority's.
   */
  clientAuthority: Authority | undefined
  /** New connections get another certificate; `authority` issues it from now on, and is not written to `caFile`. */
  renewCertificate(authority?: Authority): void
  put(...objects: readonly KubeObject[]): void
  delete(kind: string, namespace: string, name: string): void
  readonly store: Store
  /** Forgets the history: a watch from an older version gets 410. Watches that are open go on. */
  compact(): void
  /** What the next matching request, or `times` of them, gets in place of its answer. */
  fault(fault: Fault): { remove(): void }
  /** 403 for a resource (its plural) until allowed again; open watches of it end. */
  forbid(plural: string): { allow(): void }
  /** Custom resources whose definition is missing: 404. Default: none is. */
  readonly undefinedResources: Set<string>
  /** Every request so far. */
  readonly requests: readonly ApiRequest[]
  /** Connections that were accepted so far. */
  readonly connections: number
  /** Writes a kubeconfig; fields override those of cluster and user. */
  kubeconfig(changes?: { readonly cluster?: KubeObject; readonly user?: KubeObject }): string
  /** As kill -9: every connection is reset, the port refuses. The objects stay. */
  kill(): void
  /** Listens again on the same port. */
  restart(): Promise<void>
  /** Tells every HTTP/2 connection to go away; its streams go on. */
  goAway(): void
  stop(): Promise<void>
}

export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const { transport = 'h2', address = '127.0.0.1' } = options
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-api-'))
  let authority = createAuthority()
  let certificate = options.certificate?.(authority) ?? authority.issue()
  const caFile = join(folder, 'ca.crt')
  writeFileSync(caFile, authority.cert)
  const store = createStore()
  const faults = createFaults()
  const undefinedResources = new Set<string>()
  const state = { token: options.token, clientAuthority: options.clientCertificates ? authority : undefined }
  const handler = createHandler({
    store,
    faults,
    undefinedResources,
    protobuf: options.protobuf ?? true,
    streaming: options.streaming ?? true,
    isAuthorized(request) {
      const { token, clientAuthority } = state
      if (token === undefined && clientAuthority === undefined) return true
      if (token !== undefined && request.headers.authorization === `Bearer ${token}`) return true
      return clientAuthority !== undefined && isClientOf(clientAuthority, request)
    },
  })
  const sockets = new Set<Socket>()
  const sessions = new Set<{ goaway(): void; destroy(): void }>()
  let connections = 0
  let kubeconfigs = 0

  const clientOptions = options.clientCertificates && { requestCert: true, rejectUnauthorized: false }

  const listen = async (port: number): Promise<Server> => {
    const server = createServer(transport, { ...certificate, ...clientOptions }, handler.handle, sessions)
    server.on('connection', (socket: Socket) => {
      connections++
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => {})
    })
    server.listen(port, address)
    await once(server, 'listening')
    return server
  }

  let server = await listen(0)
  const { port } = server.address() as AddressInfo
  const url = `${transport === 'http' ? 'http' : 'https'}://${address}:${port}`

  const kill = (): void => {
    server.close()
    for (const socket of sockets) socket.resetAndDestroy()
    handler.forgetWatches()
  }

  return {
    url,
    port,
    folder,
    caFile,
    get authority() {
      return authority
    },
    store,
    undefinedResources,
    get token() {
      return state.token
    },
    set token(token) {
      state.token = token
    },
    get clientAuthority() {
      return state.clientAuthority
    },
    set clientAuthority(authority) {
      state.clientAuthority = authority
    },
    renewCertificate(issuer = authority) {
      authority = issuer
      certificate = issuer.issue()
      if ('setSecureContext' in server) (server as TlsServer).setSecureContext(certificate)
    },
    put(...objects) {
      for (const object of objects) handler.changed(store.put(object))
    },
    delete: (kind, namespace, name) => handler.changed(store.delete(kind, namespace, name)),
    compact: store.compact,
    fault: faults.add,
    forbid(plural) {
      const fault = faults.add({ on: 'any', resource: plural, respond: { forbidden: true }, times: Infinity })
      handler.endWatches(plural)
      return { allow: fault.remove }
    },
    get requests() {
      return faults.requests
    },
    get connections() {
      return connections
    },
    event: handler.event,
    bytes: handler.bytes,
    bookmark: handler.bookmark,
    endWatches: handler.endWatches,
    watches: handler.watches,
    status: handler.status,
    kubeconfig({ cluster = {}, user = {} } = {}) {
      const file = join(folder, `kubeconfig-${++kubeconfigs}`)
      const document = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': caFile, ...cluster } }],
        users: [{ name: 'test', user: { ...(state.token && { token: state.token }), ...user } }],
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
        'current-context': 'test',
      }
      writeFileSync(file, JSON.stringify(document))
      return file
    },
    kill,
    async restart() {
      server = await listen(port)
    },
    goAway() {
      for (const session of sessions) session.goaway()
    },
    async stop() {
      // In good order, from the sessions to their sockets: a socket that is reset below its session can leave a write
      // request behind that never completes, and Node.js then waits for it at its exit, in a loop without end.
      const closed = [...sockets].map((socket) => once(socket, 'close'))
      server.close()
      for (const session of sessions) session.destroy()
      for (const socket of sockets) socket.destroy()
      handler.forgetWatches()
      await Promise.all(closed)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Looked at again for each request: a connection may outlive its certificate. */
function isClientOf({ cert }: Authority, { socket }: IncomingMessage): boolean {
  const shown = (socket as TLSSocket).getPeerX509Certificate()
  if (shown === undefined || !shown.verify(createPublicKey(cert))) return false
  return Date.parse(shown.validFrom) <= Date.now() && Date.now() < Date.parse(shown.validTo)
}

function createServer(
  transport: 'h2' | 'https' | 'http',
  certificate: Certificate & Pick<TlsOptions, 'requestCert' | 'rejectUnauthorized'>,
  handle: Handler['handle'],
  sessions: Set<{ goaway(): void; destroy(): void }>,
): Server {
  if (transport === 'http') return createHttp(handle)
  if (transport === 'https') return createHttps(certificate, handle)
  const server = createSecureServer({ ...certificate, allowHTTP1: true }, handle as never)
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => {})
  })
  server.on('sessionError', () => {})
  return server
}
