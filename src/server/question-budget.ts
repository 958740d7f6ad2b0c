/** The budgets of all questions that the chain works on: what ends them, and when. */

import { type DetachedBudget, type QuestionEnd, queryLimits } from '../plugin/budget.ts'
import type { Clock, Timer } from '../scheduling/clock.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'

/**
 * Lookups that one question causes in all, each perhaps at an upstream: CoreDNS's longest chain of CNAMEs has 10, and a
 * client uses one address.
 */
export const maxInternalLookups = 64

/** Milliseconds after the deadline: a plugin that worked until then answers with what it has. */
const grace = 200

/** Milliseconds between two looks for questions that are late. One timer serves all of them. */
const sweepInterval = 100

export interface QuestionBudgets {
  /** The budget of a question. `client` is aborted when the client has gone. */
  open(receivedAt: number, client?: AbortSignal): QuestionBudget
  /** Ends every question that is waited for, and from now on each as soon as it is. */
  endAll(): void
  /** Counts a question that has reached a bound. */
  count(bound: 'deadline' | 'depth' | 'lookups'): void
}

export interface QuestionBudget extends DetachedBudget {
  /** Takes one internal lookup, whichever plugin asks. False when the bound is reached. */
  spendInternalLookup(): boolean
  /** From now on the question can end before its answer: then calls back, once. Until `close`. */
  watch(ended: (end: QuestionEnd) => void): void
}

/** What is left: shared by a question and the work that it has detached. */
interface Left {
  internalLookups: number
  lookups: number
  names: number
  octets: number
}

export function createQuestionBudgets(clock: Clock, metrics: MetricsRegistry): QuestionBudgets {
  const reached = metrics.counter(
    'slicedns_question_bound_reached_total',
    'Questions that reached a bound: deadline, depth or lookups.',
    ['bound'],
  )
  /** What can end early, in the order of the deadlines but for the time that questions wait for the chain. */
  const watched = new Map<object, { readonly deadline: number; end(end: QuestionEnd): void }>()
  let timer: Timer | undefined
  let shuttingDown = false

  function sweep(): void {
    const now = clock.now()
    for (const { deadline, end } of watched.values()) {
      if (deadline + grace > now) break
      end('deadline')
    }
    if (watched.size > 0) return
    timer?.cancel()
    timer = undefined
  }

  function open(receivedAt: number, client: AbortSignal | undefined, left: Left): QuestionBudget {
    const deadline = receivedAt + queryLimits.time
    let ended: QuestionEnd | undefined
    let controller: AbortController | undefined
    let onEnd: ((end: QuestionEnd) => void) | undefined
    const gone = (): void => end('gone')

    function end(reason: QuestionEnd): void {
      if (ended !== undefined) return
      ended = reason
      if (reason === 'deadline') reached.with(reason).inc()
      budget.close()
      controller?.abort(new Error(endText(reason)))
      onEnd?.(reason)
    }

    function startWatching(): void {
      if (ended !== undefined || watched.has(budget)) return
      watched.set(budget, { deadline, end })
      client?.addEventListener('abort', gone)
      timer ??= clock.every(sweepInterval, sweep)
      if (shuttingDown) end('shutdown')
      else if (client?.aborted) end('gone')
    }

    const budget: QuestionBudget = {
      deadline,
      get ended() {
        return ended
      },
      get signal() {
        if (!controller) {
          controller = new AbortController()
          if (ended !== undefined) controller.abort(new Error(endText(ended)))
          startWatching()
        }
        return controller.signal
      },
      spendInternalLookup: () => left.internalLookups-- > 0,
      spendLookup: () => left.lookups-- > 0,
      spendName: () => left.names-- > 0,
      spendOctets(octets) {
        left.octets -= octets
        return left.octets >= 0
      },
      detach: () => open(clock.now(), undefined, left),
      watch(call) {
        onEnd = call
        if (ended !== undefined) call(ended)
        else startWatching()
      },
      close() {
        watched.delete(budget)
        client?.removeEventListener('abort', gone)
      },
    }
    return budget
  }

  return {
    open(receivedAt, client) {
      const { lookups, names, octets } = queryLimits
      return open(receivedAt, client, { internalLookups: maxInternalLookups, lookups, names, octets })
    },
    endAll() {
      shuttingDown = true
      for (const { end } of watched.values()) end('shutdown')
    },
    count: (bound) => reached.with(bound).inc(),
  }
}

export function endText(end: QuestionEnd): string {
  if (end === 'deadline') return `no answer within ${queryLimits.time / 1000} s`
  return end === 'gone' ? 'the client has closed its connection' : 'the server is shutting down'
}
