/**
 * The HTTP listeners of health, ready and metrics: one per address in the process, whoever asks for it. A reload
 * acquires the listener for the new configuration before the old one lets go, so it is never closed in between.
 */

import { lookup } from 'node:dns/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const second = 1_000
/** As CoreDNS: a request must be in, and an idle connection gone, within 5 s. */
const timeout = 5 * second
/** How long a stopped listener lets running replies finish. */
const grace = 1 * second
/**
 * Probes and scrapers need a handful; the bound keeps a flood from taking descriptors away from DNS. Past it the oldest
 * connection goes, not the newest: idle ones must not be able to keep a probe out, which would end the process.
 */
const maxConnections = 128
const maxHeaderOctets = 8 << 10
/** As CoreDNS: on the host network a new process listens while the old one still drains. Node knows it on Linux. */
const reusePort = process.platform === 'linux'

/** Where to listen. `host` is '' for every address of the machine. */
export interface HttpAddress {
  readonly host: string
  readonly port: number
}

/** An address as people write it: `:8080`, `localhost:9153`, `[::1]:8080`. */
export function httpAddressText({ host, port }: HttpAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Answers a request for one path. It must end the response. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void

export interface HttpListener {
  /** Resolves once connections are accepted. Rejects with a message that names the address and the reason. */
  open(): Promise<void>
  /** Answers `path` with `handler`. When several hold one path, the last one answers. */
  route(path: string, handler: HttpHandler): { remove(): void }
  /** Ends connections that wait for another request, so that their clients see at once that something has changed. */
  closeIdle(): void
  /** The port that it listens on, which `:0` left to the system. */
  readonly port: number
}

/** The part of ProcessState that is needed here. */
export interface SharedListeners {
  acquire<T>(key: string, make: () => { value: T; stop(): Promise<void> }): { readonly value: T; release(): void }
}

/** TLS for a listener: makes the server in place of plain HTTP. `key` tells listeners apart that must not be shared. */
export interface HttpSecurity {
  readonly key: string
  createServer(options: typeof serverOptions, onRequest: RequestListener): Server
}

const serverOptions = {
  maxHeaderSize: maxHeaderOctets,
  headersTimeout: timeout,
  requestTimeout: timeout,
  keepAliveTimeout: timeout,
  connectionsCheckingInterval: second,
}

/** The process's listener at `address`. It listens after the first `open` and until the last holder releases it. */
export function acquireHttpListener(
  process: SharedListeners,
  address: HttpAddress,
  security?: HttpSecurity,
): { readonly value: HttpListener; release(): void } {
  return process.acquire(`http ${httpAddressText(address)}${security ? ` ${security.key}` : ''}`, () => {
    const { listener, stop } = createHttpListener(address, security)
    return { value: listener, stop }
  })
}

function createHttpListener(
  address: HttpAddress,
  security: HttpSecurity | undefined,
): { readonly listener: HttpListener; stop(): Promise<void> } {
  const routes = new Map<string, HttpHandler[]>()
  const answer: RequestListener = (request, response) => {
    const path = (request.url ?? '').replace(/\?.*/s, '')
    const handler = routes.get(path)?.at(-1)
    if (handler) handler(request, response)
    else sendText(response, 404, '404 page not found\n')
  }
  const server = security ? security.createServer(serverOptions, answer) : createServer(serverOptions, answer)
  boundConnections(server)
  server.setTimeout(timeout, (socket) => socket.destroy())

  let opened: Promise<void> | undefined
  return {
    listener: {
      open() {
        opened ??= listen(server, address)
        return opened
      },
      route(path, handler) {
        const handlers = routes.get(path) ?? []
        routes.set(path, [...handlers, handler])
        return {
          remove: () =>
            void routes.set(
              path,
              (routes.get(path) ?? []).filter((other) => other !== handler),
            ),
        }
      },
      closeIdle: () => server.closeIdleConnections(),
      get port() {
        const bound = server.address()
        return bound && typeof bound === 'object' ? bound.port : address.port
      },
    },
    async stop() {
      // A listener that could not be opened has nothing to close.
      await opened?.catch(() => undefined)
      if (server.listening) await close(server)
    },
  }
}

function boundConnections(server: Server): void {
  /** In the order of arrival. */
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    if (connections.size <= maxConnections) return
    const [oldest] = connections
    oldest!.destroy()
    // Before it says that it is closed, or the next arrival would count it again.
    connections.delete(oldest!)
  })
}

async function listen(server: Server, address: HttpAddress): Promise<void> {
  const failed = (reason: string): Error => new Error(`cannot listen on ${httpAddressText(address)}: ${reason}`)
  const { host, port } = address
  if (port > 65_535) throw failed('the largest port is 65535')
  const bound = await resolveHost(host).catch((error: Error) => Promise.reject(failed(error.message)))
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(failed(reasonFor(error))))
    server.listen({ port, host: bound, reusePort }, resolve)
  })
  // Errors of an open listener (out of descriptors, say) pass: it goes on accepting when it can.
  server.on('error', () => undefined)
}

/** Go takes a name's first IPv4 address, so `localhost` is 127.0.0.1 there, whatever the resolver puts first. */
async function resolveHost(host: string): Promise<string | undefined> {
  if (host === '') return undefined
  const found = await lookup(host, { all: true })
  return (found.find(({ family }) => family === 4) ?? found[0])?.address
}

function reasonFor({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return 'the address is in use, by another process or by another directive'
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address'
  if (code === 'EACCES') return 'permission denied (ports below 1024 need CAP_NET_BIND_SERVICE)'
  return message
}

async function close(server: Server): Promise<void> {
  const hurry = setTimeout(() => server.closeAllConnections(), grace)
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
  clearTimeout(hurry)
}

/** A whole reply of plain text. */
export function sendText(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}
