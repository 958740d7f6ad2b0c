/** Restores the question in the reply, and applies response rules from the last to the first. */
import type { Edns, Message, ResourceRecord } from '../../dns/message.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import type { ResponseRule } from './rule.ts'

interface Rewriting {
  /** The query as the client sent it. */
  readonly asked: Query
  /** The query after the rules. */
  readonly sent: Query
  readonly rules: readonly ResponseRule[]
  /** Codes of options that are copied into the reply. */
  readonly echoes: ReadonlySet<number>
  /** Whether an rcode without a reply becomes a reply here, so that earlier plugins see one, as in CoreDNS. */
  readonly writesFailures: boolean
}

export function restored(outcome: Outcome, rewriting: Rewriting): Outcome | Promise<Outcome> {
  const { asked, sent, rules, echoes, writesFailures } = rewriting
  switch (outcome.kind) {
    case 'drop':
      return outcome
    case 'rcode': {
      const rcode = rewrittenRcode(outcome.rcode, rules)
      if (!writesFailures || outcome.ofQuestion) return { ...outcome, rcode }
      const edns = restoredEdns(withOptions(sent, echoes), rules)
      const message = replyTo(asked.request, { rcode, ...(edns && { edns }) })
      const { error, extendedError, recursionDesired } = outcome
      return { kind: 'reply', plugin: 'rewrite', message, recursionDesired, extendedError, ...(error && { error }) }
    }
    case 'reply': {
      const edns = restoredEdns(sized(outcome.message.edns ?? echoed(asked, sent, echoes), asked, sent), rules)
      const message = { ...outcome.message, questions: asked.request.questions, edns }
      const rewritten = rewriteMessage(message, sent, rules)
      if (rewritten instanceof Promise) return rewritten.then((found) => ({ ...outcome, message: found }))
      return { ...outcome, message: rewritten }
    }
  }
}

/**
 * The OPT for a reply without one: the request's, with the options that rules set. As in CoreDNS, clients without EDNS
 * get it, too, because a rule added an OPT to their query.
 */
function echoed(asked: Query, sent: Query, echoes: ReadonlySet<number>): Edns | undefined {
  return echoes.size === 0 && asked.request.edns !== undefined ? undefined : withOptions(sent, echoes)
}

function withOptions({ request: { edns } }: Query, echoes: ReadonlySet<number>): Edns | undefined {
  return edns && { ...edns, options: edns.options.filter(({ code }) => echoes.has(code)) }
}

/** A client without EDNS gets the payload size of the OPT that a rule added to its query, as in CoreDNS. */
function sized(edns: Edns | undefined, asked: Query, { request }: Query): Edns | undefined {
  if (edns === undefined || request.edns === undefined || asked.request.edns !== undefined) return edns
  return { ...edns, payloadSize: request.edns.payloadSize }
}

function restoredEdns(edns: Edns | undefined, rules: readonly ResponseRule[]): Edns | undefined {
  return rules.reduceRight((current, rule) => (rule.kind === 'option' ? rule.restore(current) : current), edns)
}

function rewrittenRcode(rcode: number, rules: readonly ResponseRule[]): number {
  return rules.reduceRight(
    (current, rule) => (rule.kind === 'rcode' && rule.from === current ? rule.to : current),
    rcode,
  )
}

/** Asynchronous only for `cname` rules, which need a lookup. */
function rewriteMessage(message: Message, query: Query, rules: readonly ResponseRule[]): Message | Promise<Message> {
  let current: Message | Promise<Message> = message
  for (const rule of rules.toReversed()) {
    const apply = (before: Message): Message | Promise<Message> => applyRule(before, query, rule)
    current = current instanceof Promise ? current.then(apply) : apply(current)
  }
  return current
}

function applyRule(message: Message, query: Query, rule: ResponseRule): Message | Promise<Message> {
  switch (rule.kind) {
    case 'record': {
      const rewrite = (record: ResourceRecord): ResourceRecord => rule.rewrite(record, query.budget.steps)
      return {
        ...message,
        answer: message.answer.map(rewrite),
        authority: message.authority.map(rewrite),
        additional: message.additional.map(rewrite),
      }
    }
    case 'rcode':
      return { ...message, rcode: rule.from === message.rcode ? rule.to : message.rcode }
    case 'message':
      return rule.rewrite(message, query)
    case 'option':
      return message
  }
}
