import { rcode, type } from '../../dns/codes.ts'
import { extendedErrorOption } from '../../dns/extended-error.ts'
import type { Edns, ResourceRecord } from '../../dns/message.ts'
import { isSubdomain } from '../../dns/name.ts'
import { readName } from '../../dns/rdata.ts'
import { replyTo } from '../../dns/reply.ts'
import { decisions } from '../../plugin/capabilities/decisions.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { provide } from '../../plugin/capability.ts'
import type { Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { type NameMatcher, patternMatcher, zoneMatcher } from '../../plugin/name-matcher.ts'
import { forClient, type Outcome, type Query } from '../../plugin/query.ts'
import { type ClaimRule, transparencyOf } from '../../plugin/transparency-of.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'
import { withinSteps } from '../../plugin/within-steps.ts'
import { decisionsOf, isOwnedByName, reasonForChain } from './constant.ts'
import { matchTemplate } from './match.ts'
import type { MatchContext } from './match-context.ts'
import { createTemplateMetrics, type TemplateMetrics } from './metrics.ts'
import { makeRecord, RecordError, templateData } from './records.ts'
import { type Section, type Settings, schema } from './settings.ts'

const plugin = 'template'

/** Answers with records made from templates. */
export const template: Plugin<readonly Settings[]> = { name: plugin, schema, setup }

function setup(templates: readonly Settings[], { metrics }: Setup): Instance {
  const counters = createTemplateMetrics(metrics)
  return {
    handler(query, next) {
      const watched = watchClient(query)
      const outcome = withinSteps(plugin, query, () => answerFrom(templates, watched.query, counters) ?? next(query))
      return withOutcome(outcome, (found) => (watched.isRead() ? forClient(found) : found))
    },
    provides: [
      provide(transparency, transparencyOf(templates.flatMap(claimsOf))),
      provide(decisions, { list: decisionsOf(templates), complete: false }),
    ],
  }
}

/** The outcome of the first template that matches the query; undefined: the next plugin answers. */
function answerFrom(
  templates: readonly Settings[],
  query: Query,
  counters: TemplateMetrics,
): Outcome | Promise<Outcome> | undefined {
  for (const each of templates) {
    const matched = matchTemplate(each, query)
    if (matched.kind === 'skip') continue
    if (matched.kind === 'fail') return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin }
    counters.matched(matched.context)
    if (each.rcode === rcode.SERVFAIL) return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin }
    return answer(each, matched.context, counters)
  }
  return undefined
}

/**
 * The query for expressions and records, and whether they read facts about the client. If they did not, the reply is
 * the same for every client.
 */
function watchClient(query: Query): { readonly query: Query; isRead(): boolean } {
  let read = false
  const { metadata } = query
  return {
    query: {
      ...query,
      get client() {
        read = true
        return query.client
      },
      metadata:
        metadata &&
        ((label) => {
          read = true
          return metadata(label)
        }),
    },
    isRead: () => read,
  }
}

function answer(template: Settings, context: MatchContext, counters: TemplateMetrics): Outcome | Promise<Outcome> {
  const data = templateData(context)
  const recordsOf = (section: Section): ResourceRecord[] =>
    template.records[section].map((each) => {
      try {
        const record = makeRecord(each, data)
        // In the case of the query name, which resolvers that randomise it (0x20) compare.
        return isOwnedByName(each) ? { ...record, name: context.query.qname } : record
      } catch (error) {
        if (error instanceof RecordError) counters.failed(context, section, each.source, error.stage)
        throw error
      }
    })
  try {
    const [records, additional, authority] = [recordsOf('answer'), recordsOf('additional'), recordsOf('authority')]
    const edns = extendedError(template, context.query)
    const message = replyTo(context.query.request, {
      rcode: template.rcode,
      authoritative: true,
      answer: records,
      additional,
      authority,
      ...(edns && { edns }),
    })
    const aliases = isAddressQuery(context.query) && records.some((record) => record.type === type.CNAME)
    return aliases ? followed({ kind: 'reply', plugin, message }, context.query) : { kind: 'reply', plugin, message }
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin, error }
  }
}

const isAddressQuery = ({ qtype }: Query): boolean => qtype === type.A || qtype === type.AAAA

/** Adds the answer for its target after each CNAME. */
async function followed(reply: Extract<Outcome, { kind: 'reply' }>, query: Query): Promise<Outcome> {
  const answer: ResourceRecord[] = []
  let { truncated } = reply.message
  for (const record of reply.message.answer) {
    answer.push(record)
    if (record.type !== type.CNAME) continue
    const found = await query.lookup(readName(record.rdata), query.qtype)
    if (found.kind !== 'reply') continue
    answer.push(...found.message.answer)
    truncated = found.message.truncated
  }
  return { ...reply, message: { ...reply.message, answer, truncated } }
}

/** RFC 6891 §7: a client without EDNS gets no OPT record. */
function extendedError({ extendedError: found }: Settings, { request }: Query): Edns | undefined {
  if (found === undefined || request.edns === undefined) return undefined
  const data = Buffer.concat([Uint8Array.of(found.code >> 8, found.code), Buffer.from(found.reason, 'utf8')])
  return {
    version: 0,
    payloadSize: 4096,
    dnssecOk: true,
    extendedRcode: 0,
    options: [{ code: extendedErrorOption, data }],
  }
}

/**
 * The names that a template answers, or refuses with SERVFAIL. Without fallthrough it refuses all other names of its
 * zones, so it claims the whole zones.
 */
function claimsOf(template: Settings): readonly ClaimRule[] {
  const types = template.type === type.ANY ? undefined : [template.type]
  const inChain = reasonForChain(template)
  const reason = inChain === undefined ? template.text : `${template.text}: ${inChain}`
  const rule = (names: NameMatcher): ClaimRule => ({ names, types, class: template.class, reason, at: template.at })
  return template.zones.flatMap((zone) => {
    const fallsThrough = template.fallthrough.some((through) => isSubdomain(through, zone))
    if (!fallsThrough) return [rule(zoneMatcher(zone))]
    return template.patterns.map((pattern) =>
      rule(pattern.source === '.*' ? zoneMatcher(zone) : within(zone, patternMatcher(pattern))),
    )
  })
}

function within(zone: string, names: NameMatcher): NameMatcher {
  const inside = zoneMatcher(zone)
  return {
    matches: (name) => inside.matches(name) && names.matches(name),
    zone,
    ...(names.texts && { texts: names.texts }),
  }
}
