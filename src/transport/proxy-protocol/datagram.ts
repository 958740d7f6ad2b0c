/** PROXY headers over UDP: each datagram has its own, or belongs to a session opened by an earlier one. */
import type { ProxyCounts, ProxyProtocol } from '../../plugin/capabilities/proxy-protocol.ts'
import type { SocketAddress } from '../../plugin/query.ts'
import type { Clock } from '../../scheduling/clock.ts'
import type { Logger } from '../../telemetry/log.ts'
import { type ProxyHeader, readProxyHeader, readTlvs } from './header.ts'
import { createSessions } from './sessions.ts'

/** A datagram without its header, and its sender. */
export interface UnwrappedDatagram {
  readonly request: Uint8Array
  readonly client: SocketAddress
}

export interface DatagramUnwrapper {
  /** Undefined for a datagram that is dropped: its header is invalid or not allowed, or nothing follows it. */
  unwrap(datagram: Uint8Array, peer: SocketAddress, settings: ProxyProtocol): UnwrappedDatagram | undefined
}

/** Milliseconds between two log lines about dropped datagrams. */
const reportEvery = 1000

/** One per address of a listener: sessions outlive a reload, because proxies send their header only once. */
export function createDatagramUnwrapper(clock: Clock, log: Logger): DatagramUnwrapper {
  const sessions = createSessions<SocketAddress>(clock)
  let reportedAt = Number.NEGATIVE_INFINITY

  function drop(
    reason: keyof Pick<ProxyCounts, 'invalid' | 'rejected'>,
    text: string,
    peer: SocketAddress,
    counts: ProxyCounts,
  ): void {
    counts[reason].inc()
    if (clock.now() - reportedAt < reportEvery) return
    reportedAt = clock.now()
    log.warning(`dropping a datagram from ${peer.address}:${peer.port}: ${text}`)
  }

  return {
    unwrap(datagram, peer, settings) {
      const policy = settings.policyFor(peer.address)
      if (policy === 'skip') return { request: datagram, client: peer }
      const header = datagramHeader(datagram)
      if (typeof header === 'string') {
        drop('invalid', `its PROXY header is invalid: ${header}`, peer, settings.counts)
        return undefined
      }
      const key = `${peer.address} ${peer.port}`
      if (header === undefined) {
        const client = policy === 'use' ? sessions.get(key, settings.sessions) : undefined
        return { request: datagram, client: client ?? peer }
      }
      if (policy === 'reject') {
        drop('rejected', 'it may not send a PROXY header', peer, settings.counts)
        return undefined
      }
      const request = datagram.subarray(header.length)
      if (policy === 'ignore') return { request, client: peer }
      const client = clientOf(header, settings) ?? peer
      if (client !== peer) settings.counts.evictedSessions.inc(sessions.set(key, client, settings.sessions))
      // A proxy may open a session by a header without a message.
      return request.length === 0 && settings.sessions.lifetime > 0 ? undefined : { request, client }
    },
  }
}

/** Undefined for a datagram without a header; a text for an invalid one. */
function datagramHeader(datagram: Uint8Array): ProxyHeader | string | undefined {
  const header = readProxyHeader(datagram)
  switch (header.kind) {
    case 'none':
      return undefined
    case 'incomplete':
      return header.signed ? 'it ends before its header' : undefined
    case 'invalid':
      return header.reason
    case 'header':
      if (header.version === 1) return 'version 1 is for TCP'
      // Section 2.2: LOCAL must be accepted whatever its addresses are.
      return header.transport === 'datagram' || header.local ? header : 'its transport is not UDP'
  }
}

/** The client named by a header; undefined for the proxy's own queries. */
export function clientOf(header: ProxyHeader, { tlvs }: ProxyProtocol): SocketAddress | undefined {
  if (header.local || header.source === undefined) return undefined
  return tlvs ? { ...header.source, proxyTlvs: readTlvs(header.tlvs) } : header.source
}
