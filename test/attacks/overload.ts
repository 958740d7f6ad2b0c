/**
 * Far more outside names than the server forwards, while a second client asks for a cluster name at a steady rate. What the
 * kernel drops, because the queue of the socket is full, the server never sees: its own count of the steady client's queries
 * says how many it has received.
 */
import { type LoadThread, startLoad } from '../support/load/index.ts'
import type { RunningServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { question } from './messages.ts'
import { askOverUdp, seconds } from './traffic.ts'

export interface OverloadSettings {
  /** SRV, of which nobody else asks. */
  readonly steadyName: string
  readonly steadyPerSecond: number
  /** The flood is for random names below it. */
  readonly below: string
  readonly floodPerSecond: number
  readonly seconds: number
}

export interface OverloadReport {
  readonly steady: {
    readonly sent: number
    /** By the server. */
    readonly received: number
    readonly answered: number
    readonly median: number
    readonly p99: number
  }
  readonly flood: {
    readonly sent: number
    readonly answered: number
    readonly servfail: number
    /** SERVFAIL with extended error 23. */
    readonly explained: number
    readonly refused: number
  }
  /** Milliseconds from the flood's end until one of its client's outside names is answered. */
  readonly recovery: number
}

const flooder = '127.0.0.1'

export async function overload(server: RunningServer, settings: OverloadSettings): Promise<OverloadReport> {
  const { below } = settings
  const port = server.ports.dns
  const client = { port, from: '127.0.0.3', perSecond: settings.steadyPerSecond, type: 'SRV' }
  const before = await received(server, 'SRV')
  const steady = await startLoad({ ...client, ask: { names: [settings.steadyName] } })
  const flood = await startLoad({
    port,
    from: flooder,
    perSecond: settings.floodPerSecond,
    type: 'AAAA',
    ask: { below },
  })
  await seconds(settings.seconds)
  const flooded = await flood.stop(0)
  steady.pause()
  const over = performance.now()
  await untilAnswered(port, below)
  const recovery = performance.now() - over
  const { sent, read, answered, latency } = await settle(server, steady, before)
  return {
    steady: {
      sent,
      received: read,
      answered,
      median: latency(0.5),
      p99: latency(0.99),
    },
    flood: {
      sent: flooded.sent,
      answered: flooded.answered,
      servfail: flooded.servfail,
      explained: flooded.explained,
      refused: flooded.other,
    },
    recovery,
  }
}

/** Asks for a new outside name every 50 ms, as so many clients would, until one of them is answered. */
async function untilAnswered(port: number, below: string): Promise<void> {
  let asked = 0
  let isAnswered = false
  const ask = async () => {
    const reply = await askOverUdp(port, question(`after-${asked++}.${below}`, 'A', { id: asked }))
    if ((reply[3] & 15) === 0) isAnswered = true
  }
  const look = () => {
    ask().catch(() => undefined)
    if (!isAnswered) throw new Error('no outside name is answered')
  }
  await until(look, { every: 50 })
}

/**
 * Of a client that asks for SRV: what it has sent, what the server has read of it, and the replies, once all are there.
 * `before`: what the server had read of others.
 */
export async function settle(server: RunningServer, steady: LoadThread, before = 0) {
  steady.pause()
  // The socket is a queue: when this one has its reply all before it have been read, and their replies are on their way.
  await until(() => askOverUdp(server.ports.dns, question('last.cluster.local', 'A')))
  const read = (await received(server, 'SRV')) - before
  await until(() => {
    if (steady.counts().answered < read) throw new Error('replies are missing')
  }).catch(() => undefined)
  return { read, ...(await steady.stop(0)) }
}

/** Queries of a type that the server has received so far over UDP, by its own metrics. */
export async function received(server: RunningServer, type: string): Promise<number> {
  const { body } = await server.http('metrics', '/metrics')
  const line = new RegExp(`^coredns_dns_requests_total\\{.*proto="udp".*type="${type}".*\\} (\\d+)$`, 'm')
  return Number(line.exec(body)?.[1] ?? 0)
}
