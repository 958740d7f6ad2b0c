import type { Clock } from '../../src/scheduling/clock.ts'
import { createQuestionBudgets, type QuestionBudget } from '../../src/server/question-budget.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { createFakeClock } from './fake-clock.ts'

/** The budget of a question that was received at that time of the clock. */
export function questionBudget(receivedAt = 0, clock: Clock = createFakeClock()): QuestionBudget {
  return createQuestionBudgets(clock, createMetrics()).open(receivedAt)
}
