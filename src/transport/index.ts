/** The ways in, assembled: UDP by threads where the system has the calls for it, else by node:dgram; TCP beside it. */
import type { Responder, ResponderOptions } from '../answer/api.ts'
import { createQueryRing, createResponder, LOCAL } from '../answer/index.ts'
import { type Clock, systemClock } from '../scheduling/clock.ts'
import type { AnsweredHandler, Ingress, Listener, MissHandler } from '../server/ingress.ts'
import type { TableHandle } from '../table/api.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import { openDgram } from './dgram.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { keyOf } from './listener-address.ts'
import { registerMetrics } from './metrics.ts'
import { openQueryLogReader } from './query-log.ts'
import { openTcp } from './tcp/listeners.ts'
import type { StagedChange } from './transport.ts'
import { largestDatagram } from './udp/batch.ts'
import { type Libc, loadLibc } from './udp/libc.ts'
import { openUdpThreads } from './udp/listeners.ts'

export interface TransportOptions {
  readonly table: TableHandle
  readonly addReader: () => { readonly slot: number; release(): void }
  readonly onMiss: MissHandler
  readonly onAnswered: AnsweredHandler
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock?: Clock
  /** `dgram` forces the portable path; default: what SLICEDNS_UDP says, else `auto`. */
  readonly udp?: 'auto' | 'dgram'
  readonly limits?: Partial<Limits>
  /** For tests: a module that exports `createResponder` instead of ours, and the function it exports. */
  readonly responder?: {
    readonly module: string
    readonly create: (table: TableHandle, slot: number, options?: ResponderOptions) => Responder
  }
  /**
   * Fault injection: each UDP thread throws once after so many datagrams, to show that it is replaced. Default: what
   * SLICEDNS_UDP_THREAD_DIES_AFTER says, else never.
   */
  readonly threadDiesAfter?: number
}

export function createTransport(options: TransportOptions): Ingress {
  const clock = options.clock ?? systemClock
  const limits: Limits = { ...defaultLimits, ...options.limits }
  const metrics = registerMetrics(options.metrics)
  const { log, onMiss, table, addReader } = options
  const { onAnswered } = options
  const answered = openQueryLogReader({
    onAnswered,
    clock,
    log,
    dropped: metrics.logDropped,
    onCollect: metrics.onCollect,
  })
  const queries = createQueryRing()
  answered.addRing(queries)
  const responder = (options.responder?.create ?? createResponder)(table, LOCAL, { udpRoom: largestDatagram, queries })
  const shared = { table, addReader, onMiss, answered, clock, log, metrics, limits, responder }
  const native = findNative(options.udp ?? (process.env.SLICEDNS_UDP === 'dgram' ? 'dgram' : 'auto'), log)
  const dieAfter = options.threadDiesAfter ?? Number(process.env.SLICEDNS_UDP_THREAD_DIES_AFTER ?? 0)
  const udp =
    native === undefined
      ? openDgram(shared)
      : openUdpThreads({ ...shared, native, responder: options.responder?.module, dieAfter })
  const tcp = openTcp(shared)
  let turn: Promise<unknown> = Promise.resolve()
  /** One change at a time. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }

  async function apply(listeners: readonly Listener[]): Promise<void> {
    const keys = new Set(listeners.map(keyOf))
    if (keys.size !== listeners.length) throw new Error('two listeners have the same address and port')
    // TCP first: it notices a server that is already there.
    const stages: StagedChange[] = [await tcp.stage(listeners)]
    try {
      stages.push(await udp.stage(listeners))
    } catch (error) {
      await stages[0]!.abandon()
      throw error
    }
    await Promise.all(stages.map((stage) => stage.commit()))
  }

  return {
    udp: native === undefined ? 'dgram' : 'threads',
    apply: (listeners) => inTurn(() => apply(listeners)),
    lastQueryAt: () => Math.max(udp.lastQueryAt(), tcp.lastQueryAt()),
    flushQueryLog: answered.drain,
    close: () =>
      inTurn(async () => {
        await Promise.all([udp.close(), tcp.close()])
        answered.close()
      }),
  }
}

function findNative(wanted: 'auto' | 'dgram', log: Logger): Libc | undefined {
  if (wanted === 'dgram') {
    log.info('UDP goes by node:dgram, as asked')
    return undefined
  }
  try {
    return loadLibc()
  } catch (error) {
    log.warning(`UDP goes by node:dgram, which is slower: ${errorMessage(error)}`)
    return undefined
  }
}
