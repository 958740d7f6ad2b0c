/** The addresses of an upstream that is given by a name outside of this server's own zones. */
import { Resolver } from 'node:dns/promises'
import { systemAddresses } from './system-names.ts'

/** Milliseconds that a `resolver` of the Corefile may take. */
const resolverTimeout = 2000

/** Asks the resolvers of the Corefile, or else the system's. Throws where they have no address. */
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
