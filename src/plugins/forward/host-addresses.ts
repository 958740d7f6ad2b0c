/** The addresses of an upstream that is given by its name. */
import { Resolver } from 'node:dns/promises'
import { rcode, type } from '../../dns/codes.ts'
import { parseName } from '../../dns/name.ts'
import { rdataText } from '../../dns/rdata.ts'
import type { OwnNames } from '../../plugin/capabilities/own-names.ts'
import { systemAddresses } from './system-names.ts'

/** Milliseconds that a resolver of the Corefile has. */
const resolverTimeout = 2000

/**
 * What this server itself has at the name, now: addresses, or none where the name does not exist. Undefined where the name
 * is not in a zone of its own, `unavailable` while its zone cannot answer.
 */
export async function ownAddresses(
  host: string,
  own: OwnNames,
): Promise<readonly string[] | 'unavailable' | undefined> {
  const name = parseName(host)
  const [ipv4, ipv6] = await Promise.all([own.lookup(name, type.A), own.lookup(name, type.AAAA)])
  if (!ipv4 || !ipv6) return undefined
  const messages = [ipv4, ipv6].flatMap((outcome) => (outcome.kind === 'reply' ? [outcome.message] : []))
  const known = messages.filter(({ rcode: code }) => code === rcode.NOERROR || code === rcode.NXDOMAIN)
  if (known.length < 2) return 'unavailable'
  return known.flatMap(({ answer }) => {
    const addresses = answer.filter((record) => record.type === type.A || record.type === type.AAAA)
    return addresses.map((record) => rdataText(record.type, record.rdata))
  })
}

/** What the resolvers of the Corefile, else the system's, say. Throws where they have no address. */
export async function foreignAddresses(host: string, resolvers: readonly string[]): Promise<readonly string[]> {
  if (resolvers.length === 0) return systemAddresses(host)
  const resolver = new Resolver({ timeout: resolverTimeout, tries: 2 })
  resolver.setServers(resolvers)
  const families = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  const addresses = families.flatMap((family) => (family.status === 'fulfilled' ? family.value : []))
  if (addresses.length > 0) return addresses
  const [ipv4] = families
  throw ipv4.status === 'rejected' ? ipv4.reason : new Error('no addresses')
}
