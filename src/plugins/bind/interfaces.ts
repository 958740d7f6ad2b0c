import { canonicalAddress } from '../../dns/address.ts'

/** The part of `os.networkInterfaces()` that is needed: interface names with their addresses. */
export type Interfaces = Readonly<Record<string, readonly { readonly address: string }[] | undefined>>

/** The addresses of a word of `bind`: those of an interface, or the address itself; undefined for neither. */
export function addressesOf(word: string, interfaces: Interfaces): readonly string[] | undefined {
  const found = Object.hasOwn(interfaces, word) ? interfaces[word] : undefined
  if (found) return found.map(({ address }) => withScope(address, word))
  const address = canonicalAddress(word)
  return address === undefined ? undefined : [address]
}

/** A link-local IPv6 address (fe80::/10) means nothing without its interface (RFC 4007 §11). */
function withScope(address: string, name: string): string {
  return /^fe[89ab]/i.test(address) ? `${address}%${name}` : address
}
