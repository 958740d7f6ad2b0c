/** Assembles the transports: UDP by threads if the native calls are available, otherwise by node:dgram; and connections. */
import type { Responder, ResponderOptions } from '../answer/api.ts'
import { createQueryRing, createResponder, LOCAL } from '../answer/index.ts'
import { type Libc, loadLibc } from '../libc/libc.ts'
import { type ProcessLimits, readProcessLimits } from '../process-limits/index.ts'
import { type Clock, systemClock } from '../scheduling/clock.ts'
import { createTurns } from '../scheduling/turns.ts'
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
  /** `dgram` forces the portable path; default: SLICEDNS_UDP, else `auto`. */
  readonly udp?: 'auto' | 'dgram'
  /** What limits are derived from; read from the system when absent. */
  readonly processLimits?: ProcessLimits
  readonly limits?: Partial<Limits>
  /** For tests: a module that exports `createResponder` in place of the server's own, and the name of the export. */
  readonly responder?: {
    readonly module: string
    readonly create: (table: TableHandle, slot: number, options?: ResponderOptions) => Responder
  }
  /**
   * Fault injection: the first UDP threads throw after this many datagrams, their replacements after the next number, to
   * test that threads are replaced. Default: SLICEDNS_UDP_THREAD_DIES_AFTER (for example `500 20`), else never.
   */
  readonly threadDiesAfter?: readonly number[]
}

/** Serves the listeners of certain schemes. */
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
  const responder = (options.responder?.create ?? createResponder)(table, LOCAL, {
    udpReplyOctets: largestDatagram,
    queries,
  })
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
  /** Protocols over connections. A new one is added here. */
  const protocols = [tcp, dnsOverTls, dnsOverHttps(limits, metrics), dnsOverGrpc(limits, metrics)]
  /** Connections come first: binding them detects another server on the same port, while UDP shares it (SO_REUSEPORT). */
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
  /** Changes are made one at a time. */
  const inTurn = createTurns()

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
    // Before the first query of the new listeners, and until after the last one of the old.
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
