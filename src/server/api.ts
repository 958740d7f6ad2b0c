/** A running server, as seen by whoever inspects, reloads or stops it. */
import type { Inspection } from '../console/inspection.ts'
import type { LastReload } from '../console/state.ts'
import type { Corefile } from '../corefile/index.ts'
import type { ReloadResult } from '../plugin/contract.ts'
import type { Dispatcher } from './dispatch.ts'
import type { Ingress } from './ingress.ts'
import type { QuestionBudgets } from './question-budget.ts'
import type { RunningConfiguration } from './running.ts'

export interface Server {
  readonly ingress: Ingress
  readonly dispatcher: Dispatcher
  readonly budgets: QuestionBudgets
  /** What the server reports about itself. */
  readonly inspection: Inspection
  /** The configuration in force. */
  readonly current: () => RunningConfiguration
  /** The Corefile of that configuration. */
  readonly corefile: () => Corefile
  /** Undefined: no reload since the start. */
  readonly lastReload: () => LastReload | undefined
  reload(reason: string): Promise<ReloadResult>
  /** Drains (lameduck, then until no queries arrive) and stops. */
  shutdown(): Promise<void>
}
