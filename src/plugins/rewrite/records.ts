/** Rewrites names in the records of a reply: owners, and targets of SRV, MX, CNAME, NS, DNAME, NAPTR, SOA and PTR. */
import { type } from '../../dns/codes.ts'
import { fieldEnd, layoutOf } from '../../dns/layout.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { nameToWire, wireToName } from '../../dns/name.ts'
import { join } from '../../dns/values.ts'
import type { StepAllowance } from '../../regexp/index.ts'
import { validName } from './names.ts'
import type { ResponseRule } from './rule.ts'

/** Rewrites a name, perhaps to an invalid one. Throws StepsError. */
export type Rewrite = (name: string, allowance: StepAllowance) => string

/** Of an SOA the primary name server is rewritten, not the mailbox. */
const naming: readonly number[] = [type.SRV, type.MX, type.CNAME, type.NS, type.DNAME, type.NAPTR, type.SOA, type.PTR]

export const ownerRule = (rewrite: Rewrite): ResponseRule => ({
  kind: 'record',
  rewrite(record, allowance) {
    const name = rewrite(record.name, allowance)
    return name === record.name ? record : { ...record, name: validName(name) }
  },
})

export const valueRule = (rewrite: Rewrite): ResponseRule => ({
  kind: 'record',
  rewrite(record, allowance) {
    const place = nameIn(record)
    if (place === undefined) return record
    const name = wireToName(record.rdata, place.start)
    const rewritten = rewrite(name, allowance)
    if (rewritten === name) return record
    const { rdata } = record
    return {
      ...record,
      rdata: join(rdata.subarray(0, place.start), nameToWire(validName(rewritten)), rdata.subarray(place.end)),
    }
  },
})

/** The place of the first name in the rdata. */
function nameIn({ type: number, rdata }: ResourceRecord): { start: number; end: number } | undefined {
  if (!naming.includes(number) || rdata.length === 0) return undefined
  let start = 0
  for (const field of layoutOf(number)?.fields ?? []) {
    const end = fieldEnd(field, rdata, start, rdata.length)
    if (field === 'name') return { start, end }
    start = end
  }
  return undefined
}
