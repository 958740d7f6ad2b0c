/** DNS over TCP: the listening sockets and the bounds on connections. */
import { createServer, type Server, type Socket } from 'node:net'
import type { Listener } from '../../server/ingress.ts'
import { errorStack } from '../../telemetry/error-text.ts'
import { bindError, type Host, hostsOf, isAbsentFamily, keyOf } from '../listener-address.ts'
import {
  type Endpoint as AnyEndpoint,
  type MainThreadOptions,
  openEndpoints,
  type StagedChange,
  switchEndpoints,
  type Transport,
} from '../transport.ts'
import { type Connection, openConnection, type SharedState, scratchBytes } from './connection.ts'
import { createReplyStreams } from './multi-message.ts'

interface Endpoint extends AnyEndpoint {
  readonly servers: { readonly host: Host; readonly server: Server }[]
  readonly connections: Set<Connection>
}

const backlog = 4096
const sweepEvery = 250

export function openTcp(options: MainThreadOptions): Transport {
  const { clock, limits, metrics, log } = options
  const endpoints = new Map<string, Endpoint>()
  const perClient = new Map<string, number>()
  /** Listeners that are gone but for their connections, and when those will be closed too. */
  const leaving = new Map<Endpoint, Promise<void>>()
  let connections = 0
  let failureLoggedAt = Number.NEGATIVE_INFINITY
  const room: SharedState = {
    ...options,
    scratch: Buffer.alloc(scratchBytes),
    unsent: 0,
    streams: createReplyStreams(limits.tcpStreams, clock),
    lastQueryAt: Number.NEGATIVE_INFINITY,
    onFailure(what, error) {
      metrics.answerFailures.inc()
      if (clock.now() - failureLoggedAt < 1000) return
      failureLoggedAt = clock.now()
      log.error(`${what}: ${errorStack(error)}`)
    },
  }
  const sweeping = clock.every(sweepEvery, () => {
    const now = clock.now()
    for (const { connections } of [...endpoints.values(), ...leaving.keys()])
      for (const each of connections) each.sweep(now)
  })

  function accept(endpoint: Endpoint, socket: Socket): void {
    const client = socket.remoteAddress
    // Gone before we could look.
    if (client === undefined) {
      socket.destroy()
      return
    }
    const ofClient = perClient.get(client) ?? 0
    if (connections >= limits.tcpConnections || ofClient >= limits.tcpConnectionsPerClient) {
      metrics.tcpRejected.inc()
      socket.destroy()
      return
    }
    connections++
    perClient.set(client, ofClient + 1)
    metrics.tcpConnections.set(connections)
    const connection = openConnection(room, socket, () => endpoint.listener)
    endpoint.connections.add(connection)
    socket.on('close', () => {
      endpoint.connections.delete(connection)
      connections--
      metrics.tcpConnections.set(connections)
      const left = perClient.get(client)! - 1
      if (left === 0) perClient.delete(client)
      else perClient.set(client, left)
    })
  }

  async function open(listener: Listener, others: readonly Endpoint[]): Promise<Endpoint> {
    const endpoint: Endpoint = { listener, servers: [], connections: new Set() }
    for (const host of hostsOf(listener)) {
      try {
        if (!overlaps(host, listener.port, others)) await probe(host, listener.port)
        const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => accept(endpoint, socket))
        await listen(server, host, listener.port, process.platform === 'linux')
        server.on('error', (error) => log.error(`tcp ${keyOf(listener)}: ${error.message}`))
        endpoint.servers.push({ host, server })
      } catch (error) {
        const { code = String(error), syscall } = error as NodeJS.ErrnoException
        if (isAbsentFamily(host, code)) continue
        await close(endpoint)
        throw bindError('tcp', listener, code, syscall === 'listen' ? 'bind' : syscall)
      }
    }
    return endpoint
  }

  /** Stops listening at once; connections may finish what they have asked. */
  function leave(endpoint: Endpoint): void {
    const closed = close(endpoint).then(() => void leaving.delete(endpoint))
    leaving.set(endpoint, closed)
    for (const connection of endpoint.connections) connection.finish(limits.drain)
  }

  return {
    async stage(listeners): Promise<StagedChange> {
      const { opened, abandon } = await openEndpoints(endpoints, listeners, open, discard)
      const commit = async () => switchEndpoints(endpoints, listeners, opened).forEach(leave)
      return { commit, abandon }
    },
    lastQueryAt: () => room.lastQueryAt,
    async close() {
      for (const endpoint of endpoints.values()) leave(endpoint)
      endpoints.clear()
      await Promise.all(leaving.values())
      sweeping.cancel()
    },
  }
}

async function discard(endpoint: Endpoint): Promise<void> {
  for (const connection of endpoint.connections) connection.destroy()
  await close(endpoint)
}

/** Resolves when the listening sockets are closed and their last connection too. */
async function close({ servers }: Endpoint): Promise<void> {
  await Promise.all(
    servers.map(({ server }) => (server.listening ? new Promise((resolve) => server.close(resolve)) : undefined)),
  )
}

/** SO_REUSEPORT, as CoreDNS has it: `bind 127.0.0.1` may stand beside a block that is bound to all addresses. */
function listen(server: Server, host: Host, port: number, reusePort: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const ipv6Only = host.family === 6
    server.listen({ host: host.address, port, ipv6Only, backlog, reusePort, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/**
 * SO_REUSEPORT would also let two servers of one user share a port unawares, each with half of the queries. So the
 * address is first taken without it, for a moment, which fails as people expect it to.
 */
async function probe(host: Host, port: number): Promise<void> {
  const server = createServer()
  await listen(server, host, port, false)
  await new Promise((resolve) => server.close(resolve))
}

/** True when a probe would only find ourselves. */
function overlaps(host: Host, port: number, endpoints: readonly Endpoint[]): boolean {
  return endpoints.some(
    ({ listener, servers }) =>
      listener.port === port &&
      servers.some(({ host: other }) => other.family === host.family && (other.wildcard || host.wildcard)),
  )
}
