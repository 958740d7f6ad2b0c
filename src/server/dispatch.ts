/** Answers what the table does not: octets to message, message to server block, chain, and back to octets. */

import { dnsClass, rcode } from '../dns/codes.ts'
import type { Message } from '../dns/message.ts'
import { lowerName } from '../dns/name.ts'
import { finishReply, formatErrorReply, parseRequest, replyTo } from '../dns/reply.ts'
import { ParseError } from '../dns/wire.ts'
import { createQueryBudget } from '../plugin/budget.ts'
import type { Outcome, Query, RcodeOnly } from '../plugin/query.ts'
import type { QueryMetrics } from '../plugin/query-metrics.ts'
import type { Clock } from '../scheduling/clock.ts'
import { errorStack } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { CounterCell } from '../telemetry/metrics.ts'
import type { ListenerPlan } from './block.ts'
import type { Miss } from './ingress.ts'

/** Internal lookups within internal lookups that one query may cause (docs/coredns-behaviour.md §4.5: chains of 10). */
const maxLookupDepth = 10

export interface Dispatcher {
  /** Octets of the reply, or undefined to say nothing. Never rejects and never throws. */
  answer(miss: Miss, plan: ListenerPlan): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** What the chain says to a question, without a client (`explain`). */
  outcome(request: Message, plan: ListenerPlan, asked: AskedBy): Outcome | Promise<Outcome>
}

/** Who asked, and how. */
export type AskedBy = Pick<Query, 'transport' | 'client' | 'local' | 'receivedAt' | 'releaseSlot' | 'budget'>

export interface DispatcherOptions {
  readonly log: Logger
  readonly panics: CounterCell
  readonly clock: Clock
  readonly queryMetrics: QueryMetrics
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  function failed(plan: ListenerPlan, error: unknown): RcodeOnly {
    const reason = errorStack(error)
    options.panics.inc()
    options.log.error(`Recovered from panic in server: "${plan.server}" ${reason}`)
    return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin: '' }
  }

  /** Runs the chain of the block that owns the question. An exception costs its own client a SERVFAIL, no one else. */
  function outcome(request: Message, plan: ListenerPlan, asked: AskedBy, depth = 0): Outcome | Promise<Outcome> {
    const bounded = { ...asked, budget: asked.budget ?? createQueryBudget(asked.receivedAt) }
    const query = queryFor(request, plan, bounded, (name, type) => lookup(request, plan, bounded, depth, name, type))
    if (query.qclass !== dnsClass.IN && !plan.everyClass) return refuse(query)
    const routed = plan.router.route(query.name, query.qtype)
    if (!routed?.block.chain) return refuse(query)
    try {
      const result = routed.block.chain({ ...query, zone: routed.zone })
      return result instanceof Promise ? result.catch((error: unknown) => failed(plan, error)) : result
    } catch (error) {
      return failed(plan, error)
    }
  }

  function refuse(query: Query): RcodeOnly {
    options.queryMetrics.countDropped(query, rcode.REFUSED, (options.clock.now() - query.receivedAt) / 1000)
    return { kind: 'rcode', rcode: rcode.REFUSED, plugin: '' }
  }

  async function lookup(
    request: Message,
    plan: ListenerPlan,
    asked: AskedBy,
    depth: number,
    name: string,
    type: number,
  ): Promise<Outcome> {
    if (depth >= maxLookupDepth) {
      const error = new Error(`more than ${maxLookupDepth} lookups within lookups for ${name}`)
      return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin: '', error }
    }
    const inner: Message = { ...request, opcode: 0, questions: [{ name, type, class: dnsClass.IN }] }
    return outcome(inner, plan, { ...asked, releaseSlot: undefined }, depth + 1)
  }

  /** A reply that cannot be written (a name too long, say) is an exception of the plugin that made it. */
  function octetsOf(outcome: Outcome, request: Message, miss: Miss, plan: ListenerPlan): Uint8Array | undefined {
    try {
      return encode(outcome, request, miss, plan)
    } catch (error) {
      return encode(failed(plan, error), request, miss, plan)
    }
  }

  return {
    answer(miss, plan) {
      let request: Message
      try {
        request = parseRequest(miss.request)
      } catch (error) {
        if (error instanceof ParseError) return formatErrorReply(error)
        throw error
      }
      const result = outcome(request, plan, miss)
      return result instanceof Promise
        ? result.then((settled) => octetsOf(settled, request, miss, plan))
        : octetsOf(result, request, miss, plan)
    },
    outcome,
  }
}

function queryFor(request: Message, plan: ListenerPlan, asked: AskedBy, lookup: Query['lookup']): Query {
  const question = request.questions[0]!
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
    receivedAt: asked.receivedAt,
    releaseSlot: asked.releaseSlot,
    budget: asked.budget,
    lookup,
  }
}

function encode(outcome: Outcome, request: Message, miss: Miss, plan: ListenerPlan): Uint8Array | undefined {
  if (outcome.kind === 'drop') return undefined
  const reply = outcome.kind === 'reply' ? outcome.message : replyTo(request, { rcode: outcome.rcode })
  const options = { transport: miss.transport, ...payloadLimit(request, plan) }
  if (outcome.kind === 'reply' && outcome.moreMessages) {
    const { moreMessages } = outcome
    if (miss.follow) miss.follow(encodeEach(moreMessages, (message) => finishReply(message, request, options)))
    else moreMessages.return?.()
  }
  return finishReply(reply, request, options)
}

/** Not a generator: one that was never asked for a value would not pass `return` on. */
function encodeEach(messages: Iterator<Message>, encodeOne: (message: Message) => Uint8Array): Iterator<Uint8Array> {
  return {
    next() {
      const next = messages.next()
      return next.done ? { done: true, value: undefined } : { done: false, value: encodeOne(next.value) }
    },
    return() {
      messages.return?.()
      return { done: true, value: undefined }
    },
  }
}

/** `bufsize` of the block that owns the question. Most listeners have none, and are not asked. */
function payloadLimit(request: Message, plan: ListenerPlan): { maxPayload?: number } {
  const question = request.questions[0]
  if (!plan.limitsPayload || !question) return {}
  const maxPayload = plan.router.route(lowerName(question.name), question.type)?.block.maxPayload
  return maxPayload === undefined ? {} : { maxPayload }
}
