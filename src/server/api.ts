/** A running server, as those see it who look into it or end it. */
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
  /** What it shows of itself. */
  readonly inspection: Inspection
  /** The configuration that answers now. */
  readonly current: () => RunningConfiguration
  /** The Corefile that it was made from. */
  readonly corefile: () => Corefile
  /** Undefined: there has been none since the start. */
  readonly lastReload: () => LastReload | undefined
  reload(reason: string): Promise<ReloadResult>
  /** Drains (lameduck, then until it is quiet) and stops. */
  shutdown(): Promise<void>
}
