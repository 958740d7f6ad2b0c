/** The address families that this machine can reach others with: an upstream of one that it lacks costs every query time. */
import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

/** A family counts where an interface has an address of it that reaches beyond the machine and the link. */
export interface Families {
  readonly ipv4: boolean
  readonly ipv6: boolean
}

export function ownFamilies(): Families {
  const addresses = Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address))
  const reaching = addresses.filter((address) => !isNear(address))
  return { ipv4: reaching.some((address) => !isIPv6(address)), ipv6: reaching.some((address) => isIPv6(address)) }
}

/** Without the servers of a family that the machine lacks; all of them, where no other one is left. */
export function reachable<Server extends { readonly address: string }>(
  servers: readonly Server[],
  families: Families,
): readonly Server[] {
  const found = servers.filter(({ address }) => isNear(address) || (isIPv6(address) ? families.ipv6 : families.ipv4))
  return found.length > 0 ? found : servers
}

/** Of the machine itself (127.0.0.0/8, ::1) or of its link (fe80::/10): reached without an address of its own. */
const isNear = (address: string): boolean => /^(127\.|::1$|fe[89ab][0-9a-f]:)/i.test(address)
