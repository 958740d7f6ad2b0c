/** The address families with which this machine reaches others: upstreams of a missing family would only cost time. */
import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

/** A family counts if an interface has an address of it that reaches beyond the machine and the link. */
export interface Families {
  readonly ipv4: boolean
  readonly ipv6: boolean
}

export function ownFamilies(): Families {
  const addresses = Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address))
  const reaching = addresses.filter((address) => !isNear(address))
  return { ipv4: reaching.some((address) => !isIPv6(address)), ipv6: reaching.some((address) => isIPv6(address)) }
}

/** The servers without those of a family that the machine lacks; all servers if none would be left. */
export function reachable<Server extends { readonly address: string }>(
  servers: readonly Server[],
  families: Families,
): readonly Server[] {
  const found = servers.filter(({ address }) => isNear(address) || (isIPv6(address) ? families.ipv6 : families.ipv4))
  return found.length > 0 ? found : servers
}

/** On the machine itself (127.0.0.0/8, ::1) or its link (fe80::/10): reachable without a global address. */
const isNear = (address: string): boolean => /^(127\.|::1$|fe[89ab][0-9a-f]:)/i.test(address)
