/** What the file and the block say of a name: entries of the file first, those of the block behind them. */
import { addressOfReverseName, formatAddress } from '../../dns/address.ts'
import { type Addresses, type Entries, wildcardOf } from './hosts-file.ts'

export interface Lookup {
  addresses(name: string): Addresses
  /** Names of the address that a reverse name (lower case) stands for. */
  names(reverse: string): readonly string[]
}

const none: Addresses = { a: [], aaaa: [] }

/** `sources`: as they are at the moment, the file's first. */
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

/** A wildcard stands for a family of a name that the name itself does not have, as in CoreDNS. */
function addressesIn({ names, wildcards }: Entries, name: string): Addresses {
  const own = names.get(name) ?? none
  if ((own.a.length > 0 && own.aaaa.length > 0) || wildcards.size === 0) return own
  const wildcard = wildcardOf(name)
  const wild = (wildcard === undefined ? undefined : wildcards.get(wildcard)) ?? none
  return { a: own.a.length > 0 ? own.a : wild.a, aaaa: own.aaaa.length > 0 ? own.aaaa : wild.aaaa }
}
