/** Server-block keys, `[scheme://]zone[:port]`, and the zones that plugins take as arguments. */
import { parseNetwork, reverseZones } from './address.ts'
import { ConfigError, type Position, type Token } from './schema.ts'

export type Scheme = 'dns' | 'tls' | 'quic' | 'grpc' | 'https' | 'https3'

/** A key of a server block, parsed. */
export interface ServerKey {
  readonly scheme: Scheme
  /** Lower case and absolute; several for a network whose mask lies between two reverse zones. */
  readonly zones: readonly string[]
  readonly port: number
  /** The key in the Corefile. */
  readonly at: Position
}

export const defaultPorts: Readonly<Record<Scheme, number>> = {
  dns: 53,
  tls: 853,
  quic: 853,
  grpc: 443,
  https: 443,
  https3: 443,
}

/** RFC 1035 §2.3.4: 255 octets on the wire, and CoreDNS counts the text before it looks further. */
const maxNameLength = 255
const maxLabelLength = 63

/**
 * Parses the keys of a block. `dnsPort` is the port of `dns://` keys without one (`-dns.port`). Throws ConfigError at
 * the key that is wrong.
 */
export function serverKeys(keys: readonly Token[], dnsPort: number = defaultPorts.dns): ServerKey[] {
  return keys.map(({ text, at }) => {
    const { scheme, rest } = splitScheme(text)
    const { zones, port, error } = splitZone(rest)
    if (error !== undefined) throw new ConfigError(error, at)
    if (port !== undefined && (port < 0 || port > 65_535))
      throw new ConfigError(`port ${port} of '${text}' must be from 0 to 65535`, at)
    return { scheme, zones, port: port ?? (scheme === 'dns' ? dnsPort : defaultPorts[scheme]), at }
  })
}

/** Schemes that are served, and what each is. */
const served: Partial<Readonly<Record<Scheme, string>>> = {
  dns: 'UDP and TCP',
  tls: 'DNS over TLS',
  https: 'DNS over HTTPS',
  grpc: 'DNS over gRPC',
}

const servedText = Object.entries(served)
  .map(([scheme, what]) => `${scheme}:// (${what})`)
  .join(', ')

/**
 * Refuses a key whose scheme slicedns does not serve, instead of serving plain DNS on that scheme's port, and a key
 * whose scheme CoreDNS does not know and takes for a part of the name (`TLS://.`, `doh://.`).
 */
export function schemeError({ scheme, zones, at }: ServerKey): ConfigError | undefined {
  if (served[scheme] === undefined)
    return new ConfigError(`slicedns does not serve ${scheme}://; it serves ${servedText}`, at)
  const [, unknown] = /^([a-z0-9+.-]+):\/\//.exec(zones[0]) ?? []
  return unknown === undefined
    ? undefined
    : new ConfigError(`'${unknown}://' is not a scheme of a server block; these are served: ${servedText}`, at)
}

/**
 * The zones that a plugin's ZONES arguments name, lower case and absolute, CIDR notation expanded; `whole` when there
 * are no arguments (usually the zones of the server block). An argument that is not a zone is skipped, as CoreDNS does.
 */
export function zonesOf(args: readonly { readonly text: string }[], whole: readonly string[]): readonly string[] {
  return args.length === 0 ? whole : args.flatMap(({ text }) => normalizeZone(text))
}

/** The zone of one ZONES argument, or the zones of a network; empty if it is not a name. A scheme and a port are dropped. */
export function normalizeZone(text: string): readonly string[] {
  return splitZone(splitScheme(text).rest).zones
}

function splitScheme(text: string): { scheme: Scheme; rest: string } {
  const match = /^(dns|tls|quic|grpc|https|https3):\/\/(.*)$/s.exec(text)
  return match ? { scheme: match[1] as Scheme, rest: match[2] } : { scheme: 'dns', rest: text }
}

interface SplitZone {
  readonly zones: readonly string[]
  readonly port: number | undefined
  readonly error?: string
}

function splitZone(text: string): SplitZone {
  const refuse = (error: string) => ({ zones: [], port: undefined, error })
  const colon = text.lastIndexOf(':')
  if (colon !== -1 && colon === text.length - 1) return refuse(`expecting data after last colon: "${text}"`)
  // Digits after the last colon are a port, even where an IPv6 address was meant: 2001:db8::1 needs its mask.
  const isPort = colon !== -1 && /^[+-]?\d{1,18}$/.test(text.slice(colon + 1))
  const port = isPort ? Number(text.slice(colon + 1)) : undefined
  const name = isPort ? text.slice(0, colon) : text
  const length = Buffer.byteLength(name)
  if (length > maxNameLength) return refuse(`specified zone is too long: ${length} > ${maxNameLength}`)
  const zone = absoluteName(name)
  if (zone === undefined) return refuse(`zone is not a valid domain name: ${name}`)
  const network = parseNetwork(name)
  if (network === undefined) return { zones: [zone], port }
  if (name.startsWith(':') || (name.startsWith('0') && name.includes(':'))) return refuse(`invalid CIDR ${name}`)
  return { zones: reverseZones(network), port }
}

/**
 * The absolute name in lower case (ASCII, RFC 4343), or undefined when the text is not a name within the limits of RFC 1035 §2.3.4.
 * Spelled as names are everywhere here: `\DDD` outside printable ASCII, a backslash before what zone files give a
 * meaning, everything else plain.
 */
function absoluteName(text: string): string | undefined {
  if (text === '.') return text
  const name = Buffer.from(text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())).toString('latin1')
  // A dot that ends a label, or an octet of one: escaped in either way, or plain.
  const parts = name.match(/\\\d{3}|\\[\s\S]|[\s\S]/g) ?? []
  const labels: string[][] = [[]]
  for (const part of parts) {
    if (part === '\\') return undefined
    if (part === '.') labels.push([])
    else labels.at(-1)!.push(spell(part))
  }
  if (labels.at(-1)!.length === 0) labels.pop()
  const wireLength = labels.reduce((sum, label) => sum + label.length + 1, 1)
  const fits = labels.every(({ length }) => length >= 1 && length <= maxLabelLength)
  return fits && labels.length > 0 && wireLength <= maxNameLength
    ? `${labels.map((label) => label.join('')).join('.')}.`
    : undefined
}

/** One octet of a label, given as itself, `\x` or `\DDD`. */
function spell(part: string): string {
  const code = part.length === 4 ? Number(part.slice(1)) & 0xff : part.charCodeAt(part.length - 1)
  const character = String.fromCharCode(code).toLowerCase()
  if (code < 0x20 || code > 0x7e) return `\\${String(code).padStart(3, '0')}`
  return '. \'@;()"\\'.includes(character) ? `\\${character}` : character
}
