/** What all connections share, whatever their protocol. */
import type { Responder } from '../../answer/api.ts'
import type { Clock } from '../../scheduling/clock.ts'
import type { MissHandler } from '../../server/ingress.ts'
import type { FairBudget } from '../fair-budget.ts'
import type { Limits } from '../limits.ts'
import type { QueryLogReader } from '../query-log.ts'
import type { ConnectionTable } from './connection-table.ts'
import type { ReplyStreams } from './multi-message.ts'
import type { Turns } from './turns.ts'

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
  /** A reply of many messages has failed. */
  readonly onStreamFailure: (error: unknown) => void
}
