/** An open listener of connections: its listening sockets, and the current connections. */
import type { Server } from 'node:net'
import { familyOf, type Host, isSameAddress } from '../listener-address.ts'
import type { Endpoint as AnyEndpoint } from '../transport.ts'
import type { Admission } from './admission.ts'
import type { Connection } from './protocol.ts'

export interface Endpoint extends AnyEndpoint {
  readonly servers: { readonly host: Host; readonly server: Server }[]
  readonly guests: Set<Guest>
  /** Connections accepted so far. */
  accepted: number
  /** Connections open here, if the listener has its own limit (`https { max_connections }`). */
  own?: Admission
}

/** The endpoint that a connection belongs to: the one that now serves its address. */
export interface Place {
  home: Endpoint
}

export interface Guest {
  connection: Connection
  readonly address: string
  readonly place: Place
}

/** The endpoint that serves the address after this one was removed. */
export function successorOf(
  { listener: { scheme, port } }: Endpoint,
  address: string,
  endpoints: Iterable<Endpoint>,
): Endpoint | undefined {
  const candidates = [...endpoints].filter(({ listener }) => listener.scheme === scheme && listener.port === port)
  return (
    candidates.find(({ servers }) => servers.some(({ host }) => isSameAddress(host.address, address))) ??
    candidates.find(({ servers }) => servers.some(({ host }) => host.wildcard && host.family === familyOf(address)))
  )
}

export function move(guest: Guest, to: Endpoint): void {
  guest.place.home.guests.delete(guest)
  guest.place.home = to
  to.guests.add(guest)
}

export async function discard(endpoint: Endpoint): Promise<void> {
  for (const { connection } of endpoint.guests) connection.destroy()
  await close(endpoint)
}

/** Resolves when the listening sockets and their last connections are closed. */
export async function close({ servers }: Endpoint): Promise<void> {
  await Promise.all(
    servers.map(({ server }) => (server.listening ? new Promise((resolve) => server.close(resolve)) : undefined)),
  )
}

/** Whether a probe would only find this server itself. */
export function overlaps(host: Host, port: number, endpoints: readonly Endpoint[]): boolean {
  return endpoints.some(
    ({ listener, servers }) =>
      listener.port === port &&
      servers.some(
        ({ host: other, server }) =>
          server.listening &&
          other.family === host.family &&
          (other.wildcard || host.wildcard || isSameAddress(other.address, host.address)),
      ),
  )
}
