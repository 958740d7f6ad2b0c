/** One server that questions are forwarded to: its connections, health and response times. */
import { connect as connectTcp } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import { connectableAddress } from '../dns/address.ts'
import { loadLibc } from '../libc/libc.ts'
import { encodeSocketAddress } from '../libc/sockaddr.ts'
import type { Clock } from '../scheduling/clock.ts'
import {
  type Endpoint,
  endpointText,
  type Receiver,
  type Sending,
  type UpstreamConnection,
  type UpstreamTransport,
} from './connection.ts'
import { createHealth, type Health } from './health.ts'
import { createHedgeDelay, type HedgeDelay } from './hedge-delay.ts'
import { createHttpsConnection } from './https.ts'
import type { Inbox } from './inbox.ts'
import type { KeptSockets } from './kept-sockets.ts'
import { createSharedState, delayIn, healthCell } from './shared-state.ts'
import { createStreamConnection } from './stream.ts'
import { createUdpConnection } from './udp.ts'

/** The configuration of an upstream. */
export interface UpstreamTarget extends Endpoint {
  readonly protocol: 'dns' | 'tls' | 'https'
  /** The name that the certificate must have; '' for the address. */
  readonly serverName: string
}

export interface UpstreamOptions {
  readonly clock: Clock
  readonly health: {
    readonly interval: number
    readonly maxFails: number
    readonly recursionDesired: boolean
    readonly domain: string
  }
  /** Milliseconds: see StreamOptions. */
  readonly expire: number
  readonly maxAge: number
  readonly maxIdle: number
  readonly source: string | undefined
  readonly forceTcp: boolean
  /** Absent: each exchange uses its own node:dgram socket. */
  readonly kept?: KeptSockets | undefined
  /** Certificates for `tls` and `https` targets; called when a connection is opened. */
  readonly secureContext: () => SecureContext
  readonly dohMethod: 'GET' | 'POST'
  /** Octets of messages that may wait on the connections of one upstream. */
  readonly mostOctets: number
  readonly inbox: Inbox
  readonly metrics: UpstreamMetrics
}

/** Counts an upstream's events; `to` is its label. */
export interface UpstreamMetrics {
  readonly checkFailed: (to: string) => void
  /** A question was refused because too much is waiting on the upstream's connections. */
  readonly overflow: () => void
  readonly connection: (to: string, proto: 'udp' | 'tcp' | 'tcp-tls', hit: boolean) => void
}

export interface Upstream {
  /** Unique in the process. */
  readonly number: number
  /** For UDP threads; undefined if they cannot ask it: it is not plain UDP, or the system calls are missing. */
  readonly relay: UpstreamRelay | undefined
  /** `192.0.2.1:53`: the `to` of metrics. */
  readonly to: string
  readonly endpoint: Endpoint
  readonly health: Health
  readonly hedgeDelay: HedgeDelay
  /** Its answers to the main thread, and the seconds that they took in total. */
  readonly answers: { count: number; seconds: number }
  /** How many times in a row an upstream asked later has answered first. */
  overtaken: number
  send(transport: UpstreamTransport, wire: Uint8Array, receiver: Receiver): Sending
  close(): void
}

/** Shared state (shared-state.ts), and kernel socket addresses: the server's, and the one to send from. */
export interface UpstreamRelay {
  readonly server: Uint8Array
  readonly source: Uint8Array | undefined
  readonly shared: SharedArrayBuffer
}

let lastNumber = 0

export function createUpstream(target: UpstreamTarget, options: UpstreamOptions): Upstream {
  const to = endpointText(target)
  const count = options.metrics.connection
  let udp: UpstreamConnection | undefined
  let stream: UpstreamConnection | undefined

  function connection(transport: UpstreamTransport): UpstreamConnection {
    if (transport === 'udp' && target.protocol === 'dns' && !options.forceTcp) {
      udp ??= openUdp()
      return udp
    }
    stream ??= createStream(target, options, (hit) => count(to, target.protocol === 'dns' ? 'tcp' : 'tcp-tls', hit))
    return stream
  }

  const openUdp = (): UpstreamConnection => {
    const { kept, source } = options
    if (!kept || !relay) return createUdpConnection(target, { source })
    return kept.connect({ ...target, name: relay.server, source: relay.source }, { source })
  }

  const relay = target.protocol === 'dns' && !options.forceTcp ? createRelay(target, options.source) : undefined
  const cell = relay && healthCell(relay.shared)
  const health = createHealth(() => connection('udp'), {
    clock: options.clock,
    ...options.health,
    inbox: options.inbox,
    onFailure: () => options.metrics.checkFailed(to),
    ...(cell && { onChange: (trusted) => cell.block(!trusted) }),
  })
  return {
    number: ++lastNumber,
    relay,
    to,
    endpoint: target,
    health,
    hedgeDelay: createHedgeDelay(relay && delayIn(relay.shared)),
    answers: { count: 0, seconds: 0 },
    overtaken: 0,
    send(transport, wire, receiver) {
      const open = connection(transport)
      if (open === udp && !receiver.unrecorded) count(to, 'udp', false)
      return open.send(wire, receiver)
    },
    close() {
      health.stop()
      udp?.close()
      stream?.close()
    },
  }
}

function createRelay({ address, port }: Endpoint, source: string | undefined): UpstreamRelay | undefined {
  try {
    const native = loadLibc()
    return {
      server: encodeSocketAddress(native, connectableAddress(address), port),
      source: source === undefined ? undefined : encodeSocketAddress(native, source, 0),
      shared: createSharedState(),
    }
  } catch {
    // The system calls are missing here: the main thread asks it with node:dgram.
    return undefined
  }
}

function createStream(
  target: UpstreamTarget,
  options: UpstreamOptions,
  reused: (hit: boolean) => void,
): UpstreamConnection {
  const { port, protocol, serverName } = target
  const address = connectableAddress(target.address)
  const from = options.source === undefined ? {} : { localAddress: options.source }
  const tls = () => ({
    host: address,
    port,
    ...from,
    // An IP address is not a valid SNI name (RFC 6066 §3); the certificate is checked against it anyway.
    ...(serverName ? { servername: serverName } : {}),
    secureContext: options.secureContext(),
    minVersion: 'TLSv1.2' as const,
  })
  if (protocol === 'https') return createHttpsConnection({ ...options, target, tls })
  return createStreamConnection({
    dial: () => (protocol === 'tls' ? connectTls(tls()) : connectTcp({ host: address, port, ...from })),
    ready: protocol === 'tls' ? 'secureConnect' : 'connect',
    target: endpointText(target),
    clock: options.clock,
    expire: options.expire,
    maxAge: options.maxAge,
    maxIdle: options.maxIdle,
    reused,
    mostOctets: options.mostOctets,
    onOverflow: options.metrics.overflow,
  })
}
