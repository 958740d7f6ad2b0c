/** Encodes the rules of a space as FORMAT.md defines them. Writer only. */
import { rcode as rcodes, type as rrType } from '../dns/codes.ts'
import type { AnswerProfile } from './api.ts'
import { encodeRecords } from './encode.ts'
import { ANY_CLIENT, block, RULE_DENIES, rule, ruleAction, ruleNames, rules, textPlace } from './layout.ts'
import type { NameKey } from './name-key.ts'
import { align, createScratch, putBytes, putU8, putU16, putU32, reserve, type Scratch } from './scratch.ts'
import type { QuestionsSpec, ReplySpec, RuleSpec, SpaceRules } from './spec.ts'

const scratch = createScratch()

/** The block's octets, valid until the next call. `keyOf` may return the same object each time. */
export function encodeRules(
  { first, missing }: SpaceRules,
  keyOf: (name: string) => NameKey,
  profileOf: (number: number) => AnswerProfile,
): Uint8Array {
  /** Where the exceptions of a list begin. */
  const exceptionsFrom = new Map<readonly QuestionsSpec[], number>()
  const exceptions: QuestionsSpec[] = []
  for (const { action } of first) {
    if (!isReply(action) || exceptionsFrom.has(action.unless)) continue
    exceptionsFrom.set(action.unless, first.length + missing.length + exceptions.length)
    exceptions.push(...action.unless)
  }
  const others = [...missing, ...exceptions].map((questions): RuleSpec => ({ questions, action: 'chain' }))
  const all: readonly RuleSpec[] = [...first, ...others]
  scratch.at = 0
  reserve(scratch, rules.listAt + all.length * rules.ruleBytes)
  scratch.bytes.fill(0, 0, rules.listAt + all.length * rules.ruleBytes)
  putU32(scratch, 0)
  putU32(scratch, block.rules << 16)
  putU32(scratch, first.length)
  putU32(scratch, first.length + missing.length)
  scratch.at = rules.listAt + all.length * rules.ruleBytes
  for (const [number, { questions, clients, action }] of all.entries()) {
    const at = rules.listAt + number * rules.ruleBytes
    encodeQuestions(scratch, at, questions, keyOf(questions.zone))
    encodeClients(scratch, at, clients)
    encodeAction(scratch, at, number, action, profileOf)
    if (isReply(action)) {
      scratch.view.setUint16(at + rule.exceptionsAt, exceptionsFrom.get(action.unless)!, true)
      scratch.view.setUint16(at + rule.exceptionsAt + 2, action.unless.length, true)
    }
  }
  return scratch.bytes.subarray(0, scratch.at)
}

const isReply = (action: RuleSpec['action']): action is ReplySpec =>
  typeof action === 'object' && action.kind === 'reply'

function encodeQuestions(to: Scratch, at: number, { names, texts, types }: QuestionsSpec, zone: NameKey): void {
  to.view.setInt32(at + rule.hashAt, zone.hashes[0], true)
  to.bytes[at + rule.zoneOctetsAt] = zone.length
  to.bytes[at + rule.zoneLabelsAt] = zone.labels
  to.bytes[at + rule.namesAt] = ruleNames[names]
  to.view.setUint32(at + rule.zoneAt, to.at, true)
  putBytes(to, zone.octets.subarray(0, zone.length))
  align(to)
  to.view.setUint16(at + rule.typesAt, types.length, true)
  to.view.setUint32(at + rule.typeListAt, to.at, true)
  reserve(to, types.length * 2)
  for (const each of types) putU16(to, each)
  to.view.setUint16(at + rule.textsAt, texts.length, true)
  to.view.setUint32(at + rule.textListAt, to.at, true)
  for (const { at: place, text } of texts) {
    reserve(to, 2)
    putU8(to, textPlace[place])
    // No name contains more than 255 octets, so the first 255 are enough to rule out a longer text.
    const octets = Buffer.from(text, 'latin1').subarray(0, 255)
    putU8(to, octets.length)
    putBytes(to, octets)
  }
  align(to)
}

function encodeClients(to: Scratch, at: number, clients: RuleSpec['clients']): void {
  to.view.setInt32(at + rule.networksAt, clients === undefined ? ANY_CLIENT : clients.length, true)
  to.view.setUint32(at + rule.networkListAt, to.at, true)
  for (const { address, bits } of clients ?? []) {
    reserve(to, 2)
    putU8(to, address.length === 4 ? 4 : 6)
    putU8(to, bits)
    putBytes(to, address)
  }
  align(to)
}

function encodeAction(
  to: Scratch,
  at: number,
  number: number,
  action: RuleSpec['action'],
  profileOf: (number: number) => AnswerProfile,
): void {
  to.bytes[at + rule.actionAt] = ruleAction[typeof action === 'object' ? action.kind : action]
  if (typeof action !== 'object') return
  if (action.kind === 'skip') {
    to.view.setUint32(at + rule.resultAt, number + 1 + action.rules, true)
    return
  }
  const { profileId, rcode, records } = action
  to.view.setUint32(at + rule.resultAt, profileId | (rcode << 16) | (isDenial(action) ? RULE_DENIES : 0), true)
  to.view.setUint32(at + rule.bodyAt, to.at, true)
  encodeRecords(to, records, profileOf(profileId).shuffle)
  align(to)
}

/** NXDOMAIN or NODATA with an SOA, as observers distinguish it. */
function isDenial({ rcode, records }: ReplySpec): boolean {
  const hasSoa = records.authority?.some(({ type }) => type === rrType.SOA) ?? false
  return hasSoa && (rcode === rcodes.NXDOMAIN || (rcode === rcodes.NOERROR && records.answer.length === 0))
}
