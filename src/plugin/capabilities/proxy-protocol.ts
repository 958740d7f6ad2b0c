/**
 * PROXY headers on connections and datagrams (`proxyproto`): they give the address of the client behind a load
 * balancer.
 */
import type { CounterCell } from '../../telemetry/metrics.ts'
import { defineCapability } from '../capability.ts'

/**
 * What is done with a peer's PROXY header: `use` takes the client's address from it, `ignore` strips it, `reject` drops
 * datagrams and connections that have one, `skip` does not look for one.
 */
export type ProxyPolicy = 'use' | 'ignore' | 'reject' | 'skip'

export interface ProxyProtocol {
  /** `peer`: the address that the datagram or connection came from, in text. */
  policyFor(peer: string): ProxyPolicy
  /** A header is valid for the datagrams without one that follow it from the same address and port. */
  readonly sessions: UdpSessions
  /** The header's type-length-values are kept: `SocketAddress.proxyTlvs`. */
  readonly tlvs: boolean
  readonly counts: ProxyCounts
}

export interface UdpSessions {
  /** Milliseconds since the session's last datagram; 0: none are kept. */
  readonly lifetime: number
  /** Sessions of a listener. */
  readonly most: number
}

export interface ProxyCounts {
  /** Datagrams and connections dropped because their header is not valid. */
  readonly invalid: CounterCell
  /** The same because the peer may not send one. */
  readonly rejected: CounterCell
  /** Sessions that ended early, for newer ones. */
  readonly evictedSessions: CounterCell
}

export const proxyProtocol = defineCapability<ProxyProtocol>('PROXY protocol')

/** Where blocks share a listener, the last one with the option wins, as in CoreDNS. */
export function mergedProxyProtocol(all: readonly ProxyProtocol[]): ProxyProtocol | undefined {
  const last = all.at(-1)
  if (last === undefined) return undefined
  const lifetime = all.findLast(({ sessions }) => sessions.lifetime > 0)?.sessions.lifetime ?? 0
  return { ...last, sessions: { ...last.sessions, lifetime }, tlvs: all.some(({ tlvs }) => tlvs) }
}
