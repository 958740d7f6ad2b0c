/** Zones that two server blocks claim on one address and port (docs/coredns-behaviour.md §2.4). */
import type { ServerKey } from './keys.ts'
import { ConfigError } from './schema.ts'

/** A server block as far as its claims go. */
export interface Claimant {
  readonly keys: readonly ServerKey[]
  /** What it is bound to; empty for every address. */
  readonly addresses: readonly string[]
  /** A block with a view claims nothing for itself, yet must not overlap with one that is bound differently. */
  readonly viewed: boolean
}

/** One zone on one port: never twice on an address, and never both bound and unbound. In the order of the blocks. */
export function overlapErrors(blocks: readonly Claimant[]): ConfigError[] {
  const claimed = new Map<string, Set<string>>()
  return blocks.flatMap(({ keys, addresses, viewed }) => {
    const bound = addresses.length > 0 ? addresses : ['']
    return keys.flatMap((key) =>
      key.zones.flatMap((zone) => bound.flatMap((address) => claim(claimed, { key, zone, address, viewed }) ?? [])),
    )
  })
}

function claim(
  claimed: Map<string, Set<string>>,
  { key, zone, address, viewed }: { key: ServerKey; zone: string; address: string; viewed: boolean },
): ConfigError | undefined {
  const name = `${key.scheme}://${zone}:${key.port}`
  const taken = claimed.get(name) ?? new Set<string>()
  const [other] = taken
  const shown = `${name}${address && ` on ${address}`}`
  if (taken.has(address))
    return viewed ? undefined : new ConfigError(`cannot serve ${shown} - it is already defined`, key.at)
  if (taken.has('') || (address === '' && other !== undefined))
    return new ConfigError(
      `cannot serve ${shown} - zone overlap listener capacity with ${name}${other && ` on ${other}`}`,
      key.at,
    )
  if (!viewed) claimed.set(name, taken.add(address))
  return undefined
}
