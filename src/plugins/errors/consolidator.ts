import { durationText } from '../../corefile/read.ts'
import { type Pattern, type StepAllowance, StepsError } from '../../regexp/index.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import type { Logger } from '../../telemetry/log.ts'

export type Level = 'warning' | 'error' | 'info' | 'debug'

/** Errors to be counted instead of logged. */
export interface Consolidation {
  readonly pattern: Pattern
  /** The pattern as written in the Corefile, for the summary. */
  readonly text: string
  /** Milliseconds from the first error to the summary. */
  readonly period: number
  readonly level: Level
  /** The first error of a period is logged, too. */
  readonly showFirst: boolean
}

export interface Consolidator {
  /** True when a rule takes the error, which is then not logged by itself. `line` is the line for it. */
  takes(message: string, line: string, allowance: StepAllowance): boolean
  /** Logs the outstanding summaries: no count is lost when the configuration ends. */
  flush(): void
}

export function createConsolidator(rules: readonly Consolidation[], clock: Clock, log: Logger): Consolidator {
  const running = rules.map((rule) => createCount(rule, clock, log))
  return {
    takes(message, line, allowance) {
      const found = running.find(({ pattern }) => matches(pattern, message, allowance))
      found?.add(line)
      return found !== undefined
    },
    flush() {
      for (const count of running) count.flush()
    },
  }
}

/** A message on which the search takes too many steps, or whose query has no steps left, is not consolidated. */
function matches(pattern: Pattern, message: string, allowance: StepAllowance): boolean {
  try {
    return pattern.test(message, allowance)
  } catch (error) {
    if (error instanceof StepsError) return false
    throw error
  }
}

function createCount({ pattern, text, period, level, showFirst }: Consolidation, clock: Clock, log: Logger) {
  let count = 0
  let timer: Timer | undefined

  function summarize(): void {
    timer?.cancel()
    timer = undefined
    // The only error of the period has been logged already.
    if (count > 0 && !(showFirst && count === 1))
      log[level](`${count} errors like '${text}' occurred in last ${durationText(period)}`)
    count = 0
  }

  return {
    pattern,
    add(line: string) {
      count++
      if (count > 1) return
      if (showFirst) log[level](line)
      timer = clock.after(Math.max(0, period), summarize)
    },
    flush: summarize,
  }
}
