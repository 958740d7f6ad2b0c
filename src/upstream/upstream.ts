/** One server that questions are forwarded to: its carriers, its health, and how quick it has been. */
import { connect as connectTcp } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import type { Clock } from '../scheduling/clock.ts'
import { type Endpoint, endpointText, type Receiver, type Sending, type UpstreamConnection } from './carrier.ts'
import { createHealth, type Health } from './health.ts'
import { createHttpsCarrier } from './https.ts'
import { createHedgeDelay, type HedgeDelay } from './patience.ts'
import { createStreamCarrier } from './stream.ts'
import { createUdpCarrier } from './udp.ts'

/** What is asked for over which protocol. */
export interface UpstreamTarget extends Endpoint {
  readonly protocol: 'dns' | 'tls' | 'https'
  /** Name in the server's certificate; '' for its address. */
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
  /** Certificates for `tls` and `https` targets. */
  readonly secureContext: SecureContext | undefined
  readonly dohMethod: 'GET' | 'POST'
  readonly metrics: UpstreamMetrics
}

/** What is counted of an upstream; `to` is its text. */
export interface UpstreamMetrics {
  readonly checkFailed: (to: string) => void
  readonly connection: (to: string, proto: 'udp' | 'tcp' | 'tcp-tls', hit: boolean) => void
}

export interface Upstream {
  /** `192.0.2.1:53`: the `to` of metrics. */
  readonly to: string
  readonly health: Health
  readonly patience: HedgeDelay
  /** How often in a row it was overtaken by one that was asked later. */
  overtaken: number
  send(way: 'udp' | 'stream', wire: Uint8Array, receiver: Receiver): Sending
  close(): void
}

export function createUpstream(target: UpstreamTarget, options: UpstreamOptions): Upstream {
  const to = endpointText(target)
  const count = options.metrics.connection
  let udp: UpstreamConnection | undefined
  let stream: UpstreamConnection | undefined

  function carrier(way: 'udp' | 'stream'): UpstreamConnection {
    if (way === 'udp' && target.protocol === 'dns' && !options.forceTcp) {
      udp ??= createUdpCarrier(target, { source: options.source })
      count(to, 'udp', false)
      return udp
    }
    stream ??= streamCarrier(target, options, (hit) => count(to, target.protocol === 'dns' ? 'tcp' : 'tcp-tls', hit))
    return stream
  }

  const health = createHealth(() => carrier('udp'), {
    clock: options.clock,
    ...options.health,
    onFailure: () => options.metrics.checkFailed(to),
  })
  return {
    to,
    health,
    patience: createHedgeDelay(),
    overtaken: 0,
    send: (way, wire, receiver) => carrier(way).send(wire, receiver),
    close() {
      health.stop()
      udp?.close()
      stream?.close()
    },
  }
}

function streamCarrier(
  target: UpstreamTarget,
  options: UpstreamOptions,
  reused: (hit: boolean) => void,
): UpstreamConnection {
  const { address, port, protocol, serverName } = target
  const from = options.source === undefined ? {} : { localAddress: options.source }
  const tls = {
    host: address,
    port,
    ...from,
    // An address is no SNI name (RFC 6066 §3); the certificate is checked against it all the same.
    ...(serverName ? { servername: serverName } : {}),
    ...(options.secureContext ? { secureContext: options.secureContext } : {}),
    minVersion: 'TLSv1.2' as const,
  }
  if (protocol === 'https') return createHttpsCarrier({ ...options, target, tls })
  return createStreamCarrier({
    dial: () => (protocol === 'tls' ? connectTls(tls) : connectTcp({ host: address, port, ...from })),
    ready: protocol === 'tls' ? 'secureConnect' : 'connect',
    target: endpointText(target),
    clock: options.clock,
    expire: options.expire,
    maxAge: options.maxAge,
    maxIdle: options.maxIdle,
    reused,
  })
}
