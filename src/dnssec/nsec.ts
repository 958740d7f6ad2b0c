/** NSEC records (RFC 4034 §4) that deny one name and nothing beside it (RFC 4470 §3). */
import { dnsClass, type } from '../dns/codes.ts'
import type { ResourceRecord } from '../dns/message.ts'
import {
  below,
  labelEnd,
  lowerName,
  maxLabelOctets,
  maxNameOctets,
  nameToWire,
  parentOf,
  wireToName,
} from '../dns/name.ts'
import { join } from '../dns/values.ts'

export interface NsecFacts {
  readonly owner: string
  readonly next: string
  /** The types of the owner (RFC 4034 §4.1.2). */
  readonly bitmap: Uint8Array
  /** Seconds. */
  readonly ttl: number
}

export const nsecRecord = ({ owner, next, bitmap, ttl }: NsecFacts): ResourceRecord => ({
  name: owner,
  type: type.NSEC,
  class: dnsClass.IN,
  ttl,
  rdata: join(nameToWire(next), bitmap),
})

/** The first name after it in canonical order, which is below it; if that would be too long, one after its subtree. */
export function firstBelow(name: string): string {
  return nameToWire(name).length + 2 <= maxNameOctets ? below('\\000', name) : firstBeside(name)
}

/** The first name after it and its subtree: its first label with an octet 0 appended (RFC 4471 §3.1.2). */
export function firstBeside(name: string): string {
  const wire = nameToWire(lowerName(name))
  if (wire[0] < maxLabelOctets && wire.length < maxNameOctets) {
    const end = labelEnd(name, 0)
    return `${name.slice(0, end)}\\000${name.slice(end)}`
  }
  // No room for another octet: the last one that can be raised is raised.
  const label = wire.slice(1, wire[0] + 1)
  const last = label.findLastIndex((octet) => octet < 0xff)
  if (last < 0) return firstBeside(parentOf(name))
  label[last]++
  // Upper-case letters sort like lower-case ones, so they cannot be the successor: skip them.
  if (label[last] >= 0x41 && label[last] <= 0x5a) label[last] = 0x5b
  return wireToName(join(Uint8Array.of(last + 1), label.subarray(0, last + 1), wire.subarray(wire[0] + 1)), 0)
}
