/** Templates with the same reply for every client, which the data plane can answer. */
import { className, dnsClass, properTypeName, rcode, type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { isSubdomain, NameError } from '../../dns/name.ts'
import { parseRecord } from '../../dns/record-text.ts'
import type { ConstantReply, Decision } from '../../plugin/capabilities/decisions.ts'
import { constantRecords } from '../../plugin/constant-records.ts'
import { type Names, namesOf } from '../../regexp/index.ts'
import type { QuestionsSpec } from '../../table/spec.ts'
import { compileTemplate, ExecutionError, type Template } from '../../text-template/index.ts'
import type { Settings } from './settings.ts'

/**
 * The data plane's decisions for the templates of a block, in their order. A constant template replies; queries that
 * any other template concerns are left undecided, because no later template may reply to them.
 */
export function decisionsOf(templates: readonly Settings[]): readonly Decision[] {
  const all = templates.flatMap((template) => template.zones.flatMap((zone) => decisionsIn(zone, template)))
  return all.slice(0, all.findLastIndex(({ action }) => typeof action === 'object') + 1)
}

/** Why the chain makes the template's replies, or undefined. */
export function reasonForChain(template: Settings): string | undefined {
  const replies = template.zones.map((zone) => replyOf(template, zone))
  const reason = replies.find((reply) => typeof reply === 'string')
  if (reason !== undefined) return reason
  return namesIn(template) === undefined ? 'only the pattern itself tells which names it matches' : undefined
}

/** `{{ .Name }}` as the owner: the query name. */
const ownName = /^\s*\{\{\s*\.Name\s*\}\}(?=\s)/

/** Whether the record's owner is always the query name. */
export const isOwnedByName = ({ source }: Template): boolean => ownName.test(source)

function decisionsIn(zone: string, template: Settings): readonly Decision[] {
  if (template.class !== dnsClass.IN && template.class !== dnsClass.ANY) return []
  const types = template.type === type.ANY ? [] : [template.type]
  const whole: QuestionsSpec = { zone, names: 'zone', texts: [], types }
  const fallsThrough = template.fallthrough.some((through) => isSubdomain(through, zone))
  const reply = replyOf(template, zone)
  const names = namesIn(template)
  const matched = (names ?? []).flatMap((each) => inZone(each, zone))
  const action = typeof reply === 'string' ? 'undecided' : reply
  const decided = matched.map((part): Decision => ({ questions: { ...part, texts: [], types }, action }))
  return fallsThrough && names !== undefined ? decided : [...decided, { questions: whole, action: 'undecided' }]
}

/** The names that the patterns match; undefined where it cannot be proven. */
function namesIn({ patterns }: Settings): readonly Names[] | undefined {
  const each = patterns.map(({ source }) => namesOf(source))
  return each.every((names) => names !== undefined) ? each.flat() : undefined
}

/** The part of the names that is in the zone. */
function inZone(names: Names, zone: string): readonly Pick<QuestionsSpec, 'zone' | 'names'>[] {
  switch (names.kind) {
    case 'all':
      return [{ zone, names: 'zone' }]
    case 'one':
      return isSubdomain(zone, names.name) ? [{ zone: names.name, names: 'apex' }] : []
    case 'below':
      if (isSubdomain(zone, names.zone)) return [{ zone: names.zone, names: 'below' }]
      return isSubdomain(names.zone, zone) ? [{ zone, names: 'zone' }] : []
  }
}

/** The reply to every matching question in the zone, or why the chain makes it. */
function replyOf(template: Settings, zone: string): ConstantReply | string {
  if (template.variables.length + template.conditions.length > 0) return 'its expressions depend on the query'
  if (template.extendedError !== undefined) return 'its replies have an extended error'
  // RFC 6895 §2.3: rcodes over 15 are in the OPT record.
  if (template.rcode === rcode.SERVFAIL || template.rcode > 15) return 'its rcode is made in the chain'
  const answer = template.records.answer.map((each) => constantRecord(each, template, zone))
  const authority = template.records.authority.map((each) => constantRecord(each, template, zone))
  const additional = template.records.additional.map((each) => constantRecord(each, template, zone))
  const isKnown = (record: ResourceRecord | undefined): record is ResourceRecord => record !== undefined
  if (!answer.every(isKnown) || !authority.every(isKnown) || !additional.every(isKnown))
    return 'its records depend on the query'
  const mayFollow = template.type === type.ANY || template.type === type.A || template.type === type.AAAA
  if (mayFollow && answer.some((record) => record.type === type.CNAME)) return 'the target of its CNAME is looked up'
  return { rcode: template.rcode, records: constantRecords({ answer, authority, additional }) }
}

/** The record, with owner '' for the query name; undefined where it is not constant, or not of class IN. */
function constantRecord(template: Template, { type: asked }: Settings, zone: string): ResourceRecord | undefined {
  const owned = isOwnedByName(template)
  const text = template.source.replace(ownName, '.')
  const known = {
    Zone: zone,
    Class: className(dnsClass.IN),
    ...(asked !== type.ANY && { Type: properTypeName(asked) ?? '' }),
  }
  try {
    const record = parseRecord(compileTemplate(text).execute({ fields: known }))
    if (record.class !== dnsClass.IN) return undefined
    return owned ? { ...record, name: '' } : record
  } catch (error) {
    if (error instanceof ExecutionError || error instanceof RangeError || error instanceof NameError) return undefined
    throw error
  }
}
