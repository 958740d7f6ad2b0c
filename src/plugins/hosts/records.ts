/** Records of the entries, for the answer table. */
import { parseAddress, reverseName } from '../../dns/address.ts'
import { type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { rdata } from '../../dns/rdata.ts'
import { addressRecord, record } from '../../dns/record.ts'
import type { Entries } from './hosts-file.ts'
import type { Lookup } from './lookup.ts'

/** Generated one by one. Wildcards are `*` names: the table leaves the names below them to the handler. */
export function* recordsOf(sources: readonly Entries[], lookup: Lookup, ttl: number): Generator<ResourceRecord> {
  const names = new Set(sources.flatMap(({ names, wildcards }) => [...names.keys(), ...wildcards.keys()]))
  for (const name of names) {
    const { a, aaaa } = lookup.addresses(name)
    for (const octets of [...a, ...aaaa]) yield addressRecord(name, ttl, octets)
  }
  for (const address of new Set(sources.flatMap(({ pointers }) => [...pointers.keys()]))) {
    const name = reverseName(parseAddress(address)!)
    for (const target of lookup.names(name)) yield record(name, type.PTR, ttl, rdata.name(target))
  }
}
