/** Two replies to one question, reduced to what must be equal. */
import { rcode, rcodeName, type as rrType, typeName } from '../../src/dns/codes.ts'
import { extendedErrorOption, infoCode } from '../../src/dns/extended-error.ts'
import type { EdnsOption, Message, ResourceRecord } from '../../src/dns/message.ts'
import { lowerName } from '../../src/dns/name.ts'
import { readName, recordText } from '../../src/dns/rdata.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import type { Ask } from './queries.ts'

/** Lines that two equal replies share. Sections are sets; the SOA serial is each server's own clock. */
export function canonical(reply: Uint8Array | undefined): string[] {
  if (!reply) return ['no reply']
  let message: Message
  try {
    message = parseMessage(reply)
  } catch (error) {
    return [`unparsable: ${error instanceof Error ? error.message : error}`]
  }
  return canonicalMessage(message)
}

export function canonicalMessage(message: Message): string[] {
  const flags = [
    message.authoritative && 'aa',
    message.truncated && 'tc',
    message.recursionDesired && 'rd',
    message.recursionAvailable && 'ra',
    message.authenticData && 'ad',
    message.checkingDisabled && 'cd',
  ].filter(Boolean)
  return [
    `${rcodeName(message.rcode)} ${flags.join(' ')} opcode ${message.opcode}`,
    ...message.questions.map((question) => `question ${question.name} ${question.class} ${typeName(question.type)}`),
    ...section('answer', message.answer, message.truncated),
    ...(isChainInOrder(message.answer) ? [] : ['answer: a record comes before the alias that leads to it']),
    ...section('authority', message.authority, message.truncated),
    ...section('additional', message.additional, message.truncated),
    ...(message.edns
      ? [
          `edns ${message.edns.version} ${message.edns.payloadSize} ${message.edns.dnssecOk ? 'do' : ''} ` +
            message.edns.options
              .filter((option) => isComparable(option, message))
              .map(({ code, data }) => `${code}=${Buffer.from(data).toString('hex')}`)
              .join(' '),
        ]
      : []),
  ]
}

/**
 * Extended errors that CoreDNS gives in no case are a difference on purpose (docs/differences.md). It has those of `acl`, and
 * whatever a `template` says.
 */
const ownReasons: ReadonlySet<number> = new Set([
  infoCode.other,
  infoCode.staleAnswer,
  infoCode.cachedError,
  infoCode.notReady,
  infoCode.staleNxdomain,
  infoCode.noReachableAuthority,
  infoCode.networkError,
])

/** 18 is ours where a transfer is refused, 20 where a query is; elsewhere they are a template's. */
function isComparable({ code, data }: EdnsOption, message: Message): boolean {
  if (code !== extendedErrorOption) return true
  const reason = (data[0]! << 8) | data[1]!
  const isTransfer = message.questions.some(({ type }) => type === rrType.AXFR || type === rrType.IXFR)
  if (isTransfer && reason === infoCode.prohibited) return false
  if (message.rcode === rcode.REFUSED && reason === infoCode.notAuthoritative) return false
  return !ownReasons.has(reason)
}

/** Whether every CNAME record comes before what it leads to. Other than that the order is up to `loadbalance`. */
function isChainInOrder(answer: readonly ResourceRecord[]): boolean {
  return answer.every((alias, at) => {
    if (alias.type !== rrType.CNAME) return true
    const target = lowerName(readName(alias.rdata))
    return answer.slice(0, at).every(({ name }) => lowerName(name) !== target || target === lowerName(alias.name))
  })
}

/** Of a truncated reply only the number of records is the server's own doing: which ones is up to `loadbalance`. */
function section(name: string, records: readonly ResourceRecord[], truncated: boolean): string[] {
  if (truncated) return records.length > 0 ? [`${name}: ${records.length} records`] : []
  return records.map((record) => `${name} ${withoutSerial(record)}`).sort()
}

function withoutSerial(record: ResourceRecord): string {
  const text = recordText(record).replaceAll(/\s+/g, ' ')
  if (record.type !== rrType.SOA) return text
  const words = text.split(' ')
  return [...words.slice(0, 6), 'SERIAL', ...words.slice(7)].join(' ')
}

/** Whether the client speaks no EDNS: then CoreDNS's OPT record with an extended error is one too many (RFC 6891 §7). */
export const isWithoutEdns = ({ edns, shape }: Ask): boolean => edns === undefined && shape === undefined

/** The lines of CoreDNS's reply that ours must have. */
export const wantedOf = (asked: Ask, theirs: readonly string[]): string[] =>
  theirs.filter((line) => !(isWithoutEdns(asked) && /^edns .* 15=/.test(line)))

/** One difference, worded for a person; undefined when the replies are equal. */
export function difference(
  asked: Ask,
  wanted: Uint8Array | undefined,
  got: Uint8Array | undefined,
): string | undefined {
  const theirs = canonical(wanted)
  const right = canonical(got)
  const left = wantedOf(asked, theirs)
  // The OPT record is ours as well where `rewrite edns0` has given the client's query one.
  if ([theirs, left].some((lines) => lines.join('\n') === right.join('\n'))) return undefined
  const missing = without(left, right).slice(0, 8)
  const extra = without(right, left).slice(0, 8)
  return [describe(asked), ...missing.map((line) => `  - ${line}`), ...extra.map((line) => `  + ${line}`)].join('\n')
}

/** Lines of the first that the second does not have, or has less often. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others]
  return lines.filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

export function describe(asked: Ask): string {
  const words = [asked.name, typeName(asked.type), asked.over]
  if (asked.class !== 1) words.push(`class ${asked.class}`)
  if (asked.opcode !== 0) words.push(`opcode ${asked.opcode}`)
  if (asked.edns) {
    words.push(`edns ${asked.edns.payloadSize} v${asked.edns.version}${asked.edns.dnssecOk ? ' do' : ''}`)
    for (const option of asked.edns.options) words.push(`option ${option.code}`)
  }
  if (asked.authenticData) words.push('ad')
  if (asked.checkingDisabled) words.push('cd')
  if (!asked.recursionDesired) words.push('no rd')
  if (asked.shape !== undefined) words.push(`with ${asked.shape}`)
  if (asked.from !== undefined) words.push(`from ${asked.from}`)
  return words.join(' ')
}
