/** Answers what the table does not: parses the message, chooses the server block, runs its chain, writes the reply. */

import { dnsClass, opcode, rcode, typeName } from '../dns/codes.ts'
import { infoCode } from '../dns/extended-error.ts'
import type { Message } from '../dns/message.ts'
import { lowerName } from '../dns/name.ts'
import { badVersionReply, formatErrorReply, notImplementedReply, parseRequest } from '../dns/reply.ts'
import { ParseError } from '../dns/wire.ts'
import type { ExtendedError } from '../plugin/extended-error.ts'
import { forClient, type Outcome, type Query, type RcodeOnly } from '../plugin/query.ts'
import type { QueryMetrics } from '../plugin/query-metrics.ts'
import { StepsError } from '../regexp/index.ts'
import type { Clock } from '../scheduling/clock.ts'
import { errorStack } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { CounterCell } from '../telemetry/metrics.ts'
import type { Block, ListenerPlan } from './block.ts'
import type { Miss } from './ingress.ts'
import { endText, maxInternalLookups, type QuestionBudget, type QuestionBudgets } from './question-budget.ts'
import { type BlockEffects, replyOctets } from './reply-octets.ts'
import { routeQuery } from './route-query.ts'

/** How deep internal lookups may nest for one query (docs/coredns-behaviour.md §4.5: chains of 10). */
const maxLookupDepth = 10

type Octets = Uint8Array | undefined

export interface Dispatcher {
  /** Octets of the reply, or undefined to send nothing. Never rejects and never throws. */
  answer(miss: Miss, plan: ListenerPlan): Octets | Promise<Octets>
  /** The chain's outcome for a question of the server itself (`explain`). */
  outcome(request: Message, plan: ListenerPlan, asked: AskedBy): Promise<Outcome>
}

/** Who asked, over which transport, and when. */
export type AskedBy = Pick<Query, 'transport' | 'client' | 'local' | 'receivedAt' | 'unrecorded'> &
  Partial<Pick<Query, 'releaseSlot' | 'begun' | 'octets' | 'passing'>>

export interface DispatcherOptions {
  readonly log: Logger
  readonly panics: CounterCell
  readonly clock: Clock
  readonly queryMetrics: QueryMetrics
  readonly budgets: QuestionBudgets
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { budgets } = options

  /** Turns an exception into a SERVFAIL for this client. */
  function recovered(plan: ListenerPlan, error: unknown): RcodeOnly {
    options.panics.inc()
    options.log.error(`Recovered from panic in server: "${plan.server}" ${errorStack(error)}`)
    return servfail()
  }

  /** Chooses the server block that owns the question, and runs its chain. */
  function runChain(
    request: Message,
    plan: ListenerPlan,
    asked: Asked,
    depth = 0,
    course: Course = { onClient: false },
  ): Outcome | Promise<Outcome> {
    const cause: Cause = { request, plan, asked, depth, course }
    const arrived = queryFor(request, plan, asked, (...about) => lookup(cause, ...about))
    if (arrived.qclass !== dnsClass.IN && !plan.everyClass) return refuse(arrived)
    try {
      const { routed, viewed, query } = routeQuery(plan, arrived)
      course.onClient ||= viewed
      course.block = routed?.block
      if (!routed?.block.chain) return refuse(arrived)
      if (request.opcode === opcode.UPDATE && !routed.block.takesUpdates) return bare(rcode.NOTIMP)
      const outcome = routed.block.chain(query)
      return outcome instanceof Promise ? outcome.catch((error: unknown) => recovered(plan, error)) : outcome
    } catch (error) {
      return error instanceof StepsError ? unrouted(arrived, error) : recovered(plan, error)
    }
  }

  /** Failed to decide which view takes the query. No block has it, so no `errors` plugin logs it. */
  function unrouted({ name, qtype, budget, unrecorded }: Query, error: StepsError): RcodeOnly {
    budget.countSteps()
    if (!unrecorded) options.log.error(`${rcode.SERVFAIL} ${name} ${typeName(qtype)}: view: ${error.message}`)
    return servfail()
  }

  function refuse(query: Query): RcodeOnly {
    const seconds = (options.clock.now() - query.receivedAt) / 1000
    if (!query.unrecorded) options.queryMetrics.countDropped(query, rcode.REFUSED, seconds)
    return { kind: 'rcode', rcode: rcode.REFUSED, plugin: '', extendedError: { code: infoCode.notAuthoritative } }
  }

  /** A plugin's own question: routed on the same listener, and run through a chain again. */
  async function lookup(cause: Cause, name: string, type: number, by?: string): Promise<Outcome> {
    const { request, plan, asked, depth } = cause
    const { budget } = asked
    if (budget.ended !== undefined) return servfail(`${name} is not looked up: ${endText(budget.ended)}`)
    if (depth >= maxLookupDepth) {
      budgets.count('depth')
      return servfail(`maximum internal lookup depth (${maxLookupDepth}) exceeded for ${name}`)
    }
    if (!budget.spendInternalLookup()) {
      budgets.count('lookups')
      return servfail(`maximum number of internal lookups (${maxInternalLookups}) exceeded for ${name}`)
    }
    const questions = [{ name, type, class: dnsClass.IN }]
    // The client's TSIG covers the client's question only.
    const inner: Message = { ...request, opcode: 0, questions, additional: [] }
    const course: Course = { onClient: false }
    const outcome = await runChain(
      inner,
      plan,
      {
        ...asked,
        releaseSlot: undefined,
        begun: undefined,
        octets: undefined,
        passing: by === undefined ? asked.passing : new Set(asked.passing).add(by),
      },
      depth + 1,
      course,
    )
    cause.course.reason ??= outcome.extendedError ?? course.reason
    if (!course.onClient && !outcome.forClient) return outcome
    cause.course.onClient = true
    return forClient(outcome)
  }

