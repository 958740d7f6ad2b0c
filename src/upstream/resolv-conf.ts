import { isIP } from 'node:net'
import { lowerName, NameError, parseName } from '../dns/name.ts'

/**
 * The addresses of a resolv.conf's `nameserver` lines, in order. Lines with an invalid address are ignored, as resolvers
 * do; an interface (`fe80::1%eth0`) remains part of the address.
 */
export function nameserversOf(text: string): string[] {
  const addresses: string[] = []
  for (const line of text.split('\n')) {
    const [word, address] = line.trim().split(/\s+/)
    if (word === 'nameserver' && address !== undefined && isIP(address)) addresses.push(address)
  }
  return addresses
}

/**
 * The search domains of a resolv.conf's last `search` or `domain` line, absolute and in lower case. Words that are not
 * domain names are ignored.
 */
export function searchListOf(text: string): string[] {
  let words: readonly string[] = []
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === 'search') words = rest
    if (word === 'domain') words = rest.slice(0, 1)
  }
  return words.flatMap((domain) => absolute(domain) ?? [])
}

function absolute(domain: string): string | undefined {
  try {
    return lowerName(parseName(domain))
  } catch (error) {
    if (error instanceof NameError) return undefined
    throw error
  }
}
