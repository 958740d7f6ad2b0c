/**
 * A sink that we connect to, and reconnect to. Messages wait in the queue while it is away, as far as there is room.
 */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Timer } from '../../scheduling/clock.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { createRateLimitedLog } from '../../telemetry/rate-limited-log.ts'
import { untrustedText } from '../../trust/failure-text.ts'
import { systemRoots } from '../../trust/system-roots.ts'
import { createFrameQueue } from './frame-queue.ts'
import { openSession, type Session } from './session.ts'
import type { Endpoint } from './settings.ts'
import { createDropReport, type Sink, type SinkOptions } from './sink.ts'

/** Milliseconds, as in CoreDNS: to connect, and between attempts, from `firstDelay` doubled up to `longestDelay`. */
const connectTimeout = 4000
const firstDelay = 250
const longestDelay = 10_000

export interface OutgoingOptions extends SinkOptions {
  /** As written. */ readonly address: string
  readonly endpoint: Endpoint
  readonly skipVerify: boolean
}

export function openOutgoing(options: OutgoingOptions): Sink {
  const { address, endpoint, clock, log, most } = options
  const queue = createFrameQueue(most)
  const drops = createDropReport(options)
  const outage = createRateLimitedLog(`dnstap endpoint ${address}`, log, clock)
  let session: Session | undefined
  let dialling: Socket | undefined
  let retry: Timer | undefined
  let delay = 0
  let stopped = false

  function dial(): void {
    retry = undefined
    let socket: Socket
    try {
      socket = connectTo(endpoint, options.skipVerify)
    } catch (error) {
      failed(errorMessage(error))
      return
    }
    dialling = socket
    const timeout = clock.after(connectTimeout, () => socket.destroy(new Error('i/o timeout')))
    const refuse = (error: NodeJS.ErrnoException): void =>
      failed(untrustedText(error.code, "add 'skipverify'") ?? errorMessage(error))
    socket.once('error', refuse)
    socket.once('close', () => timeout.cancel())
    socket.once(endpoint.kind === 'tls' ? 'secureConnect' : 'connect', () => {
      timeout.cancel()
      socket.off('error', refuse)
      dialling = undefined
      session = openSession({ socket, queue, clock, onLost: drops.drop, onOpen: opened, onClosed: closed })
    })
  }

  function opened(): void {
    delay = 0
    outage.over()
  }

  function closed(reason: string | undefined): void {
    session = undefined
    if (reason !== undefined) failed(reason)
  }

  function failed(reason: string): void {
    dialling = undefined
    if (stopped) return
    outage.failed(`No connection to dnstap endpoint ${address}: ${reason}`)
    delay = Math.min(longestDelay, delay * 2 || firstDelay)
    retry = clock.after(delay, dial)
  }

  return {
    wanted: () => true,
    push(message) {
      if (!queue.push(message)) drops.drop(1)
      session?.wake()
    },
    start: dial,
    async stop() {
      stopped = true
      retry?.cancel()
      dialling?.destroy()
      await session?.stop()
      drops.stop()
    },
  }
}

function connectTo(endpoint: Endpoint, skipVerify: boolean): Socket {
  if (endpoint.kind === 'unix') return connect(endpoint.path)
  const { host, port } = endpoint
  if (port === undefined) throw new Error('missing port in address')
  if (endpoint.kind === 'tcp') return connect({ host: host || 'localhost', port, noDelay: true })
  return connectTls({
    host: host || 'localhost',
    port,
    ca: systemRoots(),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: !skipVerify,
  })
}
