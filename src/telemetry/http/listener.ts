/**
 * The HTTP listeners of health, ready and metrics: one per address in the process, shared by all plugins that name it. A reload
 * acquires the listener for the new configuration before the old one releases it, so it is never closed in between.
 */
import { lookup } from 'node:dns/promises'
import type { Server } from 'node:net'
import type { MetricsRegistry } from '../metrics.ts'
import { createHttpBudget, type HttpBudget } from './budget.ts'
import { textReply } from './message.ts'
import { createHttpServer, type HttpHandler, type HttpSecurity, type HttpServer } from './server.ts'

/** Milliseconds that a stopped listener waits for replies in progress. */
const grace = 1_000
/** As in CoreDNS: with host networking a new process listens while the old one drains. Node.js supports it on Linux. */
const reusePort = process.platform === 'linux'

/** Where to listen. `host` is '' for all addresses of the machine. */
export interface HttpAddress {
  readonly host: string
  readonly port: number
}

/** An address as people write it: `:8080`, `localhost:9153`, `[::1]:8080`. */
export function httpAddressText({ host, port }: HttpAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

export interface HttpListener {
  /** Resolves once connections are accepted. Rejects with a message that names the address and the reason. */
  open(): Promise<void>
  /** Answers `path` with `handler`. If several handlers have the same path, the last one answers. */
  route(path: string, handler: HttpHandler): { remove(): void }
  /** Closes connections that wait for another request, so that their clients notice a change at once. */
  closeIdle(): void
  /** The port in use, also if `:0` left the choice to the system. */
  readonly port: number
}

/** The part of the process's state that listeners need. */
export interface SharedListeners {
  acquire<T>(
    key: string,
    make: () => { value: T; stop(): Promise<void> | void },
  ): { readonly value: T; release(): void }
  /** The limits that all HTTP connections share. */
  readonly limits: {
    readonly descriptors: { readonly http: number }
    readonly memory: { readonly http: number }
  }
}

export interface HttpListenerOptions {
  readonly metrics: MetricsRegistry
  readonly security?: HttpSecurity | undefined
}

/** The budget shared by all HTTP servers of the process. */
export function acquireHttpBudget(
  process: SharedListeners,
  metrics: MetricsRegistry,
): { readonly value: HttpBudget; release(): void } {
  const closed = metrics.counter(
    'slicedns_http_closed_connections_total',
    'HTTP connections closed because the process had too many of them, or too many octets of replies not taken.',
    ['reason'],
  )
  // Created at once, so that `rate` and `increase` see the first event.
  for (const reason of ['connections', 'octets']) closed.with(reason)
  const { descriptors, memory } = process.limits
  return process.acquire('http budget', () => ({
    value: createHttpBudget({
      connections: descriptors.http,
      octets: memory.http,
      onClosed: (reason) => closed.with(reason).inc(),
    }),
    stop: () => undefined,
  }))
}

/** The process's listener at `address`. It listens from the first `open` until the last holder releases it. */
export function acquireHttpListener(
  process: SharedListeners,
  address: HttpAddress,
  { metrics, security }: HttpListenerOptions,
): { readonly value: HttpListener; release(): void } {
  return process.acquire(`http ${httpAddressText(address)}${security ? ` ${security.key}` : ''}`, () => {
    const budget = acquireHttpBudget(process, metrics)
    const { listener, stop } = createHttpListener(address, budget.value, security)
    return {
      value: listener,
      async stop() {
        await stop()
        budget.release()
      },
    }
  })
}

function createHttpListener(
  address: HttpAddress,
  budget: HttpBudget,
  security: HttpSecurity | undefined,
): { readonly listener: HttpListener; stop(): Promise<void> } {
  const routes = new Map<string, HttpHandler[]>()
  const handle: HttpHandler = (request, signal) =>
    routes.get(request.path)?.at(-1)?.(request, signal) ?? textReply(404, '404 page not found\n')
  const server = createHttpServer(handle, budget, security)

  let opened: Promise<void> | undefined
  return {
    listener: {
      open() {
        opened ??= listen(server.net, address)
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
      closeIdle: server.closeIdle,
      get port() {
        const bound = server.net.address()
        return bound && typeof bound === 'object' ? bound.port : address.port
      },
    },
    async stop() {
      // A listener that could not be opened need not be closed.
      await opened?.catch(() => undefined)
      if (server.net.listening) await close(server)
    },
  }
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
  // Errors of an open listener (such as no free descriptors) are temporary: it resumes accepting when it can.
  server.on('error', () => undefined)
}

/** Go uses a name's first IPv4 address, so `localhost` means 127.0.0.1, whatever the resolver returns first. */
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

async function close(server: HttpServer): Promise<void> {
  const timer = setTimeout(server.closeAll, grace)
  await new Promise<void>((resolve) => {
    server.net.close(() => resolve())
    server.closeIdle()
  })
  clearTimeout(timer)
}