  /** The outcome, or SERVFAIL if the question ends first: the chain's outcome is then discarded. */
  function orEnded(outcome: Promise<Outcome>, budget: QuestionBudget): Promise<Outcome> {
    return new Promise((resolve) => {
      budget.watch((end) => resolve(end === 'gone' ? { kind: 'drop', plugin: '' } : servfail()))
      outcome.then((settled) => {
        budget.close()
        // Messages that are never sent would hold resources of the plugin that makes them.
        if (budget.ended !== undefined && settled.kind === 'reply') settled.moreMessages?.return?.()
        resolve(settled)
      })
    })
  }

  /** A reply that cannot be encoded (a name is too long, for example) counts as an exception of the plugin that made it. */
  function octetsOf(outcome: Outcome, request: Message, miss: Miss, plan: ListenerPlan, course: Course): Octets {
    const { block, reason } = course
    try {
      const explained = reason && !outcome.extendedError ? { ...outcome, extendedError: reason } : outcome
      return replyOctets(explained, request, miss, block ?? effectsWithoutBlock(plan))
    } catch (error) {
      return replyOctets(recovered(plan, error), request, miss, block ?? effectsWithoutBlock(plan))
    }
  }

  return {
    answer(miss, plan) {
      const isUpdate = ((miss.request[2] >> 3) & 15) === opcode.UPDATE
      if (isUpdate && !plan.takesUpdates) return notImplementedReply(miss.request)
      let request: Message
      try {
        request = parseRequest(miss.request)
      } catch (error) {
        if (error instanceof ParseError) return formatErrorReply(error)
        throw error
      }
      if (isUpdate && request.questions.length !== 1)
        return replyOctets(bare(rcode.FORMERR), request, miss, effectsWithoutBlock(plan))
      const version = request.edns?.version ?? 0
      if (version !== 0 && (plan.everyClass || request.questions[0]?.class === dnsClass.IN))
        return badVersionReply(request)
      const budget = budgets.open(miss.receivedAt, miss.signal)
      const { request: octets, transport, client, local, receivedAt, releaseSlot, begun } = miss
      const asked: Asked = {
        octets,
        transport,
        client,
        local,
        receivedAt,
        releaseSlot,
        begun,
        budget,
        unrecorded: undefined,
      }
      const course: Course = { onClient: false }
      const outcome = runChain(request, plan, asked, 0, course)
      if (!(outcome instanceof Promise)) return octetsOf(outcome, request, miss, plan, course)
      return orEnded(outcome, budget).then((settled) => octetsOf(settled, request, miss, plan, course))
    },
    async outcome(request, plan, asked) {
      const budget = budgets.open(options.clock.now())
      const outcome = runChain(request, plan, { ...asked, budget })
      return outcome instanceof Promise ? orEnded(outcome, budget) : outcome
    },
  }
}

type Asked = AskedBy & { readonly budget: QuestionBudget }

/** What caused a lookup. */
interface Cause {
  readonly request: Message
  readonly plan: ListenerPlan
  readonly asked: Asked
  readonly depth: number
  readonly course: Course
}

/** What a run through a chain has established so far. */
interface Course {
  /** The outcome depends on the client: see Outcome's `forClient`. */
  onClient: boolean
  /** The block that took the query. */
  block?: Block | undefined
  /** The first extended error of an internal lookup: why a CNAME's target has no answer. */
  reason?: ExtendedError | undefined
}

/** For a query that no block takes. */
const effectsWithoutBlock = ({ extendedErrors }: ListenerPlan): BlockEffects => ({
  maxPayload: undefined,
  extendedErrors,
})

const bare = (code: number): RcodeOnly => ({ kind: 'rcode', rcode: code, plugin: '' })

const servfail = (reason?: string): RcodeOnly => ({
  kind: 'rcode',
  rcode: rcode.SERVFAIL,
  plugin: '',
  ofQuestion: true,
  ...(reason !== undefined && { error: new Error(reason) }),
})

/** The query as the chain gets it. `zone` is the block's, known once the query is routed. */
export function queryFor(request: Message, plan: ListenerPlan, asked: Asked, lookup: Query['lookup']): Query {
  const [question] = request.questions
  return {
    request,
    qname: question.name,
    name: lowerName(question.name),
    qtype: question.type,
    qclass: question.class,
    transport: asked.transport,
    client: asked.client,
    local: asked.local,
    zone: '.',
    server: plan.server,
    view: '',
    metadata: undefined,
    receivedAt: asked.receivedAt,
    budget: asked.budget,
    releaseSlot: asked.releaseSlot,
    unrecorded: asked.unrecorded,
    begun: asked.begun,
    octets: asked.octets,
    passing: asked.passing,
    lookup,
  }
}
