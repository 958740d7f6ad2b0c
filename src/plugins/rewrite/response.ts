/** The reply on its way back: response rules from the last to the first, and the question that was asked. */
import type { Edns, Message, ResourceRecord } from '../../dns/message.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import type { ResponseRule } from './rule.ts'

interface Rewriting {
  /** The query as the client sent it. */
  readonly asked: Query
  /** As the rules made it. */
  readonly sent: Query
  readonly rules: readonly ResponseRule[]
  /** Options that a reply carries back. */
  readonly echoes: ReadonlySet<number>
  /** Whether a failure that no plugin has written becomes a reply here, so that plugins in front see one, as in CoreDNS. */
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
 * The OPT of a reply without one: the request's, with the options that rules set. Like CoreDNS's it reaches clients
 * without EDNS, too, because a rule has given their query one.
 */
function echoed(asked: Query, sent: Query, echoes: ReadonlySet<number>): Edns | undefined {
  return echoes.size === 0 && asked.request.edns !== undefined ? undefined : withOptions(sent, echoes)
}

function withOptions({ request: { edns } }: Query, echoes: ReadonlySet<number>): Edns | undefined {
  return edns && { ...edns, options: edns.options.filter(({ code }) => echoes.has(code)) }
}

/** A client without EDNS hears the size that a rule put into its request, as from CoreDNS. */
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

/** A reply whose aliases are rewritten needs a lookup; all others are there at once. */
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
