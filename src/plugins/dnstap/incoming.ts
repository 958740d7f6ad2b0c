/** Sinks that connect to us. Each has its own queue, so that a slow one loses messages and the others do not. */
import { rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { CounterCell } from '../../telemetry/metrics.ts'
import { failedToStart, noCertificate, readListenerSecrets } from './certificates.ts'
import { createFrameQueue, type FrameQueue } from './frame-queue.ts'
import { openSession, type Session } from './session.ts'
import type { Endpoint, ListenerCertificate } from './settings.ts'
import { createDropReport, type Sink, type SinkOptions } from './sink.ts'

/** Sinks of a listener at a time. They share the memory of one queue. */
const maxSinks = 8

export interface IncomingOptions extends SinkOptions {
  readonly address: string
  readonly endpoint: Endpoint
  readonly certificate: ListenerCertificate | undefined
  readonly skipVerify: boolean
  /** Connections closed because the bound on sinks was reached. */
  readonly refused: CounterCell
}

interface ConnectedSink {
  readonly queue: FrameQueue
  readonly session: Session
  /** The handshake is complete. */
  open: boolean
}

/** Milliseconds between two log lines about disconnected sinks. */
const reportEvery = 1000

export function openIncoming(options: IncomingOptions): Sink {
  const { address, endpoint, clock, log, most } = options
  const drops = createDropReport(options)
  const sinks = new Set<ConnectedSink>()
  const share = { messages: most.messages, octets: Math.floor(most.octets / maxSinks) }
  let server: Server | undefined
  let reportedAt = Number.NEGATIVE_INFINITY
  /** Accepted, TLS handshake not complete. */
  const accepted = new Set<Socket>()

  function accept(socket: Socket): void {
    if (sinks.size >= maxSinks) {
      options.refused.inc()
      // Connections without a handshake must not keep sinks out.
      const silent = [...sinks].find(({ open }) => !open)
      if (silent === undefined) {
        socket.destroy()
        return
      }
      silent.session.destroy()
    }
    const queue = createFrameQueue(share)
    const onClosed = (reason: string | undefined): void => {
      sinks.delete(sink)
      if (reason === undefined || clock.now() - reportedAt < reportEvery) return
      reportedAt = clock.now()
      log.warning(`a sink of ${address} is disconnected: ${reason}`)
    }
    const onOpen = (): void => {
      sink.open = true
    }
    const session = openSession({ socket, queue, clock, onLost: drops.drop, onOpen, onClosed })
    const sink: ConnectedSink = { queue, session, open: false }
    sinks.add(sink)
  }

  function fail(error: unknown): void {
    log.error(failedToStart(address, error))
  }

  async function open(): Promise<void> {
    server = createListener(endpoint, options, accept)
    if (server === undefined) {
      log.warning(noCertificate)
      return
    }
    server.on('connection', (socket: Socket) => {
      if (endpoint.kind !== 'tls') return
      accepted.add(socket)
      socket.on('close', () => accepted.delete(socket))
    })
    // Errors before there is a session (of the TLS handshake, say) are the client's.
    server.on('tlsClientError', () => undefined)
    await listen(server, endpoint)
    server.on('error', fail)
  }

  return {
    wanted: () => sinks.size > 0,
    push(message) {
      for (const { queue, session } of sinks) {
        if (!queue.push(message)) drops.drop(1)
        session.wake()
      }
    },
    start() {
      open().catch(fail)
    },
    async stop() {
      server?.close()
      await Promise.all([...sinks].map(({ session }) => session.stop()))
      for (const socket of accepted) socket.destroy()
      drops.stop()
    },
  }
}

/** Undefined for TLS without a certificate. */
function createListener(
  { kind }: Endpoint,
  { certificate: files, skipVerify }: IncomingOptions,
  accept: (socket: Socket) => void,
): Server | undefined {
  if (kind !== 'tls') return createServer(accept)
  if (files === undefined) return undefined
  const { cert, key, ca } = readListenerSecrets(files)
  return createTlsServer(
    { cert, key, minVersion: 'TLSv1.2', ...(ca && { ca, requestCert: true, rejectUnauthorized: !skipVerify }) },
    accept,
  )
}

async function listen(server: Server, endpoint: Endpoint): Promise<void> {
  try {
    await tryListen(server, endpoint)
  } catch (error) {
    if (endpoint.kind !== 'unix' || !(await isAbandoned(endpoint.path))) throw error
    rmSync(endpoint.path)
    await tryListen(server, endpoint)
  }
}

function tryListen(server: Server, endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const listening = () => {
      server.off('error', reject)
      resolve()
    }
    if (endpoint.kind === 'unix') server.listen(endpoint.path, listening)
    else if (endpoint.port === undefined) reject(new Error('missing port in address'))
    else server.listen({ port: endpoint.port, ...(endpoint.host && { host: endpoint.host }) }, listening)
  })
}

/** Whether the process of a socket file has ended without removing it. */
function isAbandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.on('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
}
