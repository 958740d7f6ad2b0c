/** Server blocks that cannot share an address and port (docs/coredns-behaviour.md, 1.15.0). */
import type { Scheme, ServerKey } from '../corefile/keys.ts'
import { ConfigError } from '../corefile/schema.ts'
import { type TlsPolicy, tlsConflict } from './capabilities/server-tls.ts'

/** A server block as far as its listeners go. */
export interface ListenerClaim {
  readonly keys: readonly ServerKey[]
  /** The addresses of its `bind`; [] for every address. */
  readonly addresses: readonly string[]
  readonly tls: TlsPolicy | undefined
  /** `https { max_streams }`, where it is written. */
  readonly httpsStreams: number | undefined
}

interface Claimed {
  readonly claim: ListenerClaim
  readonly scheme: Scheme
  readonly zone: string
}

/**
 * The handshake comes before the question, so blocks on one address and port must agree. Errors are in the order of the
 * blocks.
 */
export function listenerConflicts(blocks: readonly ListenerClaim[]): ConfigError[] {
  const firsts = new Map<string, Claimed>()
  /** The first `max_streams` of each listener. */
  const streams = new Map<string, number>()
  return blocks.flatMap((claim) =>
    claim.keys.flatMap((key) =>
      (claim.addresses.length > 0 ? claim.addresses : ['']).flatMap((address) => {
        const place = `${address.includes(':') ? `[${address}]` : address}:${key.port}`
        const own: Claimed = { claim, scheme: key.scheme, zone: key.zones[0] }
        const first = firsts.get(place) ?? own
        firsts.set(place, first)
        const reason = conflict(first, own, place) ?? streamsConflict(streams, own, place)
        return reason === undefined ? [] : [new ConfigError(reason, key.at)]
      }),
    ),
  )
}

function streamsConflict(streams: Map<string, number>, { claim, scheme }: Claimed, place: string): string | undefined {
  const { httpsStreams: own } = claim
  if (scheme !== 'https' || own === undefined) return undefined
  const first = streams.get(place) ?? own
  streams.set(place, first)
  if (first === own) return undefined
  return `conflicting max_streams values for shared HTTPS listener https://${place}: ${first} and ${own}`
}

function conflict(first: Claimed, other: Claimed, place: string): string | undefined {
  if (first.scheme !== other.scheme)
    return `${other.scheme}://${other.zone} cannot be served at ${place}, where ${first.scheme}://${first.zone} is: give it another port`
  if (first.scheme === 'dns') return undefined
  const reason = tlsConflict(first.claim.tls, other.claim.tls)
  if (reason === undefined) return undefined
  const listener = `${first.scheme}://${place}`
  return `conflicting TLS configuration for shared listener ${listener} between zones "${first.zone}" and "${other.zone}": ${reason}`
}
