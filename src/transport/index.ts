/** The transports, assembled: UDP by threads where the system has the calls for it, else by node:dgram; connections beside it. */
import type { Responder, ResponderOptions } from '../answer/api.ts'
import { createQueryRing, createResponder, LOCAL } from '../answer/index.ts'
import { type Libc, loadLibc } from '../libc/libc.ts'
import { type ProcessLimits, readProcessLimits } from '../process-limits/index.ts'
import { type Clock, systemClock } from '../scheduling/clock.ts'
import type { AnsweredHandler, Ingress, Listener, MissHandler, RelayedHandler } from '../server/ingress.ts'
import type { TableHandle } from '../table/api.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import { createChainSlots } from './chain-slots.ts'
import { openDgram } from './dgram.ts'
import { createFairBudget } from './fair-budget.ts'
import { dnsOverGrpc } from './grpc/protocol.ts'
import { dnsOverHttps } from './https/protocol.ts'
import { type Limits, limitsFor } from './limits.ts'
import { keyOf } from './listener-address.ts'
import { returnMemory } from './memory-return.ts'
import { registerMetrics } from './metrics.ts'
import { openQueryLogReader } from './query-log.ts'
import { createTableAnswers } from './table-answers.ts'
import { dnsOverTls, tcp } from './tcp/dns-protocols.ts'
import { openStreamTransport } from './tcp/listeners.ts'
import type { StagedChange, Transport } from './transport.ts'
import { largestDatagram } from './udp/batch.ts'
import { openUdpThreads } from './udp/listeners.ts'

export interface TransportOptions {
  readonly table: TableHandle
  readonly addReader: () => { readonly slot: number; release(): void }
  readonly onMiss: MissHandler
  readonly onAnswered: AnsweredHandler
  readonly onRelayed: RelayedHandler
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock?: Clock
  /** `dgram` forces the portable path; default: what SLICEDNS_UDP says, else `auto`. */
  readonly udp?: 'auto' | 'dgram'
  /** What bounds are derived from; read from the system when absent. */
  readonly processLimits?: ProcessLimits
  readonly limits?: Partial<Limits>
  /** For tests: a module that exports `createResponder` instead of ours, and the function it exports. */
  readonly responder?: {
    readonly module: string
    readonly create: (table: TableHandle, slot: number, options?: ResponderOptions) => Responder
  }
  /**
   * Fault injection: each UDP thread throws after so many datagrams, the one in its place after the next number, to show that
   * they are replaced. Default: what SLICEDNS_UDP_THREAD_DIES_AFTER says (`500 20`), else never.
   */
  readonly threadDiesAfter?: readonly number[]
}

/** What serves the listeners of some schemes. */
interface SchemeTransport {
  readonly schemes: readonly Listener['scheme'][]
  readonly transport: Transport
}

export function createTransport(options: TransportOptions): Ingress {
  const { log, onMiss, onRelayed, table, addReader, clock = systemClock } = options
  const limits: Limits = { ...limitsFor(options.processLimits ?? readProcessLimits()), ...options.limits }
  const metrics = registerMetrics(options.metrics)
  const queryLog = openQueryLogReader({
    onAnswered: options.onAnswered,
    clock,
    log,
    dropped: metrics.logDropped,
    onCollect: metrics.onCollect,
  })
  const queries = createQueryRing()
  queryLog.addRing(queries)
  const responder = (options.responder?.create ?? createResponder)(table, LOCAL, { udpRoom: largestDatagram, queries })
  const waiting = createFairBudget(limits.waitingBytes, () => metrics.waitingRefused.inc())
  const slots = createChainSlots({
    onMiss,
    limit: limits.udpPending,
    waiting,
    onOverflow: () => metrics.missQueueOverflow.inc(),
  })
  const tableAnswers = createTableAnswers({ responder, queryLog, clock, log, metrics })
  const shared = { table, addReader, onMiss, slots, waiting, queryLog, clock, log, metrics, limits, responder }
  const native = findNative(options.udp ?? (process.env.SLICEDNS_UDP === 'dgram' ? 'dgram' : 'auto'), log)
  const dieAfter = options.threadDiesAfter ?? process.env.SLICEDNS_UDP_THREAD_DIES_AFTER?.split(' ').map(Number) ?? []
  const udp =
    native === undefined
      ? openDgram({ ...shared, tableAnswers })
      : openUdpThreads({ ...shared, native, onRelayed, tableAnswers, responder: options.responder?.module, dieAfter })
  /** What is served over connections. Another protocol is another word here. */
  const protocols = [tcp, dnsOverTls, dnsOverHttps(limits, metrics), dnsOverGrpc(limits, metrics)]
  /** Connections come first: that detects another server on the same port. */
  const transports: readonly SchemeTransport[] = [
    {
      schemes: protocols.map(({ scheme }) => scheme),
      transport: openStreamTransport(protocols, { ...shared, native }),
    },
    { schemes: ['dns'], transport: udp },
  ]
  const returning =
    native &&
    returnMemory({ clock, resident: process.memoryUsage.rss, trim: native.trim, bound: native.boundFreeMemory })
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
    const unserved = listeners.find(({ scheme }) => !transports.some(({ schemes }) => schemes.includes(scheme)))
    if (unserved) throw new Error(`listener ${keyOf(unserved)}: scheme ${unserved.scheme} is not supported`)
    const stages: StagedChange[] = []
    try {
      for (const { schemes, transport } of transports)
        stages.push(await transport.stage(listeners.filter(({ scheme }) => schemes.includes(scheme))))
    } catch (error) {
      await Promise.all(stages.map((stage) => stage.abandon()))
      throw error
    }
    // Before the first query of the new listeners, and until the last one of the old.
    const wanted = listeners.some(({ observesMessages }) => observesMessages)
    if (wanted) queryLog.recordMessages(true)
    await Promise.all(stages.map((stage) => stage.commit()))
    queryLog.recordMessages(wanted)
  }

  return {
    udp: native === undefined ? 'dgram' : 'threads',
    apply: (listeners) => inTurn(() => apply(listeners)),
    lastQueryAt: () => Math.max(...transports.map(({ transport }) => transport.lastQueryAt())),
    flushQueryLog: queryLog.drain,
    relayed: () => udp.relayed?.() ?? 0,
    close: () =>
      inTurn(async () => {
        await Promise.all(transports.map(({ transport }) => transport.close()))
        queryLog.close()
        returning?.stop()
      }),
  }
}

function findNative(wanted: 'auto' | 'dgram', log: Logger): Libc | undefined {
  if (wanted === 'dgram') {
    log.info('UDP uses node:dgram, as SLICEDNS_UDP says')
    return undefined
  }
  try {
    return loadLibc()
  } catch (error) {
    log.warning(`UDP uses node:dgram, which is slower: the native calls cannot be loaded: ${errorMessage(error)}`)
    return undefined
  }
}
