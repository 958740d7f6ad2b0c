/** The TO words of `forward`: servers, files that list servers, and host names. */

import { isIP } from 'node:net'
import { readRegularFile } from '../../corefile/regular-file.ts'
import { parseName } from '../../dns/name.ts'
import { nameserversOf } from '../../upstream/resolv-conf.ts'
import type { UpstreamTarget } from '../../upstream/upstream.ts'

export type Protocol = 'dns' | 'tls' | 'https'

export type UpstreamAddress =
  | { readonly kind: 'server'; readonly server: UpstreamTarget }
  /** `path` as written; see `readNameservers`. */
  | { readonly kind: 'file'; readonly path: string; readonly protocol: Protocol }
  | { readonly kind: 'host'; readonly host: string; readonly protocol: Protocol; readonly port: number }

/** The default port of each scheme of TO. */
export const defaultPorts: Readonly<Record<Protocol, number>> = { dns: 53, tls: 853, https: 443 }

/** Parses a TO word; undefined when it is invalid. `isFile`: whether such a file exists. */
export function parseTarget(word: string, isFile: (path: string) => boolean): UpstreamAddress | undefined {
  const [, scheme, rest] = /^(?:([a-z0-9]+):\/\/)?(.*)$/s.exec(word)!
  if (scheme !== undefined && !Object.hasOwn(defaultPorts, scheme)) return undefined
  const protocol = (scheme ?? 'dns') as Protocol
  if (isFile(rest)) return { kind: 'file', path: rest, protocol }
  // After the percent sign: for plain DNS an interface (`fe80::1%eth0`), else the name in the server's certificate.
  const { place, serverName } = protocol === 'dns' ? { place: rest, serverName: '' } : splitServerName(rest)
  const parts = splitPort(place)
  const port = parts?.port ? Number(parts.port) : defaultPorts[protocol]
  if (!parts || port > 65535) return undefined
  const { host } = parts
  if (isIP(host)) return { kind: 'server', server: { protocol, address: host, port, serverName } }
  return isHostName(host) && !serverName ? { kind: 'host', host, protocol, port } : undefined
}

/** `IP%NAME`, `IP:PORT%NAME`, `[IP%NAME]:PORT`, and `IP%NAME:PORT`, which is common, too. */
function splitServerName(text: string): { readonly place: string; readonly serverName: string } {
  const match = /^([^%]*)%([^%:\]]+)(\])?(:\d+)?$/.exec(text)
  if (!match) return { place: text, serverName: '' }
  const [, before, serverName, bracket = '', port = ''] = match
  const bare = port !== '' && bracket === '' && isIP(before) === 6
  return { place: bare ? `[${before}]${port}` : before + bracket + port, serverName }
}

/** `HOST`, `HOST:PORT`, `[IPV6]:PORT`, a bare IPv6 address. */
function splitPort(text: string): { readonly host: string; readonly port: string } | undefined {
  if (isIP(text)) return { host: text, port: '' }
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(text)
  return match ? { host: match[1] ?? match[2], port: match[3] ?? '' } : undefined
}

/** A name whose last label is a number is a mistyped address. */
function isHostName(text: string): boolean {
  if (/(^|\.)\d+\.?$/.test(text)) return false
  if (!/^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9._])?$/.test(text)) return false
  try {
    parseName(text)
    return true
  } catch {
    // NameError: too long, or an empty label.
    return false
  }
}

/** The servers that the file lists now. Throws what reading it throws. */
export function readNameservers({ path, protocol }: Extract<UpstreamAddress, { kind: 'file' }>): UpstreamTarget[] {
  return nameserversOf(readRegularFile(path).toString('utf8')).map((address) => ({
    protocol,
    address,
    port: defaultPorts[protocol],
    serverName: '',
  }))
}
