/** The budgets of all questions that the chain works on: what ends a question, and when. */

import { type DetachedBudget, type QuestionEnd, queryLimits } from '../plugin/budget.ts'
import type { StepAllowance } from '../regexp/index.ts'
import type { Clock, Timer } from '../scheduling/clock.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'

/**
 * Internal lookups that one question may cause in total, each possibly at an upstream: CoreDNS's longest chain of CNAMEs
 * has 10, and a client uses one address.
 */
export const maxInternalLookups = 64

/** Milliseconds after the deadline, for a plugin that worked up to it to answer with what it has. */
const grace = 200

/** Milliseconds between two checks for overdue questions. One timer serves all of them. */
const sweepInterval = 100

export interface QuestionBudgets {
  /** The budget of a question. `client` is aborted when the client goes away. */
  open(receivedAt: number, client?: AbortSignal): QuestionBudget
  /** Ends every watched question, and each one watched later immediately. */
  endAll(): void
  /** Counts a question that has reached a bound. */
  count(bound: Bound): void
}

const bounds = ['deadline', 'depth', 'lookups', 'pattern'] as const
type Bound = (typeof bounds)[number]

export interface QuestionBudget extends DetachedBudget {
  /** Takes one internal lookup, for whichever plugin. False when the bound is reached. */
  spendInternalLookup(): boolean
  /** From now until `close` the question can end before its answer; `ended` is then called once. */
  watch(ended: (end: QuestionEnd) => void): void
}

/** The remaining budget, shared by a question and its detached work. */
interface Left {
  internalLookups: number
  lookups: number
  names: number
  octets: number
  readonly steps: StepAllowance
}

export function createQuestionBudgets(clock: Clock, metrics: MetricsRegistry): QuestionBudgets {
  const reached = metrics.counter(
    'slicedns_question_bound_reached_total',
    'Questions that reached a bound: deadline, depth, lookups or pattern.',
    ['bound'],
  )
  // Shown from the start, so that `rate` and `increase` see the first event.
  for (const bound of bounds) reached.with(bound)
  /** Questions that can end early. Ordered by deadline, apart from the time that they waited for the chain. */
  const watched = new Set<Budget>()
  let timer: Timer | undefined
  let shuttingDown = false

  function sweep(): void {
    const now = clock.now()
    for (const budget of watched) {
      if (budget.deadline + grace > now) break
      budget.end('deadline')
    }
    if (watched.size > 0) return
    timer?.cancel()
    timer = undefined
  }

  const count = (bound: Bound): void => reached.with(bound).inc()

  const owner: BudgetOwner = {
    count,
    watch(budget) {
      watched.add(budget)
      timer ??= clock.every(sweepInterval, sweep)
      if (shuttingDown) budget.end('shutdown')
    },
    release: (budget) => void watched.delete(budget),
    ended(reason) {
      if (reason === 'deadline') count(reason)
    },
    now: clock.now,
  }
  return {
    open: (receivedAt, client) => new Budget(owner, receivedAt, client, undefined),
    endAll() {
      shuttingDown = true
      for (const budget of watched) budget.end('shutdown')
    },
    count,
  }
}

interface BudgetOwner {
  count(bound: Bound): void
  watch(budget: Budget): void
  release(budget: Budget): void
  ended(reason: QuestionEnd): void
  now(): number
}

/** A class for speed: every query of the chain has one, and as closures it was a tenth of a cheap query's garbage. */
class Budget implements QuestionBudget {
  readonly deadline: number
  ended: QuestionEnd | undefined = undefined
  readonly #owner: BudgetOwner
  readonly #client: AbortSignal | undefined
  #left: Left | undefined
  #controller: AbortController | undefined = undefined
  #onEnd: ((end: QuestionEnd) => void) | undefined = undefined
  /** Listens to the client's signal while the question is watched. */
  #gone: (() => void) | undefined = undefined
  #watched = false

  constructor(owner: BudgetOwner, receivedAt: number, client: AbortSignal | undefined, left: Left | undefined) {
    this.deadline = receivedAt + queryLimits.time
    this.#owner = owner
    this.#client = client
    this.#left = left
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.ended !== undefined) this.#controller.abort(new Error(endText(this.ended)))
      this.#startWatching()
    }
    return this.#controller.signal
  }

  spendInternalLookup(): boolean {
    return this.#own().internalLookups-- > 0
  }

  spendLookup(): boolean {
    return this.#own().lookups-- > 0
  }

  spendName(): boolean {
    return this.#own().names-- > 0
  }

  get steps(): StepAllowance {
    return this.#own().steps
  }

  countSteps(): void {
    this.#owner.count('pattern')
  }

  spendOctets(octets: number): boolean {
    const left = this.#own()
    left.octets -= octets
    return left.octets >= 0
  }

  detach(): DetachedBudget {
    return new Budget(this.#owner, this.#owner.now(), undefined, this.#own())
  }

  watch(call: (end: QuestionEnd) => void): void {
    this.#onEnd = call
    if (this.ended !== undefined) call(this.ended)
    else this.#startWatching()
  }

  close(): void {
    if (!this.#watched) return
    this.#watched = false
    this.#owner.release(this)
    if (this.#gone) this.#client?.removeEventListener('abort', this.#gone)
  }

  end(reason: QuestionEnd): void {
    if (this.ended !== undefined) return
    this.ended = reason
    this.#owner.ended(reason)
    this.close()
    this.#controller?.abort(new Error(endText(reason)))
    this.#onEnd?.(reason)
  }

  #startWatching(): void {
    if (this.ended !== undefined || this.#watched) return
    this.#watched = true
    if (this.#client?.aborted) {
      this.end('gone')
      return
    }
    if (this.#client) {
      this.#gone = () => this.end('gone')
      this.#client.addEventListener('abort', this.#gone)
    }
    this.#owner.watch(this)
  }

  #own(): Left {
    if (!this.#left) {
      const { lookups, names, octets, steps } = queryLimits
      this.#left = { internalLookups: maxInternalLookups, lookups, names, octets, steps: { left: steps } }
    }
    return this.#left
  }
}

export function endText(end: QuestionEnd): string {
  if (end === 'deadline') return `no answer within ${queryLimits.time / 1000} s`
  return end === 'gone' ? 'the client has closed its connection' : 'the server is shutting down'
}
