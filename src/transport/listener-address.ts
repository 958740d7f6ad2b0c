/** A listener's address as socket addresses, and the error when one cannot be bound. Shared by all transports. */
import { SocketAddress } from 'node:net'
import { getSystemErrorMap } from 'node:util'
import type { Listener } from '../server/ingress.ts'

/** One socket address of a listener. */
export interface Host {
  readonly family: 4 | 6
  /** As the operating system accepts it: `::1`, `fe80::1%eth0`, `0.0.0.0`. */
  readonly address: string
  readonly wildcard: boolean
  /** Skipped on a machine without this address family. */
  readonly optional: boolean
}

/** `''` is two sockets, IPv4 and V6ONLY IPv6, so that no client address is IPv4-mapped. */
export function hostsOf(listener: Pick<Listener, 'address'>): readonly Host[] {
  const { address } = listener
  if (address === '') {
    return [
      { family: 4, address: '0.0.0.0', wildcard: true, optional: false },
      { family: 6, address: '::', wildcard: true, optional: true },
    ]
  }
  return [{ family: familyOf(address), address, wildcard: address === '0.0.0.0' || address === '::', optional: false }]
}

/** As metrics name it: `tls://:853`. A reload keeps the sockets of a listener with an unchanged id. */
export const idOf = (listener: Pick<Listener, 'scheme' | 'address' | 'port'>): string =>
  `${listener.scheme}://${keyOf(listener)}`

export function keyOf(listener: Pick<Listener, 'address' | 'port'>): string {
  const { address, port } = listener
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

export function isSameAddress(one: string, other: string): boolean {
  return one === other || (familyOf(one) === 6 && familyOf(other) === 6 && canonical(one) === canonical(other))
}

const canonical = (address: string): string =>
  new SocketAddress({ address: address.replace(/%.*/, ''), family: 'ipv6' }).address

const absentFamily = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])

/** Whether an optional host may be skipped because of this error (`code` as in Node.js's system errors). */
export function isAbsentFamily(host: Host, code: string | undefined): boolean {
  return host.optional && code !== undefined && absentFamily.has(code)
}

/** Worded like CoreDNS: `listen tcp :53: bind: address already in use`. `code` is for example EADDRINUSE. */
export function bindError(protocol: string, listener: Listener, code: string, call = 'bind'): Error {
  const error = new Error(`listen ${protocol} ${keyOf(listener)}: ${call}: ${reasonOf(code)}`)
  return Object.assign(error, { code })
}

function reasonOf(code: string): string {
  if (code === 'EADDRNOTAVAIL') return 'cannot assign requested address'
  for (const [name, text] of getSystemErrorMap().values()) if (name === code) return text
  return code
}
