import { isIP } from 'node:net'

/**
 * The addresses of a resolv.conf's `nameserver` lines, in their order. Lines whose address is none are left out, as
 * resolvers do; an interface (`fe80::1%eth0`) stays part of the address.
 */
export function nameserversOf(text: string): string[] {
  const addresses: string[] = []
  for (const line of text.split('\n')) {
    const [word, address] = line.trim().split(/\s+/)
    if (word === 'nameserver' && address !== undefined && isIP(address)) addresses.push(address)
  }
  return addresses
}
