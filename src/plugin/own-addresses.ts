/**
 * Addresses of a host name that this server itself answers: of an upstream or a database that is a Service of the
 * cluster.
 */
import { rcode, type } from '../dns/codes.ts'
import { parseName } from '../dns/name.ts'
import { rdataText } from '../dns/rdata.ts'
import type { OwnNames } from './capabilities/own-names.ts'

/**
 * The addresses that this server has for the host now, none where the name does not exist. Undefined where the name is
 * in none of the server's own zones, `unavailable` while its zone cannot answer.
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
