/** State shared by all connections, whatever their protocol. */
import type { Responder } from '../../answer/api.ts'
import type { Libc } from '../../libc/libc.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { createCooperativeScheduler, sliceLength } from '../../scheduling/cooperative-scheduler.ts'
import type { MissHandler } from '../../server/ingress.ts'
import { errorStack } from '../../telemetry/error-text.ts'
import type { FairBudget } from '../fair-budget.ts'
import { guardAnswer } from '../guarded-answer.ts'
import type { Limits } from '../limits.ts'
import type { QueryLogReader } from '../query-log.ts'
import type { MainThreadOptions } from '../transport.ts'
import { type ConnectionTable, createConnectionTable } from './connection-table.ts'
import { createReplyStreams, type ReplyStreams } from './multi-message.ts'
import { scratchBytes } from './output.ts'
import { createTurns, type Turns } from './turns.ts'

export interface SharedState {
  readonly responder: Responder
  /** `responder.answer`, guarded. */
  readonly answer: Responder['answer']
  readonly queryLog: QueryLogReader
  readonly onMiss: MissHandler
  readonly waiting: FairBudget
  readonly clock: Clock
  readonly turns: Turns
  readonly limits: Limits
  readonly scratch: Buffer
  readonly table: ConnectionTable
  readonly streams: ReplyStreams
  lastQueryAt: number
  readonly onOversized: () => void
  /** A multi-message reply has failed. */
  readonly onStreamFailure: (error: unknown) => void
}

export interface StreamOptions extends MainThreadOptions {
  readonly onMiss: MissHandler
  /** Budget of octets for waiting queries, shared by all transports. */
  readonly waiting: FairBudget
  /** The native calls, where available. */
  readonly native: Libc | undefined
}

export function createSharedState(options: StreamOptions): SharedState {
  const { responder, queryLog, onMiss, waiting, clock, limits, metrics, log } = options
  const report = (error: unknown): void =>
    log.error(`Answering from the table failed; the plugin chain was asked: ${errorStack(error)}`)
  return {
    responder,
    answer: guardAnswer(responder, { count: () => metrics.answerFailures.inc(), report, now: () => clock.now() }),
    queryLog,
    onMiss,
    waiting,
    clock,
    limits,
    // Not longer: new connections and the plugin chain wait for the end of a slice.
    turns: createTurns(createCooperativeScheduler(clock, sliceLength)),
    scratch: Buffer.alloc(scratchBytes),
    table: createTable(options, limits.tcpConnections, limits.tcpConnectionsPerClient),
    streams: createReplyStreams(limits.tcpStreams, clock),
    lastQueryAt: Number.NEGATIVE_INFINITY,
    onOversized: () => metrics.tcpOversized.inc(),
    onStreamFailure(error) {
      metrics.answerFailures.inc()
      log.error(`A reply of several messages failed, and its connection was closed: ${errorStack(error)}`)
    },
  }
}

export function createTable(
  { limits, metrics, clock }: StreamOptions,
  most: number,
  perClient = most,
): ConnectionTable {
  return createConnectionTable({
    connections: most,
    connectionsPerClient: perClient,
    inputBytes: limits.tcpInputBytes,
    unsentBytes: limits.tcpUnsentBytes,
    onEvicted: (reason) => metrics.tcpEvictions[reason].inc(),
    now: () => clock.now(),
  })
}
