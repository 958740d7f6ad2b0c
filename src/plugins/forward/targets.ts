/** The TO words of `forward`: servers, files that list servers, and host names. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { parseName } from '../../dns/name.ts'
import { nameserversOf } from '../../upstream/resolv-conf.ts'
import type { UpstreamTarget } from '../../upstream/upstream.ts'

export type Protocol = 'dns' | 'tls' | 'https'

export type Target =
  | { readonly kind: 'server'; readonly server: UpstreamTarget }
  /** `path` as written; see `readNameservers`. */
  | { readonly kind: 'file'; readonly path: string; readonly protocol: Protocol }
  | { readonly kind: 'host'; readonly host: string; readonly protocol: Protocol; readonly port: number }

export const defaultPorts: Readonly<Record<Protocol, number>> = { dns: 53, tls: 853, https: 443 }

/** What a TO word means; `isFile` tells whether there is such a file. Undefined when it can mean nothing. */
export function parseTarget(word: string, isFile: (path: string) => boolean): Target | undefined {
  const [, scheme, rest] = /^(?:([a-z0-9]+):\/\/)?(.*)$/s.exec(word)!
  if (scheme !== undefined && !Object.hasOwn(defaultPorts, scheme)) return undefined
  const protocol = (scheme ?? 'dns') as Protocol
  if (isFile(rest)) return { kind: 'file', path: rest, protocol }
  const parts = splitTarget(rest)
  const port = parts?.port ? Number(parts.port) : defaultPorts[protocol]
  if (!parts || port > 65535) return undefined
  const { host, behindPercent } = parts
  if (isIP(host)) {
    // Behind the percent sign: for plain DNS an interface (`fe80::1%eth0`), else the name in the server's certificate.
    const address = protocol === 'dns' && behindPercent ? `${host}%${behindPercent}` : host
    return { kind: 'server', server: { protocol, address, port, serverName: protocol === 'dns' ? '' : behindPercent } }
  }
  return isHostName(host) && !behindPercent ? { kind: 'host', host, protocol, port } : undefined
}

/** `HOST`, `HOST:PORT`, `[IPV6]:PORT`, a bare IPv6 address; any with `%TEXT` behind the address. */
function splitTarget(text: string): { host: string; behindPercent: string; port: string } | undefined {
  const match =
    /^\[([^\]%]*)(?:%([^\]]+))?\](?::(\d*))?$/.exec(text) ??
    /^([^%:]*)(?:%([^:]+))?(?::(\d*))?$/.exec(text) ??
    /^([\da-fA-F:.]+)(?:%([^:]+))?(?::(\d*))?$/.exec(text)
  return match ? { host: match[1], behindPercent: match[2] ?? '', port: match[3] ?? '' } : undefined
}

function isHostName(text: string): boolean {
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
export function readNameservers({ path, protocol }: Extract<Target, { kind: 'file' }>): UpstreamTarget[] {
  return nameserversOf(readFileSync(path, 'utf8')).map((address) => ({
    protocol,
    address,
    port: defaultPorts[protocol],
    serverName: '',
  }))
}
