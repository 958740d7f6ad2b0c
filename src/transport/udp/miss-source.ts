/** Where a miss came from: its listener, and the addresses in the sockaddr and control data copied by the thread. */
import { formatAddress } from '../../dns/address.ts'
import { addressLength, addressOffset, pktinfo } from '../../libc/sockaddr.ts'
import type { SocketAddress } from '../../plugin/query.ts'
import type { Listener } from '../../server/ingress.ts'
import type { DatagramUnwrapper } from '../proxy-protocol/datagram.ts'
import { missRecord } from './miss-ring.ts'

/** One address family of a listener: the source of its misses, and the socket that sends the replies (one of its shards). */
export interface MissSource {
  readonly family: 4 | 6
  /** The current listener; a reload replaces it. */
  listener: Listener
  /** The socket's address; undefined on a wildcard socket, where each query's control data has it. */
  readonly localAddress: string | undefined
  readonly unwrapper: DatagramUnwrapper
  /** The descriptor for sending; stays open while `pending` is not 0. */
  replyfd: number
  pending: number
  /** Called when `pending` becomes 0. */
  settled: (() => void) | undefined
}

/** Octets of a route: the sender's sockaddr, then control data. */
export const routeBytes = missRecord.message - missRecord.name
/** Where the control data begins in a route. */
export const controlDataAt = missRecord.controlData - missRecord.name

export const placesOf = (source: MissSource, route: Uint8Array, client: SocketAddress) => ({
  client,
  local: { address: source.localAddress ?? destinationOf(source, route), port: source.listener.port },
  listener: source.listener,
})

export function clientOf(source: MissSource, route: Uint8Array): SocketAddress {
  return {
    address: formatAddress(route, addressOffset[source.family], addressLength[source.family]),
    port: (route[2] << 8) | route[3],
  }
}

function destinationOf({ family }: MissSource, route: Uint8Array): string {
  return formatAddress(route, controlDataAt + pktinfo[family].destination, addressLength[family])
}
