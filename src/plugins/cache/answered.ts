/**
 * Whether a reply answers its question: it has a record of the query type at the end of the CNAME chain that begins at
 * the query name (RFC 1034 §3.6.2). Aliases alone, loops, and records of other names do not count (RFC 2308 §2.2).
 */
import { dnsClass, rcode, type } from '../../dns/codes.ts'
import type { Message, ResourceRecord } from '../../dns/message.ts'
import { lowerName } from '../../dns/name.ts'
import { readName } from '../../dns/rdata.ts'

export function isAnswered({ rcode: code, questions: [question], answer }: Message): boolean {
  if (code !== rcode.NOERROR || question === undefined || answer.length === 0) return false
  const records = answer.filter((record) => question.class === dnsClass.ANY || record.class === question.class)
  const owner = lowerName(question.name)
  if (question.type === type.ANY) return records.some(({ name }) => lowerName(name) === owner)
  if (question.type === type.CNAME) return aliasesOf(records, owner).size === 1
  const end = endOfChain(records, owner)
  return records.some((record) => record.type === question.type && lowerName(record.name) === end)
}

/**
 * The name at the end of the CNAME chain; undefined for a loop, and where a name has several CNAMEs (RFC 2181 §10.1).
 */
function endOfChain(records: readonly ResourceRecord[], owner: string): string | undefined {
  const seen = new Set<string>()
  let at = owner
  for (;;) {
    if (seen.has(at)) return undefined
    seen.add(at)
    const [alias, ...others] = aliasesOf(records, at)
    if (alias === undefined) return at
    if (others.length > 0) return undefined
    at = alias
  }
}

function aliasesOf(records: readonly ResourceRecord[], owner: string): Set<string> {
  const found = new Set<string>()
  for (const { type: recordType, name, rdata } of records) {
    if (recordType === type.CNAME && lowerName(name) === owner) found.add(lowerName(readName(rdata)))
  }
  return found
}
