/** Looks names up in the file and in the block's entries. Those of the file come first. */
import { addressOfReverseName, formatAddress } from '../../dns/address.ts'
import { type Addresses, type Entries, wildcardOf } from './hosts-file.ts'

export interface Lookup {
  addresses(name: string): Addresses
  /** Names of the address of a reverse name (lower case). */
  names(reverse: string): readonly string[]
}

const none: Addresses = { a: [], aaaa: [] }

/** `sources`: the current entries, the file's first. */
export function createLookup(sources: () => readonly Entries[]): Lookup {
  return {
    addresses(name) {
      const found = sources().map((entries) => addressesIn(entries, name))
      return { a: found.flatMap(({ a }) => a), aaaa: found.flatMap(({ aaaa }) => aaaa) }
    },
    names(reverse) {
      const address = addressOfReverseName(reverse)
      if (address === undefined) return []
      const text = formatAddress(address)
      return sources().flatMap(({ pointers }) => pointers.get(text) ?? [])
    },
  }
}

/** A wildcard answers for an address family that the name itself lacks, as in CoreDNS. */
function addressesIn({ names, wildcards }: Entries, name: string): Addresses {
  const own = names.get(name) ?? none
  if ((own.a.length > 0 && own.aaaa.length > 0) || wildcards.size === 0) return own
  const wildcard = wildcardOf(name)
  const wild = (wildcard === undefined ? undefined : wildcards.get(wildcard)) ?? none
  return { a: own.a.length > 0 ? own.a : wild.a, aaaa: own.aaaa.length > 0 ? own.aaaa : wild.aaaa }
}
